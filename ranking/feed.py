"""The feed: from what is known of a person to a page, each pick with its score and its reason.

Sources name candidates, filters take out what may not be shown, a ranker says what showing each is
worth, interests and fatigue are added, and a selector makes a page of what is left. Given the same
state, sources and settings the page is the same. A person without a history gets what is popular
and new, evenly from all interests; the same steps do that, with nothing known.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ranking.feed_config import FeedConfig, Rule
from ranking.feed_filters import filters_of
from ranking.feed_interests import without_muted
from ranking.feed_pool import Gathered, Gathering, explored_only, shortlist
from ranking.feed_ranker import Ranker
from ranking.feed_reasons import NOTHING, evidence, reason, supports
from ranking.feed_scores import Scored, scored
from ranking.feed_selector import Chosen, Quotas, quotas, select
from ranking.page import Page, Pick, Reason, Step
from ranking.shelf import Shelf
from ranking.user_state import UserState
from retrieval.source import Pool, Said, Source


class Feed:
    """Recommends from one shelf.

    Args:
        shelf: the items.
        sources: where candidates come from, for histories of this shelf; one named ``explore`` gets
            places of its own.
        ranker: says what showing each candidate is worth.
        config: settings.
        notes: what a person should know of this feed; stands on every page.
    """

    def __init__(
        self,
        shelf: Shelf,
        sources: Sequence[Source],
        ranker: Ranker,
        config: FeedConfig | None = None,
        notes: Sequence[str] = (),
    ) -> None:
        self.shelf, self.ranker, self.notes = shelf, ranker, tuple(notes)
        self.config = config or FeedConfig()
        self.gathering = Gathering(shelf, sources, self.config)
        names = " ".join(source.name for source in sources)
        self.policy = f"{ranker.name}; {names}; {self.config}"

    def page(
        self,
        state: UserState,
        size: int | None = None,
        *,
        explain: bool = False,
        rules: Sequence[Rule] = (),
    ) -> Page:
        """Make a page.

        Args:
            state: of the person, on this shelf.
            size: most items; the settings' where not given.
            explain: whether each reason names the liked item that holds the pick up; that ranks
                the candidates once more for each of the latest likes.
            rules: what this request leaves out or boosts.
        """
        size, state = size or self.config.size, without_muted(self.shelf, state)
        bounds = quotas(size, len(state.liked.items), state.boost, self.config.variety)
        gathered, candidates, steps = self._candidates(state, size, bounds, rules)
        clock = time.perf_counter()
        places, alike = self._choose(candidates, bounds, size)
        steps.append(_step("choice", len(candidates.items), len(places), clock))
        clock = time.perf_counter()
        reasons = self._reasons(state, candidates, places, gathered.said if explain else None)
        steps.append(_step("reasons", len(places), len(places), clock))
        picks = tuple(
            self._pick(candidates, int(place), position, float(cost), why)
            for position, (place, cost, why) in enumerate(zip(places, alike, reasons, strict=True))
        )
        return Page(
            recommendation_id=self._name(state, picks),
            user_id=state.user_id,
            asked_us=state.asked_us,
            picks=picks,
            found={name: len(one.items) for name, one in gathered.found.items()},
            trace=tuple(steps),
            notes=self.notes,
        )

    def candidates(self, state: UserState, rules: Sequence[Rule] = ()) -> Scored:
        """Give all that was ranked for a page of the usual size, before a page is chosen of it."""
        size, state = self.config.size, without_muted(self.shelf, state)
        bounds = quotas(size, len(state.liked.items), state.boost, self.config.variety)
        return self._candidates(state, size, bounds, rules)[1]

    def scores(self, state: UserState, items: NDArray[np.int64]) -> Scored:
        """Score items that were chosen elsewhere, (C,), each as it would be on a page of them.

        No source named them and nothing is filtered; what a person refused scores as it ranks.
        """
        pool = Pool(
            items=items,
            scores=np.zeros(len(items), np.float32),
            names=(),
            places=np.zeros((len(items), 0), np.int32),
        )
        state = without_muted(self.shelf, state)
        return scored(self.shelf, self.ranker, state, pool, (), self.config)

    def _candidates(
        self, state: UserState, size: int, bounds: Quotas, rules: Sequence[Rule]
    ) -> tuple[Gathered, Scored, list[Step]]:
        filters = filters_of(self.shelf, state, rules, self.config)
        gathered = self.gathering.gather(state, filters, size, bounds.least)
        clock, steps = time.perf_counter(), list(gathered.trace)
        pool = shortlist(gathered.pool, max(self.config.pool, size), size)
        steps.append(_step("pool", len(gathered.pool.items), len(pool.items), clock))
        clock = time.perf_counter()
        found = scored(self.shelf, self.ranker, state, pool, rules, self.config)
        steps.append(_step("ranking", len(pool.items), len(pool.items), clock))
        return gathered, found, steps

    def _choose(
        self, candidates: Scored, bounds: Quotas, size: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Places of a page's picks among the candidates, and what likeness costs each, (P,)."""
        alone = explored_only(candidates.pool)
        main, lane = np.flatnonzero(~alone), np.flatnonzero(alone)
        kept = min(int(size * self.config.explore + 1e-9), len(lane))
        num_lane = min(len(lane), max(kept, size - len(main)))
        strength, taken = self.config.variety.alike, candidates.owner[lane[:num_lane]]
        most = bounds.most - np.bincount(taken % len(bounds.most), minlength=len(bounds.most))
        chosen = select(
            candidates.total[main],
            np.asarray(self.shelf.vectors[candidates.items[main]]),
            candidates.owner[main],
            Quotas(most=most, least=bounds.least),
            size - num_lane,
            strength,
        )
        return _with_lane(main, chosen, lane[:num_lane], strength)

    def _pick(
        self, candidates: Scored, place: int, position: int, cost: float, why: Reason
    ) -> Pick:
        parts = {name: float(values[place]) for name, values in candidates.parts.items()}
        parts["alike"] = cost
        return Pick(
            item_id=self.shelf.item_ids[candidates.items[place]],
            position=position,
            score=sum(parts.values()),
            parts=parts,
            sources=candidates.pool.found_by(place),
            reason=why,
        )

    def _reasons(
        self,
        state: UserState,
        candidates: Scored,
        places: NDArray[np.int64],
        said: Mapping[int, Said] | None,
    ) -> list[Reason]:
        """Reasons of picks; without what sources said, no liked item is looked for."""
        held = np.full(len(places), NOTHING, np.int64)
        if said is not None:
            sources = self.gathering.sources
            held = supports(self.ranker, state, candidates, places, self.config, sources)
        found = evidence(self.shelf, state, candidates, places, held, said or {})
        return [reason(one) for one in found]

    def _name(self, state: UserState, picks: Sequence[Pick]) -> str:
        """Name of an answer: the same for the same answer to the same question."""
        told = [state.user_id, str(state.asked_us), self.policy, *(pick.item_id for pick in picks)]
        return "r" + hashlib.blake2b("\0".join(told).encode(), digest_size=8).hexdigest()


def _step(name: str, entered: int, left: int, started: float) -> Step:
    seconds = time.perf_counter() - started
    return Step(name=name, entered=entered, removed=entered - left, seconds=seconds)


def _with_lane(
    main: NDArray[np.int64], chosen: Chosen, lane: NDArray[np.int64], strength: float
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Put what is explored among what was chosen: spread over the second half of the page."""
    places, alike = main[chosen.places], -strength * chosen.alike
    size = len(places) + len(lane)
    where = size // 2 + ((np.arange(len(lane)) + 1) * (size - size // 2)) // max(len(lane), 1) - 1
    before = np.clip(where - np.arange(len(lane)), 0, len(places))
    return np.insert(places, before, lane), np.insert(alike, before, 0.0)
