"""The temperature mixes as many words as it is asked to."""

from __future__ import annotations

import numpy as np
import pytest

from ranking.consensus import softmax
from ranking.temperature import mixed_share, perplexity, proxy_temperature


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_proxies_mix_the_share_that_is_wanted(share: float) -> None:
    scores = np.random.default_rng(0).normal(size=(500, 20)).astype(np.float32)
    found = proxy_temperature(scores, share)
    assert perplexity(softmax(scores / found)) == pytest.approx(20 * share, rel=0.01)


def test_perplexity_counts_words() -> None:
    shares = np.array([[1, 0, 0, 0], [0.5, 0.5, 0, 0], [0.25] * 4], np.float32)
    assert [perplexity(row[None]) for row in shares] == pytest.approx([1, 2, 4], abs=1e-4)


def test_few_clusters_mix_more_words() -> None:
    assert [mixed_share(number) for number in (None, 2, 3, 4, 13)] == pytest.approx(
        [0.5, 0.9, 2 / 3, 0.5, 0.5]
    )
