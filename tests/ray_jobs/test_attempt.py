"""Errors become words that tell what to do next."""

from __future__ import annotations

import os
import sys
from functools import partial
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch

from ingest.errors import DecodeError, SensoriumError
from ray_jobs.attempt import Broken, attempt, build, is_out_of_memory, pack
from ray_jobs.stage import Stage, StageError
from support.stages import decode_stage


def test_results_come_in_order() -> None:
    assert attempt(lambda tasks: tuple(2 * task for task in tasks), [1, 2, 3]) == [2, 4, 6]


def test_a_wrong_number_of_results_breaks_the_batch() -> None:
    broken = attempt(lambda tasks: tasks[1:], [1, 2, 3])
    assert broken == Broken(code="", message="ValueError: 2 results for 3 tasks")


def test_errors_of_ours_keep_their_code_and_way_out() -> None:
    def work(tasks: object) -> list[int]:
        raise DecodeError("too_long", "clip.mp4 lasts 9 h", "raise the limit")

    broken = attempt(work, [1])
    assert broken == Broken(code="too_long", message="clip.mp4 lasts 9 h; raise the limit")


def test_messages_are_one_sentence_of_bounded_length() -> None:
    def work(tasks: object) -> list[int]:
        raise ValueError("line\n" * 1000)

    broken = attempt(work, [1])
    assert isinstance(broken, Broken)
    assert "\n" not in broken.message
    assert len(broken.message) < 400


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (MemoryError(), True),
        (torch.OutOfMemoryError("CUDA out of memory"), True),
        (RuntimeError("CUDA error: out of memory"), True),
        (
            RuntimeError("Non-zero status code: Failed to allocate memory for requested buffer"),
            True,
        ),
        (RuntimeError("CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate"), True),
        (RuntimeError("expected 3 channels"), False),
        (ValueError("bad"), False),
    ],
)
def test_out_of_memory_is_told_from_other_errors(error: Exception, expected: bool) -> None:
    assert is_out_of_memory(error) is expected


def test_numpy_running_out_of_memory_is_told() -> None:
    broken = attempt(lambda tasks: [np.ones(task, np.uint8) for task in tasks], [2**60])
    assert isinstance(broken, Broken)
    assert broken.out_of_memory


def test_a_packed_stage_brings_its_import_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    (tmp_path / "planted_elsewhere.py").write_text("def build():\n    return list\n")
    planted = import_module("planted_elsewhere")

    packed = pack(Stage(name="copy", build=planted.build))
    del sys.modules["planted_elsewhere"]
    sys.path.remove(str(tmp_path))
    stage, work = build(packed)
    assert stage.name == "copy"
    assert work([1, 2]) == [1, 2]


def test_build_errors_are_sentences() -> None:
    assert build(pack(decode_stage()))[0].isolated
    with pytest.raises(StageError, match="a worker cannot start: FileNotFoundError"):
        build(pack(Stage(name="s", build=partial(os.stat, "/does not exist"))))  # type: ignore[arg-type]
    with pytest.raises(SensoriumError, match="a worker cannot start: UnpicklingError"):
        build(b"nonsense")
