"""The head on frozen vectors: it finds what vectors tell, and nothing where they tell nothing."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ranking.lifecycle_head import HeadTraining, TakenUp, area, fit_head, scores_of

TOPICS = 6


def world(people: int, told: float, seed: int = 0) -> TakenUp:
    """People of whom some numbers say which topic they take up, and others nothing."""
    draw = np.random.default_rng(seed)
    topic = draw.choice(TOPICS, p=[0.4, 0.2, 0.2, 0.1, 0.05, 0.05], size=people)
    labels = np.eye(TOPICS, dtype=np.bool_)[topic]
    noise = draw.normal(size=(people, 8))
    known = noise + told * np.pad(labels, ((0, 0), (0, 2)))
    return TakenUp(people=known.astype(np.float32), labels=labels, counted=np.ones_like(labels))


def topics_of(seed: int = 0) -> torch.Tensor:
    return torch.randn(TOPICS, 8, generator=torch.Generator().manual_seed(seed))


def test_a_head_finds_what_vectors_tell() -> None:
    head = fit_head(world(600, 4.0), topics_of(), HeadTraining())
    asked = world(300, 4.0, seed=1)
    scores = scores_of(head, asked.people)
    usual = np.broadcast_to(head.base.numpy(), scores.shape)
    assert area(scores.ravel(), asked.labels.ravel()) > 0.95
    assert area(usual.ravel(), asked.labels.ravel()) < 0.85


def test_a_head_makes_up_little_where_nothing_is_told() -> None:
    head = fit_head(world(600, 0.0), topics_of(), HeadTraining())
    asked = world(300, 0.0, seed=1)
    usual = np.broadcast_to(head.base.numpy(), asked.labels.shape)
    found = area(scores_of(head, asked.people).ravel(), asked.labels.ravel())
    assert found > area(usual.ravel(), asked.labels.ravel()) - 0.02


def test_what_does_not_count_changes_nothing() -> None:
    taken = world(200, 2.0)
    counted = np.ones_like(taken.counted)
    counted[:, 5] = False
    other = taken.labels.copy()
    other[:, 5] = ~other[:, 5]
    first, second = (
        fit_head(
            TakenUp(people=taken.people, labels=labels, counted=counted),
            topics_of(),
            HeadTraining(epochs=2),
        )
        for labels in (taken.labels, other)
    )
    np.testing.assert_array_equal(scores_of(first, taken.people), scores_of(second, taken.people))


def test_areas_are_shares_of_pairs_in_order() -> None:
    draw = np.random.default_rng(0)
    scores, labels = draw.integers(5, size=40).astype(float), draw.random(40) < 0.3
    above = scores[labels][:, None] - scores[~labels]
    assert area(scores, labels) == pytest.approx(((above > 0) + 0.5 * (above == 0)).mean())
    assert np.isnan(area(scores, np.zeros(40, np.bool_)))
