"""The evaluator against reading lists one by one, oracles, and scorers that know nothing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from ingest.histories import Histories, History
from ranking.evaluate import EvaluationConfig, evaluate, gap
from ranking.splits import Part, SplitConfig, split
from retrieval.popular import Popular
from support.histories import histories_of, walks

CONFIG = EvaluationConfig(ks=(2, 5), batch=7)


class Fixed:
    """Scores that depend on the history's last item alone."""

    def __init__(self, table: np.ndarray) -> None:
        self.table = table.astype(np.float32)

    def score(self, histories: Sequence[History]) -> np.ndarray:
        return np.stack([self.table[history.items[-1]] for history in histories])


class Constant:
    """No item is better than another."""

    def __init__(self, num_items: int) -> None:
        self.num_items = num_items

    def score(self, histories: Sequence[History]) -> np.ndarray:
        return np.zeros((len(histories), self.num_items), np.float32)


def drawn(histories: Histories, seed: int) -> Fixed:
    number = histories.num_items
    draw = np.random.default_rng(seed)
    return Fixed(np.stack([draw.permutation(number) for _ in range(number)]))


def read_by_hand(scorer: Fixed, part: Part, k: int) -> tuple[float, float]:
    """Mean hit and share found, a question at a time."""
    hits, shares = [], []
    for case in part.cases:
        line, seen = scorer.table[case.history.items[-1]], set(case.history.items.tolist())
        wanted = set(case.targets.tolist()) - seen
        if wanted:
            allowed = [item for item in np.argsort(-line).tolist() if item not in seen]
            found = len(wanted & set(allowed[:k]))
            hits.append(found > 0)
            shares.append(found / len(wanted))
    return float(np.mean(hits)), float(np.mean(shares))


@pytest.mark.parametrize("protocol", ["leave-one-out", "time", "users"])
@pytest.mark.parametrize("seed", range(2))
def test_figures_are_those_of_lists_read_one_by_one(protocol: str, seed: int) -> None:
    histories = walks(users=80, seed=seed)
    part = split(histories, SplitConfig(protocol=protocol, seed=seed)).test  # type: ignore[arg-type]
    scorer = drawn(histories, seed)
    found = evaluate(scorer, part, CONFIG)
    for k in CONFIG.ks:
        hit, share = read_by_hand(scorer, part, k)
        assert found.figures[f"hit@{k}"] == pytest.approx(hit)
        assert found.figures[f"recall@{k}"] == pytest.approx(share)


def test_batches_change_nothing() -> None:
    histories = walks(users=50)
    part = split(histories, SplitConfig()).test
    one, other = (
        evaluate(drawn(histories, 1), part, EvaluationConfig(batch=batch)) for batch in (1, 64)
    )
    assert one.figures == other.figures


def test_an_oracle_is_perfect_and_indifference_is_chance() -> None:
    histories = histories_of(*["abcdefghij"] * 5)
    part = split(histories, SplitConfig()).test
    perfect = evaluate(Fixed(np.eye(10, k=1)), part, CONFIG)
    assert {perfect.figures[name] for name in ("hit@2", "ndcg@2", "mrr")} == {1.0}
    large = walks(rings=20, users=400)
    indifferent = evaluate(Constant(large.num_items), split(large, SplitConfig()).test, CONFIG)
    assert indifferent.figures["hit@5"] == 0
    assert indifferent.figures["mrr"] == pytest.approx(2 / large.num_items, rel=0.1)


def test_what_a_user_has_is_not_recommended_unless_asked() -> None:
    part = split(histories_of("abca", "abcd"), SplitConfig()).test
    table = np.tile([3, 2, 1, 0], (4, 1))
    new = evaluate(Fixed(table), part, EvaluationConfig(ks=(1,)))
    assert (len(new.cases), new.repeats, new.figures["hit@1"]) == (1, 1, 1.0)
    again = evaluate(Fixed(table), part, EvaluationConfig(ks=(1,), with_seen=True))
    assert (len(again.cases), again.repeats, again.figures["hit@1"]) == (2, 0, 0.5)


def test_items_nothing_was_learnt_about_are_asked_for_and_counted() -> None:
    part = split(histories_of("abcx", "abcd", "abdc"), SplitConfig()).test
    found = evaluate(Popular.fit(part.fit), part, CONFIG)
    assert (len(found.cases), found.unknown) == (3, 3)


def test_lists_are_judged_as_lists() -> None:
    histories = histories_of(*["abcdefghij"] * 5)
    part = split(histories, SplitConfig()).test
    vectors = np.eye(10, dtype=np.float32)
    found = evaluate(Popular.fit(part.fit), part, CONFIG, vectors)
    # Only i and j are new to everybody, nobody has been seen with either, and they are unlike.
    assert found.figures["coverage@2"] == pytest.approx(0.1)
    assert found.figures["novelty@2"] == pytest.approx(np.log2(5))
    assert found.figures["diversity@2"] == 0


def test_progress_ends_at_one() -> None:
    shown: list[float] = []
    part = split(walks(users=30), SplitConfig()).test
    evaluate(Popular.fit(part.fit), part, CONFIG, show=shown.append)
    assert shown == sorted(shown)
    assert shown[-1] == 1


def test_no_questions_give_no_figures_and_no_warnings() -> None:
    part = split(histories_of("ab"), SplitConfig()).test
    found = evaluate(Popular.fit(part.fit), part, CONFIG)
    assert set(found.figures.values()) == {0.0}


def test_a_gap_is_certain_only_where_questions_agree() -> None:
    histories = walks(users=200)
    part = split(histories, SplitConfig()).test
    oracle = np.zeros((histories.num_items, histories.num_items))
    for case in part.cases:
        oracle[case.history.items[-1], case.targets[0]] += 1
    best, one, other = (
        evaluate(scorer, part, CONFIG)
        for scorer in (Fixed(oracle), drawn(histories, 1), drawn(histories, 2))
    )
    assert gap(best, one, "hit@5")[0] > 0
    low, high = gap(one, other, "hit@5")
    assert low < 0 < high
    assert gap(one, one, "hit@5") == (0, 0)
    fewer = evaluate(drawn(histories, 1), Part(fit=part.fit, cases=part.cases[:9]), CONFIG)
    with pytest.raises(ValueError, match="same questions"):
        gap(one, fewer, "hit@5")


@pytest.mark.parametrize("wrong", [{"ks": ()}, {"ks": (0,)}, {"batch": 0}])
def test_impossible_settings_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="expected 1 or more"):
        EvaluationConfig(**wrong)  # type: ignore[arg-type]
