"""Halving: the best is found, budgets grow, and where trials run changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from ray_jobs.stage import RunOptions
from ray_jobs.sweeps import Tried, halving, here, sweep
from support.trials import learns_more_slowly


def test_the_best_third_goes_on_with_more_rounds() -> None:
    candidates = [{"width": width} for width in range(1, 10)]
    asked: list[tuple[int, int]] = []

    def trial(settings: Mapping[str, Any], epochs: int) -> float:
        asked.append((settings["width"], epochs))
        return learns_more_slowly(settings, epochs)

    shown: list[float] = []
    found = halving(candidates, 20, here(trial), lambda share, _tried: shown.append(share))
    assert asked == [*((width, 7) for width in range(1, 10)), *((w, 20) for w in (9, 8, 7))]
    assert found[0] == Tried(settings={"width": 9}, epochs=20, reached=9 - 9 / 40)
    assert [one.settings["width"] for one in found[:3]] == [9, 8, 7]
    assert shown == pytest.approx([n / 12 for n in range(1, 13)])


def test_equals_keep_their_order_and_one_candidate_wins() -> None:
    candidates = [{"width": 1, "name": name} for name in "abcd"]
    found = sweep(learns_more_slowly, candidates, 3, None)
    assert [one.settings["name"] for one in found[:2]] == ["a", "b"]
    assert [one.epochs for one in found] == [3, 3, 1, 1, 1, 1]
    [only] = halving([{"width": 5}], 8, here(learns_more_slowly))
    assert (only.epochs, only.settings) == (8, {"width": 5})
    with pytest.raises(ValueError, match="nothing to choose"):
        halving([], 8, here(learns_more_slowly))


@pytest.mark.slow
@pytest.mark.ray
def test_ray_finds_what_this_process_finds(ray_session: None) -> None:
    candidates = [{"width": width} for width in (2, 7, 1, 5)]
    here_found, there_found = (
        sweep(learns_more_slowly, candidates, 9, options) for options in (None, RunOptions())
    )
    assert here_found == there_found
