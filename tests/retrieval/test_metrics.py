"""Metrics against naive versions and cases that can be done in the head."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.metrics import auroc, recall_at_k

scores = st.lists(st.integers(0, 5).map(float), min_size=1, max_size=12)


@pytest.mark.parametrize(
    ("ranked", "relevant", "k", "expected"),
    [
        ("abc", "a", 1, 1.0),
        ("abc", "b", 1, 0.0),
        ("abc", "bc", 2, 0.5),
        ("abc", "abcdef", 2, 1.0),
        ("", "a", 3, 0.0),
    ],
)
def test_recall_by_hand(ranked: str, relevant: str, k: int, expected: float) -> None:
    assert recall_at_k(list(ranked), set(relevant), k) == expected


@pytest.mark.parametrize(("relevant", "k"), [(set(), 1), ({"a"}, 0)])
def test_recall_of_nothing_is_refused(relevant: set[str], k: int) -> None:
    with pytest.raises(ValueError, match="recall needs"):
        recall_at_k(["a"], relevant, k)


@given(scores, scores)
def test_auroc_counts_pairs(matched: list[float], unmatched: list[float]) -> None:
    won = sum((a > b) + (a == b) / 2 for a in matched for b in unmatched)
    assert auroc(matched, unmatched) == pytest.approx(won / (len(matched) * len(unmatched)))
