"""Broken media come in by upload: each is refused at once or set aside with a code that fits."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from sensorium.service.app import create_app
from sensorium.service.job_work import do
from sensorium.service.serving import Host
from support.broken import BREAKAGES, Broken, broken_files
from support.library import CONFIG
from support.media import write_image

QUICK = ("empty", "cut-still", "text", "bomb", "no-samples")
NO_FILE = "dangling"
"""What nobody can upload: a link that leads nowhere."""


def uploaded(client: TestClient, files: Collection[Path]) -> dict[str, Path]:
    """Upload files; gives those that were taken in, by id."""
    taken = {}
    for path in files:
        with path.open("rb") as file:
            answer = client.post("/v1/items", files={"file": (path.name, file)})
        assert answer.status_code in (202, 413, 415, 422), answer.text
        if answer.status_code == 202:
            taken[answer.json()["item_id"]] = path
    return taken


def check(broken: list[Broken], folder: Path) -> None:
    """Upload files beside one that is whole, index them, and look what became of each."""
    host = Host(folder / "w", CONFIG)
    client = TestClient(create_app(host))
    whole = folder / "whole.png"
    write_image(whole, 1)
    given = {one.path: one for one in broken}
    taken = uploaded(client, [*given, whole])
    assert set(taken.values()) >= {whole, *given}, "their names are those of media"
    asked = {"source": str(host.library.workspace.uploads), "prune": False, "reembed": False}
    report = do(host.library.workspace.path, CONFIG, "index", asked, lambda _share, _words: None)
    assert report["items"] == len(taken)
    answer = client.get("/v1/quarantine", params={"n": 500}).json()
    codes = {taken[file["item_id"]]: file["code"] for file in answer["files"]}
    assert codes.keys() == given.keys()
    unfitting = [path.name for path, one in given.items() if codes[path] not in one.codes]
    assert unfitting == []
    host.refresh()
    listed = client.get("/v1/items", params={"n": 500}).json()["items"]
    ready = [taken[item["item_id"]] for item in listed if item["state"] == "ready"]
    assert (len(listed), ready) == (len(taken), [whole])
    host.library.workspace.engine.dispose()


def test_broken_uploads_are_set_aside_with_their_cause(tmp_path: Path) -> None:
    kinds = [one for one in broken_files(tmp_path / "broken") if one.kind in QUICK]
    assert {one.kind for one in kinds} == set(QUICK)
    check(kinds, tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_kind_of_broken_upload_is_set_aside_with_its_cause(tmp_path: Path) -> None:
    most = max(len(suffixes) for suffixes, _, _ in BREAKAGES.values())
    files = broken_files(tmp_path / "broken", most)
    check([one for one in files if one.kind != NO_FILE], tmp_path)
