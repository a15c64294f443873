"""Candidates that many like lately, whoever asks."""

from __future__ import annotations

import numpy as np

from ingest.histories import History
from retrieval.source import Found
from retrieval.tally import Standings


class PopularSource:
    """Names the items with the most likes, each halved with every half-life since.

    Args:
        standings: counts of the shelf's items.
    """

    name = "popular"

    def __init__(self, standings: Standings) -> None:
        self.standings = standings

    def candidates(self, _history: History, limit: int) -> Found:
        """Find candidates; see ``Source``. Scores are shares of the hottest item's heat."""
        now = self.standings.now
        items = now.by_heat[:limit]
        heat = now.heat[items]
        return Found(items=items, scores=(heat / heat[:1]).astype(np.float32))
