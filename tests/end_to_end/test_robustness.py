"""Good files among many broken ones, and a run that is killed again and again."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.broken import BREAKAGES, Broken, broken_files
from support.cli import rows, sensorium, start
from support.media import write_image, write_sound, write_video

FORMATS = (("jpg", "png", "webp", "gif"), ("wav", "flac", "ogg", "mp3"))
LIMITS = (
    "--workers", "2",
    "--set", "decode.timeout_seconds=20", "--set", "decode.max_duration_seconds=600",
)  # fmt: skip


@dataclass(frozen=True)
class Corpus:
    """Good files with broken ones among them."""

    folder: Path
    num_good: int
    broken: list[Broken]


def good_files(folder: Path, times: int) -> int:
    """Write so many times eight stills and four sounds, of every format, a clip and a text.

    Returns:
        How many there are.
    """
    stills, sounds = FORMATS
    for number in range(8 * times):
        write_image(folder / f"still{number:02d}.{stills[number % 4]}", number)
    for number in range(4 * times):
        write_sound(folder / f"sound{number}.{sounds[number % 4]}", 300.0 + 40 * number)
    for number in range(times):
        write_video(folder / f"clip{number}.mp4", seed=number, tone_hz=200.0 + 50 * number)
        (folder / f"note{number}.txt").write_text(f"Note {number}\n\nA boat and {number} gulls.")
    return 14 * times


def files(folder: Path, times: int, num_broken: int) -> Corpus:
    """Good files, see ``good_files``, and at least so many broken ones."""
    num_good = good_files(folder / "good", times)
    made = broken_files(folder / "broken", -(-num_broken // (len(BREAKAGES) - 1)))
    # A link to nothing is no file: it is rejected by name instead of being set aside.
    return Corpus(folder, num_good, [file for file in made if file.kind != "dangling"])


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return files(tmp_path_factory.mktemp("corpus"), 4, 200)


def index(folder: Path, workspace: Path, code: int) -> dict[str, object]:
    words = ("index", folder, "--workspace", workspace, "--local", "--json", *LIMITS)
    [report] = rows(sensorium(*words, code=code))
    return report


def check_whole(workspace: Path, corpus: Corpus) -> None:
    """All good items answer, every broken file has one of its codes, and nothing is there twice."""
    [status] = rows(sensorium("status", "-w", workspace, "--json"))
    assert status["states"]["ready"] == corpus.num_good
    listed = rows(sensorium("status", "-w", workspace, "--failed", "--json"))
    codes = {Path(row["uri"]).name: row["code"] for row in listed}
    assert len(listed) == len(codes) == len(corpus.broken)
    for file in corpus.broken:
        assert codes[file.path.name] in file.codes, (file.path.name, codes[file.path.name])
    found = rows(
        sensorium(
            "search", "a boat", "-w", workspace, "-n", "500", "--min-relevance", "0",
            "--duplicates", "--json",
        )
    )  # fmt: skip
    ids = [row["item_id"] for row in found]
    assert len(ids) == len(set(ids)) == corpus.num_good


def test_broken_files_are_set_aside_and_good_ones_indexed(tmp_path: Path) -> None:
    assert len(BREAKAGES) >= 12
    check_run(files(tmp_path / "corpus", 1, 50), tmp_path)


@pytest.mark.slow
def test_two_hundred_broken_files_are_set_aside(corpus: Corpus, tmp_path: Path) -> None:
    assert len(corpus.broken) >= 200
    check_run(corpus, tmp_path)


def check_run(corpus: Corpus, tmp_path: Path) -> None:
    """Index twice, and look what became of each file."""
    report = index(corpus.folder, tmp_path / "w", code=3)
    assert sum(report["quarantined"].values()) == len(corpus.broken)  # type: ignore[attr-defined]
    check_whole(tmp_path / "w", corpus)
    again = index(corpus.folder, tmp_path / "w", code=3)
    assert (again["encoded"], again["indexed"]) == (0, 0)


def done_contents(workspace: Path) -> int:
    """Contents that are finished for good, well or not."""
    uri = f"file:{workspace / 'catalogue.db'}?mode=ro"
    with suppress(sqlite3.OperationalError), sqlite3.connect(uri, uri=True) as database:
        [(done,)] = database.execute(
            "select (select count(distinct content_hash) from encoded)"
            " + (select count(*) from quarantine)"
        )
        return int(done)
    return 0


def children(process: int) -> list[int]:
    """Worker processes of a driver."""
    listed = Path(f"/proc/{process}/task/{process}/children")
    return [int(word) for word in listed.read_text().split()] if listed.exists() else []


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_run_killed_at_ten_random_points_loses_and_doubles_nothing(
    corpus: Corpus, tmp_path: Path
) -> None:
    workspace = tmp_path / "w"
    chance = random.Random(7)
    words = ("index", corpus.folder, "--workspace", workspace, "--local", "--quiet", *LIMITS)
    for turn in range(10):
        before = done_contents(workspace)
        driver = start(*words)
        time.sleep(chance.uniform(1.0, 6.0))
        victims = [driver.pid] if turn % 2 == 0 else children(driver.pid)[:1]
        for victim in victims:
            with suppress(ProcessLookupError):
                os.kill(victim, signal.SIGKILL)
        if turn % 2:
            time.sleep(1.0)
            driver.kill()
        driver.communicate()
        assert done_contents(workspace) >= before
    before = done_contents(workspace)
    report = index(corpus.folder, workspace, code=3)
    total = done_contents(workspace)
    assert report["encoded"] + before <= total + 1  # type: ignore[operator]
    check_whole(workspace, corpus)
