"""Which tokens are hidden: shares, bounds, and rare topics as often as common ones."""

from __future__ import annotations

import numpy as np
import pytest

from ranking.lifecycle_masking import Masking, hide, mask_chances, rarity

HIDDEN = 101
SHARES = np.array([0.6, 0.2, 0.1, 0.06, 0.03, 0.01])


def world(rows: int, places: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Topics of tokens, (B, L), weights with power 0.75, and which are maskable."""
    draw = np.random.default_rng(seed)
    topics = draw.choice(6, p=SHARES, size=(rows, places))
    some = draw.random((rows, places)) < 0.8
    return topics, rarity(SHARES, 0.75)[topics], some


def test_chances_keep_the_share_and_the_bounds() -> None:
    masking = Masking()
    topics, weights, some = world(400, 50)
    chances = mask_chances(weights, some, masking)
    assert (chances[~some] == 0).all()
    assert chances[some].min() >= 0.05 - 1e-12
    assert chances[some].max() <= 0.4 + 1e-12
    means = chances.sum(axis=1) / some.sum(axis=1)
    np.testing.assert_allclose(means, 0.15, atol=1e-6)
    rates = [chances[some & (topics == topic)].mean() for topic in range(6)]
    assert (np.diff(rates) > -1e-9).all()
    assert rates[-1] > 4 * rates[0]


def test_tokens_are_hidden_as_often_as_asked() -> None:
    topics, weights, some = world(2_500, 50)
    chances = mask_chances(weights, some, Masking())
    found = hide(topics, weights, chances, HIDDEN, np.random.default_rng(1))
    assert some.sum() >= 0.95e5
    # One token at least of each row is hidden, which with forty tokens changes nothing much.
    assert abs(found.asked[some].mean() - 0.15) < 0.002
    assert not found.asked[~some].any()
    hidden = found.ids[found.asked]
    assert abs((hidden == HIDDEN).mean() - 0.8) < 0.02
    assert abs((hidden == topics[found.asked]).mean() - 0.1) < 0.02
    assert (found.ids[~found.asked] == topics[~found.asked]).all()


def test_with_full_power_topics_are_hidden_equally_often() -> None:
    counts = (SHARES * 1_000).astype(int)
    topics = np.tile(np.repeat(np.arange(6), counts), (600, 1))
    weights = rarity(SHARES, 1.0)[topics]
    masking = Masking(power=1.0, least=0.0, most=1.0, hidden_ratio=0.03)
    chances = mask_chances(weights, np.ones(topics.shape, np.bool_), masking)
    found = hide(topics, weights, chances, HIDDEN, np.random.default_rng(0))
    hits = np.bincount(topics[found.asked], minlength=6)
    # Chi-square with five degrees of freedom is above 20.5 once in a thousand; draws of a rare
    # topic spread less than the test takes them to, as their chance is no small one.
    assert ((hits - hits.mean()) ** 2 / hits.mean()).sum() < 20.5
    assert hits.sum() == pytest.approx(0.03 * topics.size, rel=0.02)


def test_without_power_hiding_is_even_bit_for_bit() -> None:
    topics, _, some = world(300, 40)
    weights = rarity(SHARES, 0.0)[topics]
    masking = Masking(power=0.0, least=0.0, most=1.0)
    found = hide(topics, weights, mask_chances(weights, some, masking), HIDDEN, _draw())
    plain = np.where(some, 0.15, 0.0)
    expected = hide(topics, np.ones(topics.shape), plain, HIDDEN, _draw())
    np.testing.assert_array_equal(found.ids, expected.ids)
    np.testing.assert_array_equal(found.asked, expected.asked)


def test_a_row_that_chance_leaves_whole_has_one_token_hidden() -> None:
    topics = np.tile([0, 5], (4_000, 1))
    weights = rarity(SHARES, 1.0)[topics]
    some = np.ones(topics.shape, np.bool_)
    some[:10] = False
    found = hide(topics, weights, np.where(some, 1e-9, 0.0), HIDDEN, _draw())
    assert (found.asked.sum(axis=1) == np.where(some.any(axis=1), 1, 0)).all()
    assert abs(found.asked[10:, 1].mean() - 60 / 61) < 0.01


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="least below most"):
        Masking(least=0.5, most=0.4)
    with pytest.raises(ValueError, match="between its bounds"):
        Masking(hidden_ratio=0.01)


def _draw() -> np.random.Generator:
    return np.random.default_rng(3)
