"""How sharply an item chooses among candidate words.

A few clusters out of many words must each pool many: with a sharp choice, what is clustered is
which single word won, and near words compete. So the temperature follows from how many words a
proxy is to mix, counted as the perplexity of its shares: half of the candidates, or, where K is
below four, a share of 2 / K of them, up to nearly all.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ranking.consensus import softmax

Array = NDArray[np.float32]

LEAST_SHARE, MOST_SHARE = 0.5, 0.9
SEEN = 2_000
"""Items whose scores decide."""
HALVINGS = 40
"""Steps of the search."""
SHARPEST, SOFTEST = 0.02, 50.0


def mixed_share(num_clusters: int | None) -> float:
    """Share of the candidates that a proxy mixes for K clusters; None where K is still open."""
    if num_clusters is None:
        return LEAST_SHARE
    return min(max(LEAST_SHARE, 2 / num_clusters), MOST_SHARE)


def proxy_temperature(scores: Array, share: float) -> float:
    """Find the temperature at which shares of candidates have a mean perplexity.

    Args:
        scores: of N items and P candidates, (N, P).
        share: perplexity to reach, as a share of P in (0, 1).
    """
    seen = scores[:SEEN]
    wanted = share * scores.shape[1]
    low, high = SHARPEST, SOFTEST
    for _ in range(HALVINGS):
        middle = float(np.sqrt(low * high))
        low, high = (middle, high) if perplexity(softmax(seen / middle)) < wanted else (low, middle)
    return high


def perplexity(shares: Array) -> float:
    """How many candidates rows of shares (B, P) mix, on average: from 1 to P."""
    entropy = -(shares * np.log(shares + 1e-12)).sum(axis=1)
    return float(np.exp(entropy).mean())
