"""Batch sizes found once are found again, and a broken memory never breaks a run."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from ray_jobs.batching import BatchMemory, BatchSizer


def test_a_size_is_halved_to_what_fits_and_never_grows(tmp_path: Path) -> None:
    sizer = BatchSizer(32, "tower @ gpu", BatchMemory(tmp_path / "sizes.json"))
    assert sizer.halve(32) == 16
    assert sizer.halve(16) == 8
    assert sizer.halve(32) == 8, "a batch that was under way before says nothing new"
    assert sizer.halve(1) == 1
    assert sizer.size == 1


@pytest.mark.parametrize(("asked", "expected"), [(32, 8), (4, 4)])
def test_the_next_run_starts_with_the_size_found(tmp_path: Path, asked: int, expected: int) -> None:
    path = tmp_path / "sizes.json"
    BatchSizer(16, "a @ gpu", BatchMemory(path)).halve(16)
    BatchSizer(64, "b @ gpu", BatchMemory(path)).halve(64)
    assert json.loads(path.read_text()) == {"a @ gpu": 8, "b @ gpu": 32}
    assert BatchSizer(asked, "a @ gpu", BatchMemory(path)).size == expected
    assert BatchSizer(asked, "a @ cpu", BatchMemory(path)).size == asked
    assert BatchSizer(asked, "", BatchMemory(path)).size == asked
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"a @ gpu": "8"}', '{"a @ gpu": -1}'])
def test_a_damaged_file_is_no_memory(tmp_path: Path, text: str) -> None:
    path = tmp_path / "sizes.json"
    path.write_text(text)
    sizer = BatchSizer(8, "a @ gpu", BatchMemory(path))
    assert sizer.size == 8
    sizer.halve(8)
    assert json.loads(path.read_text()) == {"a @ gpu": 4}


def test_a_file_that_cannot_be_written_is_passed_over(tmp_path: Path) -> None:
    sizer = BatchSizer(8, "a @ gpu", BatchMemory(tmp_path / "no folder" / "sizes.json"))
    assert sizer.halve(8) == 4


def test_threads_that_fail_together_halve_once() -> None:
    sizer = BatchSizer(64, "", BatchMemory(None))
    threads = [threading.Thread(target=sizer.halve, args=(64,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sizer.size == 32
