"""Progress as it is told to a program."""

from __future__ import annotations

from ray_jobs.stage import StageProgress
from sensorium.progress import TellingConsole, bar_progress, download_progress, stage_progress


def stages(done: int, failed: int) -> list[StageProgress]:
    decoded = StageProgress(name="decode", done=done, failed=failed)
    return [decoded, StageProgress(name="encode", done=done)]


def test_stages_are_told_as_a_share_and_words() -> None:
    heard: list[tuple[float | None, str]] = []
    console = TellingConsole(lambda share, words: heard.append((share, words)))
    with stage_progress(console, total=8) as show:
        show(stages(0, 0))
        show(stages(3, 1))
    with stage_progress(console, total=0) as show:
        show(stages(2, 0))
    assert heard[0] == (0.0, "0 of 8 files")
    share, words = heard[1]
    assert share == 0.5
    assert words.startswith("4 of 8 files, 1 of them unreadable; ")
    assert words.endswith(" left")
    assert heard[2] == (1.0, "finishing")
    assert heard[3] == (None, "2 files")


def test_other_work_is_told_as_it_comes() -> None:
    heard: list[tuple[float | None, str]] = []
    console = TellingConsole(lambda share, words: heard.append((share, words)))
    with bar_progress(console, quiet=False) as show:
        show(0.5, "round 2")
    with download_progress(console) as fetch:
        fetch("clip", 1, 4)
        fetch("clip", 1, 0)
    assert heard == [(0.5, "round 2"), (0.25, "fetching clip"), (None, "fetching clip")]
