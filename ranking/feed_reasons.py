"""Why an item is on a page, found out by asking what would have happened otherwise.

The item of the history that is named is the one without which the pick would have fallen furthest
among the candidates. Where no single one holds it up, none is named: an interest that many likes
speak for is a reason of its own, and an item that nothing in the history supports says so.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ranking.feed_config import FeedConfig
from ranking.feed_pool import NEWEST, explored_only
from ranking.feed_ranker import Ranker
from ranking.feed_scores import RANKER, Scored, place_odds, ranker_part
from ranking.page import Reason
from ranking.shelf import NO_INTEREST, Shelf
from ranking.user_state import UserState
from retrieval.source import Accountable, Said, Source

NOTHING = -1
"""Stands for no item of the history."""
POPULAR = frozenset({"popular", "trending"})
"""Sources that know what many like."""
NEW = frozenset({"fresh", NEWEST})
"""Sources that know what has come lately."""
CLOSE = math.log(2)
"""What the ranker gives an item for which the history as a whole speaks: twice what it gives the
middle one."""


def supports(
    ranker: Ranker,
    state: UserState,
    candidates: Scored,
    places: NDArray[np.int64],
    config: FeedConfig,
    sources: Sequence[Source] = (),
) -> NDArray[np.int64]:
    """Find the liked item that holds each pick up most.

    Each of the latest liked items is taken out of the history in turn, all candidates are ranked
    again, and sources that can account for it are asked again; everything else stays as it is.

    Args:
        ranker: what ranked the candidates.
        state: what it ranked them by.
        candidates: with their scores, (C,).
        places: of the picks among the candidates, (P,).
        config: how many liked items are tried, and how much ranker and sources count.
        sources: that found the candidates.

    Returns:
        Numbers of items, (P,); ``NOTHING`` where a pick does not fall for want of any one.
    """
    tried = _latest(state, config.looked_back)
    best, most = np.full(len(places), NOTHING, np.int64), np.zeros(len(places), np.int64)
    if not len(tried) or not len(places):
        return best
    pool, others = candidates.pool, candidates.total - candidates.parts[RANKER]
    asked = [one for one in sources if isinstance(one, Accountable) and one.name in pool.names]
    found = [pool.places[:, pool.names.index(one.name)] for one in asked]
    strengths = [config.strength_of(one.name) for one in asked]
    for strength, own in zip(strengths, found, strict=True):
        others = others - strength * place_odds(own)
    scores = [one.scores_without(state.liked, pool.items, tried) for one in asked]
    before = _ranks(candidates.total, places)
    worth = ranker.rank_without(state, candidates.items, tried)
    for row, (item, values) in enumerate(zip(tried, worth, strict=True)):
        total = others + ranker_part(values, config)
        for strength, own, given in zip(strengths, found, scores, strict=True):
            total = total + strength * place_odds(_places(given[row], own, pool.items))
        fall = _ranks(total, places) - before
        best = np.where(fall > most, item, best)
        most = np.maximum(fall, most)
    return best


def _latest(state: UserState, most: int) -> NDArray[np.int64]:
    """The latest liked items, each once, latest first."""
    backwards = state.liked.items[::-1]
    _, first = np.unique(backwards, return_index=True)
    return backwards[np.sort(first)[:most]]


def _places(
    scores: NDArray[np.float32], before: NDArray[np.int32], items: NDArray[np.int64]
) -> NDArray[np.int32]:
    """Places by scores, (C,), of what had one before; -1 for what has none, or 0 for a score."""
    kept = np.flatnonzero((before >= 0) & (scores > 0))
    places = np.full(len(items), -1, np.int32)
    places[kept[np.lexsort((items[kept], -scores[kept]))]] = np.arange(len(kept))
    return places


def _ranks(total: NDArray[np.float64], places: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many candidates score above each pick, (P,)."""
    above: NDArray[np.int64] = (total[None, :] > total[places][:, None]).sum(axis=1)
    return above


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What speaks for one pick."""

    interest: str
    """Name of its interest; empty for none."""
    boosted: bool
    """Whether the person asked for more of the interest."""
    liked: bool
    """Whether the person's history speaks for the interest."""
    close: bool
    """Whether the history speaks for the item, by the ranker."""
    history_item: str
    """Id of the liked item that holds the pick up; empty for none."""
    sources: frozenset[str]
    """Names of those that found it."""
    relation: str = ""
    """What a source says of how it is related to ``history_item``; empty for nothing."""


def evidence(
    shelf: Shelf,
    state: UserState,
    candidates: Scored,
    places: NDArray[np.int64],
    held: NDArray[np.int64],
    said: Mapping[int, Said],
) -> Iterator[Evidence]:
    """Collect what speaks for each pick; nothing does for one that is merely explored.

    A relation that a source names is a reason of its own: its item is named, whichever item holds
    the pick up.

    Args:
        shelf: the items.
        state: of the person.
        candidates: with their scores, (C,).
        places: of the picks among the candidates, (P,).
        held: numbers of the liked items that hold them up, or ``NOTHING``, (P,).
        said: what sources say of items, by number.
    """
    lane, worth = explored_only(candidates.pool), candidates.parts[RANKER]
    for place, item in zip(places.tolist(), held.tolist(), strict=True):
        owner, counts = int(candidates.owner[place]), not lane[place]
        named = shelf.interests is not None and owner != NO_INTEREST
        related = said.get(int(candidates.pool.items[place])) if counts else None
        behind = related.item if related else item
        yield Evidence(
            interest=shelf.interests.names[owner] if shelf.interests and named else "",
            boosted=counts and named and bool(state.boost[owner] > 1),
            liked=counts and named and bool(state.interest[owner] > 0),
            close=counts and len(state.liked.items) > 0 and bool(worth[place] >= CLOSE),
            history_item=shelf.item_ids[behind] if counts and behind != NOTHING else "",
            sources=frozenset(candidates.pool.found_by(place)),
            relation=related.words if related else "",
        )


def reason(evidence: Evidence) -> Reason:
    """Put what speaks for a pick into words: the most particular thing that is true."""
    interest, item = evidence.interest, evidence.history_item
    kind, text = "explored", ": ".join(filter(None, ["something different", interest]))
    if evidence.relation:
        kind, text = "relation", evidence.relation.replace("{item}", item)
    elif item:
        kind, text = "history", f"because you liked {item}"
    elif interest and evidence.boosted:
        kind, text = "interest", f"you asked for more of {interest}"
    elif interest and evidence.liked:
        kind, text = "interest", f"from your interest in {interest}"
    elif evidence.close:
        kind, text = "history", "close to what you liked"
    elif evidence.sources & POPULAR:
        kind, text = "popular", "many like it"
    elif evidence.sources & NEW:
        kind, text = "new", "it is new"
    return Reason(kind=kind, text=text, interest=interest, history_item=item)
