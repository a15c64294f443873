"""Baselines choose on validation alone, and land where a planted world says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from ingest.histories import Histories, History
from ranking.baselines import Contender, baselines, compare
from ranking.evaluate import EvaluationConfig
from ranking.splits import SplitConfig, Splits, split
from support.histories import histories_of, walks

CONFIG = EvaluationConfig(ks=(3,))


class Shift:
    """Says that the item so many numbers further comes next."""

    def __init__(self, steps: int, num_items: int) -> None:
        self.steps, self.num_items = steps, num_items

    def score(self, histories: Sequence[History]) -> np.ndarray:
        scores = np.zeros((len(histories), self.num_items), np.float32)
        for line, history in zip(scores, histories, strict=True):
            line[(history.items[-1] + self.steps) % self.num_items] = 1
        return scores


SHIFTS = Contender[Shift](
    name="shift", fit=lambda seen, steps, _before: Shift(steps, seen.num_items), grid=(1, 2, 3)
)


def few(contenders: list[Contender[Shift]]) -> list[Contender[Shift]]:
    """The same with the ends of each grid only."""
    return [replace(one, grid=(one.grid[0], one.grid[-1])) for one in contenders]


@pytest.mark.parametrize("protocol", ["leave-one-out", "time", "users"])
def test_learnt_baselines_find_the_planted_order_and_popularity_does_not(protocol: str) -> None:
    histories = walks(users=400, rings=8)
    splits = split(histories, SplitConfig(protocol=protocol))  # type: ignore[arg-type]
    contenders, left_out = baselines(histories)
    results = {result.name: result for result in compare(splits, few(contenders), CONFIG)}
    assert list(results) == ["popular", "popular lately", "item neighbours", "item regression"]
    assert left_out == {}
    hits = {name: result.evaluation.figures["hit@3"] for name, result in results.items()}
    assert min(hits["item neighbours"], hits["item regression"]) > 0.45
    assert hits["popular"] < 0.25


def test_settings_are_chosen_on_validation_and_not_on_the_test() -> None:
    # In validation the next item is one further, in the test two.
    splits = split(histories_of(*["abd", "bce", "cdf"] * 3), SplitConfig())
    [result] = compare(splits, [replace(SHIFTS, grid=(2, 1, 3))], CONFIG)
    assert result.validation == 1
    assert result.evaluation.figures["ndcg@3"] < 1
    swapped = Splits(config=splits.config, seen="", validation=splits.test, test=splits.validation)
    [other] = compare(swapped, [SHIFTS], CONFIG)
    assert other.validation == 1


def test_the_test_learns_from_its_own_part() -> None:
    fitted: list[Histories] = []

    def fit(seen: Histories, steps: int, _before: Shift | None) -> Shift:
        fitted.append(seen)
        return Shift(steps, seen.num_items)

    splits = split(walks(), SplitConfig(protocol="time"))
    compare(splits, [Contender(name="shift", fit=fit, grid=(1, 2))], CONFIG)
    assert fitted == [splits.validation.fit, splits.validation.fit, splits.test.fit]
    fitted.clear()
    same = split(walks(), SplitConfig())
    compare(same, [Contender(name="shift", fit=fit, grid=(1, 2))], CONFIG)
    assert fitted == [same.validation.fit] * 2


def test_many_questions_of_validation_are_drawn_by_the_seed() -> None:
    asked: list[int] = []

    class Counting(Shift):
        def score(self, histories: Sequence[History]) -> np.ndarray:
            asked.append(len(histories))
            return super().score(histories)

    one = Contender[Shift](name="one", fit=lambda seen, _, __: Counting(1, seen.num_items))
    splits = split(histories_of(*["abcd"] * 90), SplitConfig())
    compare(splits, [one], CONFIG, most_validated=20)
    assert asked == [20, 90]


def test_progress_rises_and_names_who_is_at_work() -> None:
    shown: list[tuple[float, str]] = []
    splits = split(walks(users=40), SplitConfig())
    compare(
        splits, [SHIFTS, SHIFTS], CONFIG, show=lambda share, words: shown.append((share, words))
    )
    assert [share for share, _ in shown] == pytest.approx([n / 8 for n in range(8)])
    assert shown[3][1] == "shift: test"


def test_a_log_without_times_or_with_many_items_has_fewer_baselines(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    contenders, left_out = baselines(histories_of("abc", "bcd"))
    assert [one.name for one in contenders] == ["popular", "item neighbours", "item regression"]
    assert "times" in left_out["popular lately"]
    monkeypatch.setattr("ranking.baselines.MOST_ITEMS", 3)
    contenders, left_out = baselines(histories_of("abc", "bcd"))
    assert [one.name for one in contenders] == ["popular", "item neighbours"]
    assert "4 items" in left_out["item regression"]


def test_a_contender_needs_settings() -> None:
    splits = split(walks(users=30), SplitConfig())
    with pytest.raises(ValueError, match="no settings"):
        compare(splits, [replace(SHIFTS, grid=())], CONFIG)
