"""The scripts of ``examples/`` as a reader runs them, in processes of their own."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pyarrow.parquet as pq
import pytest

from support.cli import environment, rows, sensorium, start
from support.colours import COLOURS

EXAMPLES = Path(__file__).parents[2] / "examples"
MOST_LINES = 40
PATIENCE_SECONDS = 60
"""For a service to come up on a busy machine."""


def run(script: str, *words: str | Path) -> list[str]:
    """Run an example to its end; gives the lines that it printed."""
    done = subprocess.run(
        [sys.executable, EXAMPLES / script, *map(str, words)],
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def wait_until_ready(address: str) -> None:
    ends = time.monotonic() + PATIENCE_SECONDS
    while httpx.get(f"{address}/health/ready").status_code != 200:
        assert time.monotonic() < ends
        time.sleep(0.05)


def test_examples_are_short() -> None:
    scripts = sorted(EXAMPLES.glob("*.py"))
    assert [path.name for path in scripts] == [
        "bulk_index.py", "feed_backend.py", "media_library.py"
    ]  # fmt: skip
    assert all(len(path.read_text().splitlines()) <= MOST_LINES for path in scripts)


@pytest.mark.slow
def test_a_backend_sees_the_next_page_change(workspace: Path, tmp_path: Path) -> None:
    served = Path(shutil.copytree(workspace, tmp_path / "w"))
    process = start("serve", "-w", served, "--port", "0")
    try:
        assert process.stderr is not None
        found = re.search(r":(\d+) ", process.stderr.readline())
        assert found is not None
        address = f"http://127.0.0.1:{found[1]}"
        wait_until_ready(address)
        first, *changes = run("feed_backend.py", address, "somebody-new")
    finally:
        process.terminate()
        process.communicate(timeout=30)
    told = re.fullmatch(r"liked (\w+), skipped (\w+): accepted, accepted", first)
    assert told is not None
    assert {f"gone: {item_id}" for item_id in told.groups()} <= set(changes)
    assert any(line.startswith("new: ") for line in changes)


@pytest.mark.slow
def test_a_team_indexes_a_catalogue_and_takes_the_vectors(workspace: Path, tmp_path: Path) -> None:
    *seen, last = run("bulk_index.py", workspace.parent / "media", tmp_path / "out")
    table = pq.read_table(tmp_path / "out" / "vectors.parquet")
    ids = [f"sku-{number:06}" for number in range(16)]  # three times five stills, and a clip
    assert sorted(table["item_id"].to_pylist()) == ids
    assert last.startswith("exit 0; 16 items: item_id")
    assert all(line.startswith(("so far: ", "16 indexed")) for line in seen)


@pytest.mark.slow
def test_a_person_gets_albums_and_finds_things(workspace: Path, tmp_path: Path) -> None:
    media = tmp_path / "media"
    media.mkdir()
    for name in (*(f"{colour}{n}.png" for colour in COLOURS for n in range(2)), "note.txt"):
        shutil.copy(workspace.parent / "media" / name, media)
    (media / "broken.jpg").write_bytes(b"no picture")  # It is set aside; all else goes on.
    lines = run("media_library.py", media, "a recipe for soup")
    assert [line.split(" (")[0] for line in lines[:2]] == ["by colour", "by mood"]
    views = rows(sensorium("views", "-w", tmp_path / "my-library", "--json"))
    assert [view["view"] for view in views] == ["colour", "mood"]
    assert all((tmp_path / name).exists() for name in ("colour.html", "mood.html"))
    assert lines[2].startswith("a recipe for soup: note (")
