"""Profiles from the command line: written, shown, learnt, weighed, erased."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ranking.profile_store import ProfileStore
from sensorium.library import Library
from support.cli import rows, sensorium
from support.library import CONFIG, copy_fused
from support.walks import log_walks, walked

TEMPLATE = ("--set", "profiles.writer=template")
QUICK = (
    "--set", "profiles.hidden=8", "--set", "profiles.batch_size=64", "--set", "profiles.epochs=3",
    "--set", "profiles.learning_rate=0.01",
)  # fmt: skip


@pytest.fixture(autouse=True)
def short_grids(monkeypatch: pytest.MonkeyPatch) -> None:
    import ranking.baselines

    for name in ("NEIGHBOURS", "REGRESSIONS"):
        monkeypatch.setattr(ranking.baselines, name, getattr(ranking.baselines, name)[-2:])


def test_profiles_are_written_shown_learnt_and_erased(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    copy_fused(tmp_path_factory, tmp_path, 40, 5)
    library = Library(tmp_path, CONFIG, create=False)
    log_walks(library.workspace.event_log, walked(users=30))
    assert "nobody is to write" in sensorium("profiles", "refresh", "-w", tmp_path, code=1).stderr
    asks = ("--set", "profiles.writer=model")
    refused = sensorium("profiles", "refresh", "-w", tmp_path, *asks, code=1)
    assert "none is configured" in refused.stderr

    [cost] = rows(sensorium("profiles", "refresh", "-w", tmp_path, *TEMPLATE, "--json"))
    assert (cost["people"], cost["kept"], cost["calls"], cost["failed"]) == (30, 60, 0, 0)
    again = sensorium("profiles", "refresh", "-w", tmp_path, *TEMPLATE).stdout
    assert again.startswith("30 people, 0 profiles due")
    short, long = rows(sensorium("profiles", "show", "u000", "-w", tmp_path, "--json"))
    assert (short["horizon"], long["horizon"], short["weight"]) == ("short", "long", None)
    assert "Title of" in short["text"]
    assert "nothing has been written" in (
        sensorium("profiles", "show", "nobody", "-w", tmp_path, code=1).stderr
    )

    [learnt] = rows(sensorium("train", "profiles", "-w", tmp_path, *TEMPLATE, *QUICK, "--json"))
    assert (learnt["model"], learnt["known_by"]) == ("profiles", "content")
    assert set(learnt["rows"][0]["figures"]) >= {"hit@10", "ndcg@10"}
    if learnt["kept"]:
        weights = [
            row["weight"]
            for row in rows(sensorium("profiles", "show", "u000", "-w", tmp_path, "--json"))
        ]
        assert np.isclose(sum(weights), 1)

    receipt = rows(sensorium("users", "erase", "u000", "--yes", "-w", tmp_path, "--json"))[0]
    assert receipt["erased"]["profiles"] == 2
    assert not receipt["found"]
    assert not ProfileStore(library.workspace.engine).of("u000")
    kept = ProfileStore(library.workspace.engine).of("u001")
    assert {one.vector.shape for one in kept.values()} == {(384,)}
