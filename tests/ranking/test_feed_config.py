"""Settings refuse what makes no sense."""

from __future__ import annotations

import pytest

from ranking.feed_config import FatigueConfig, FeedConfig, VarietyConfig, source_weights


@pytest.mark.parametrize(
    "changes",
    [
        {"size": 0}, {"candidates": 0}, {"pool": 5}, {"looked_back": 0}, {"explore": 1.5},
        {"recency": -0.1}, {"recency_hours": 0.0}, {"ranker": -1.0}, {"agreement": -1.0},
        {"interest": -1.0}, {"weights": ("similar",)}, {"weights": (":2",)},
        {"weights": ("similar:-1",)}, {"weights": ("similar:inf",)},
    ],
)  # fmt: skip
def test_a_feed_of_nonsense_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"must be|is no weight"):
        FeedConfig(**changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "changes", [{"strength": -1.0}, {"patience": 0.0}, {"floor": 0.0}, {"floor": 1.1}]
)
def test_fatigue_of_nonsense_is_refused(changes: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must be"):
        FatigueConfig(**changes)


@pytest.mark.parametrize(
    "changes", [{"alike": -1}, {"most_share": 0}, {"settled": 0}, {"least_interests": -1}]
)
def test_variety_of_nonsense_is_refused(changes: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must be"):
        VarietyConfig(**changes)


def test_weights_are_read() -> None:
    assert source_weights(("similar:2", " fresh : .5")) == {"similar": 2.0, "fresh": 0.5}
