"""Good files among many broken ones, and a run that is killed again and again."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import time
from contextlib import suppress
from pathlib import Path

import pytest

from support.broken import BREAKAGES, Broken, broken_files
from support.cli import rows, sensorium, start
from support.media import write_image, write_sound, write_video

NUM_GOOD = 50
LIMITS = ("--set", "decode.timeout_seconds=20", "--set", "decode.max_duration_seconds=600")


def good_files(folder: Path) -> None:
    """Thirty-two stills, four clips, ten sounds and four texts."""
    for number in range(32):
        suffix = ("jpg", "png", "webp", "gif")[number % 4]
        write_image(folder / f"still{number:02d}.{suffix}", number)
    for number in range(4):
        write_video(folder / f"clip{number}.mp4", seed=number, tone_hz=200.0 + 50 * number)
    for number in range(10):
        suffix = ("wav", "flac", "ogg", "mp3")[number % 4]
        write_sound(folder / f"sound{number}.{suffix}", 300.0 + 40 * number)
    for number in range(4):
        (folder / f"note{number}.txt").write_text(f"Note {number}\n\nA boat and {number} gulls.")


def files(folder: Path, num_broken: int) -> tuple[Path, list[Broken]]:
    """Good files, and at least so many broken ones among them."""
    good_files(folder / "good")
    made = broken_files(folder / "broken", -(-num_broken // (len(BREAKAGES) - 1)))
    # A link to nothing is no file: it is rejected by name instead of being set aside.
    return folder, [file for file in made if file.kind != "dangling"]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Broken]]:
    return files(tmp_path_factory.mktemp("corpus"), 200)


def index(folder: Path, workspace: Path, code: int) -> dict[str, object]:
    words = ("index", folder, "--workspace", workspace, "--local", "--json", *LIMITS)
    [report] = rows(sensorium(*words, code=code))
    return report


def check_whole(workspace: Path, broken: list[Broken]) -> None:
    """Fifty items answer, every broken file has one of its codes, and nothing is there twice."""
    [status] = rows(sensorium("status", "-w", workspace, "--json"))
    assert status["states"]["ready"] == NUM_GOOD
    listed = rows(sensorium("status", "-w", workspace, "--failed", "--json"))
    codes = {Path(row["uri"]).name: row["code"] for row in listed}
    assert len(listed) == len(codes) == len(broken)
    for file in broken:
        assert codes[file.path.name] in file.codes, (file.path.name, codes[file.path.name])
    found = rows(
        sensorium(
            "search", "a boat", "-w", workspace, "-n", "500", "--min-relevance", "0",
            "--duplicates", "--json",
        )
    )  # fmt: skip
    ids = [row["item_id"] for row in found]
    assert len(ids) == len(set(ids)) == NUM_GOOD


def test_broken_files_are_set_aside_and_good_ones_indexed(tmp_path: Path) -> None:
    assert len(BREAKAGES) >= 12
    check_run(*files(tmp_path / "corpus", 50), tmp_path)


@pytest.mark.slow
def test_two_hundred_broken_files_are_set_aside(
    corpus: tuple[Path, list[Broken]], tmp_path: Path
) -> None:
    assert len(corpus[1]) >= 200
    check_run(*corpus, tmp_path)


def check_run(folder: Path, broken: list[Broken], tmp_path: Path) -> None:
    """Index twice, and look what became of each file."""
    report = index(folder, tmp_path / "w", code=3)
    assert sum(report["quarantined"].values()) == len(broken)  # type: ignore[attr-defined]
    check_whole(tmp_path / "w", broken)
    again = index(folder, tmp_path / "w", code=3)
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
    corpus: tuple[Path, list[Broken]], tmp_path: Path
) -> None:
    folder, broken = corpus
    workspace = tmp_path / "w"
    chance = random.Random(7)
    words = ("index", folder, "--workspace", workspace, "--local", "--quiet", *LIMITS)
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
    report = index(folder, workspace, code=3)
    total = done_contents(workspace)
    assert report["encoded"] + before <= total + 1  # type: ignore[operator]
    check_whole(workspace, broken)
