"""Feeds that ``benchmarks/stack.py`` holds against each other: two stages, the whole, its parts."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.stack_learning import SIGNALS
from benchmarks.stack_parts import Knows
from ranking.feed_config import FeedConfig, VarietyConfig

SOURCES = ("neighbours", "interests", "similar", "popular", "fresh", "explore")
RELATED = "relations"
Ranking = Knows | Literal["blend", "long_short"]
WHOLES: tuple[Ranking, ...] = ("both", "blend", "long_short")
"""Rankers that the whole has strengths of its own beside."""
LEAN = FeedConfig(
    agreement=0.0,
    interest=0.0,
    weights=(),
    explore=0.0,
    variety=VarietyConfig(alike=0.0, most_share=1.0, least_interests=0),
)
"""Two stages and nothing else: candidates, and the order of the ranker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """What a feed is made of."""

    config: FeedConfig
    sources: tuple[str, ...] = SOURCES
    ranker: Ranking = "both"
    signals: tuple[str, ...] = ()
    view: bool = True


def two_stages(ranker: Knows) -> Stack:
    """Recall by item neighbours, and the order of a sequence model."""
    return Stack(config=LEAN, sources=("neighbours",), ranker=ranker, view=False)


def less(whole: Stack, *sources: str) -> Stack:
    """The whole without some sources."""
    return replace(whole, sources=tuple(one for one in SOURCES if one not in sources))


def taken_out(whole: Stack) -> dict[str, Stack]:
    """The whole without one part at a time."""
    config, variety = whole.config, whole.config.variety

    def varied(**changes: Any) -> FeedConfig:
        return replace(config, variety=replace(variety, **changes))

    return {
        "content in the ranker": replace(whole, ranker="ids"),
        "content everywhere": replace(
            less(whole, "similar", "interests"),
            ranker="ids",
            view=False,
            config=varied(alike=0.0),
        ),
        "source neighbours": less(whole, "neighbours"),
        "source interests": less(whole, "interests"),
        "source similar": less(whole, "similar"),
        "source popular": less(whole, "popular"),
        "sources fresh and explore": less(whole, "fresh", "explore"),
        "agreement of sources": replace(whole, config=replace(config, agreement=0.0)),
        "view (taste and quotas)": replace(whole, view=False),
        "quotas of the view": replace(whole, config=varied(most_share=1.0, least_interests=0)),
        "marginal relevance": replace(whole, config=varied(alike=0.0)),
        "ids in the ranker": replace(whole, ranker="content"),
        "ids everywhere": replace(less(whole, "neighbours", "interests"), ranker="content"),
    }


def added(whole: Stack) -> dict[str, Stack]:
    """The whole with one part more."""
    return {
        **{f"with signal {name}": replace(whole, signals=(name,)) for name in SIGNALS},
        "with all signals": replace(whole, signals=tuple(SIGNALS)),
        "with source relations": replace(whole, sources=(*SOURCES, RELATED)),
    }
