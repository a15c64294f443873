"""What the whole feed is made of on the films: a shelf, questions, sources and rankers.

- The shelf is what an index run would give: the films' joint vectors, and a view by film genre
  whose words are the vocabulary's. A film came when anybody first rated it.
- A question is a state, derived from the person's events as serving derives it; every rating is a
  like. Nobody was shown a page, so that fatigue has nothing to go by here.
- What a source finds and what a ranker gives do not depend on the rest of the feed, so both are
  asked for once and kept; pages are made of them by the product's own feed.
- What is learnt is kept in a folder by a digest of events and settings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from benchmarks.content import BASE, learnt
from benchmarks.content_sets import ContentSet
from encoders.family import Family, FamilyConfig
from ingest.event import Event, from_microseconds
from ingest.event_rules import EventRules
from ingest.histories import Histories, History
from ranking.candidates import candidates_for, phrases
from ranking.clustering import ClusterConfig, partition
from ranking.feed_ranker import Blend, Floats, Ranker
from ranking.held_out import hold_out
from ranking.interest_fit import fit_interests
from ranking.interest_recommender import InterestRecommender
from ranking.interest_settings import InterestSettings
from ranking.long_short_fit import fit_long_short
from ranking.long_short_ranker import LongShortRanker
from ranking.long_short_recommender import LongShortRecommender
from ranking.long_short_settings import LongShortSettings
from ranking.ranker_fit import Content
from ranking.sequence_ranker import SequenceRanker
from ranking.sequences import Sequences
from ranking.shelf import Interests, Shelf
from ranking.space import Block, ItemViews
from ranking.splits import Case, Part
from ranking.user_state import UserState, UserStateConfig, derive
from ray_jobs.recipe import digest_of
from retrieval.nearest import ItemIndex
from retrieval.neighbours import ItemNeighbours, NeighbourConfig
from retrieval.source import Found, Source
from retrieval.source_fresh import Arrivals, ExploreSource, FreshSource
from retrieval.source_neighbours import NeighbourTable
from retrieval.source_popular import PopularSource
from retrieval.source_similar import similar_items
from retrieval.source_vectors import ModelAsker, VectorSource
from retrieval.space import GraphConfig
from retrieval.tally import Standings, Tally

Numbers = NDArray[np.int64]
Knows = Literal["both", "ids", "content"]
RULES, MEMORY = EventRules(), UserStateConfig()
ASPECT = "film genre"
"""That the view of the shelf is made by."""
POPULAR = timedelta(days=30)
"""Half-life of what is popular, as served."""
RANKERS = {
    "both": {"dropped_ratio": 0.2, "id_dropped_ratio": 0.2},
    "ids": {"dropped_ratio": 0.2},
    "content": {"dropped_ratio": 0.2},
}
"""What ``benchmarks/content.py`` has found on validation, by what items are known by."""
VECTORS = InterestSettings(
    epochs=30, warm_epochs=8, patience=4, num_drawn=256, length=100, device="cpu"
)
"""Half the rounds of the settings' defaults, as time was short."""
LONG_SHORT = LongShortSettings(reader="attention", epochs=4, learning_rate=3e-3)
"""Few rounds, as each takes close to a minute; so the step is the larger of those that
``benchmarks/impressions.py`` tries. It finds in one round what the smaller finds in three."""
EXACT = GraphConfig(exact_rows=500_000)
BATCH = 256


def shelf_of(data: ContentSet, cache: Path, aspect: str = ASPECT) -> Shelf:
    """The items as a shelf with a view by an aspect."""
    events, num_items = data.histories, data.histories.num_items
    came = np.full(num_items, np.iinfo(np.int64).max)
    np.minimum.at(came, events.items, events.times_us)
    return Shelf(
        item_ids=events.item_ids,
        vectors=data.content,
        added_us=came,
        group=np.arange(num_items),
        hidden=np.zeros(num_items, np.bool_),
        interests=interests_of(data.content, aspect, cache / f"{data.name}-view.npz"),
    )


def interests_of(content: NDArray[np.float32], aspect: str, kept: Path) -> Interests:
    """What ``sensorium cluster --by`` an aspect makes of joint vectors."""
    if not kept.exists():
        candidates = candidates_for(aspect, (), 40, None)
        words = Family(FamilyConfig(name="bundled")).word_fields(phrases(candidates))["joint"]
        views = ItemViews(
            num_items=len(content), blocks={"joint": Block(np.arange(len(content)), content)}
        )
        made = partition(views, candidates.words, {"joint": words}, None, ClusterConfig())
        np.savez(kept, names=made.names, labels=made.labels, confidence=made.confidence)
    with np.load(kept) as found:
        return Interests(
            view=aspect,
            names=tuple(found["names"].tolist()),
            of_item=found["labels"].astype(np.int32),
            confidence=found["confidence"],
        )


class Questions:
    """Whom pages are made for, and what they go on to.

    Args:
        part: the questions.
        shelf: the films.
        every: only one of so many questions.
    """

    def __init__(self, part: Part, shelf: Shelf, every: int = 1) -> None:
        self.part, cases = part, part.cases[::every]
        self.users = np.array([case.user for case in cases], np.int64)
        self.targets = np.array([case.targets[0] for case in cases], np.int64)
        self.histories = [case.history for case in cases]
        self.states = _states(cases, part.fit.users, shelf)
        self.row = {state.liked: row for row, state in enumerate(self.states)}
        nothing = np.zeros(0, np.float32)
        self.bare = [
            replace(
                state,
                interest=nothing,
                exposure=nothing,
                boost=nothing,
                last_met_us=np.zeros(0, np.int64),
            )
            for state in self.states
        ]
        """The same states where the shelf has no view."""

    def __len__(self) -> int:
        return len(self.states)


def _states(cases: Sequence[Case], users: Sequence[str], shelf: Shelf) -> list[UserState]:
    longest: dict[int, History] = {}
    for case in cases:
        known = longest.get(case.user)
        if known is None or len(case.history.items) > len(known.items):
            longest[case.user] = case.history
    events = {
        user: likes(users[user], history, shelf.item_ids) for user, history in longest.items()
    }
    return [
        derive(
            users[case.user],
            case.history.asked_us,
            events[case.user][: len(case.history.items)],
            shelf,
            RULES,
            MEMORY,
        )
        for case in cases
    ]


def likes(user: str, history: History, item_ids: Sequence[str]) -> list[Event]:
    """A history as events."""
    return [
        Event(
            user_id=user,
            item_id=item_ids[item],
            event_type="like",
            occurred_at=from_microseconds(moment),
        )
        for item, moment in zip(history.items.tolist(), history.times_us.tolist(), strict=True)
    ]


@dataclass(frozen=True, slots=True, eq=False)
class KeptSource:
    """A source that is asked once for each history."""

    source: Source
    found: dict[tuple[History, int], Found]

    @property
    def name(self) -> str:
        """Of the source."""
        return self.source.name

    def candidates(self, history: History, limit: int) -> Found:
        """Find candidates; see ``Source``."""
        if (history, limit) not in self.found:
            self.found[history, limit] = self.source.candidates(history, limit)
        return self.found[history, limit]


class WatchedRanker:
    """A ranker that shows what it was asked to rank; of a learnt one, scores are kept.

    Args:
        ranker: ranks.
        questions: that it is asked.
    """

    def __init__(self, ranker: Ranker, questions: Questions) -> None:
        self.ranker, self.name, self._row = ranker, ranker.name, questions.row
        self.asked: Numbers = np.zeros(0, np.int64)
        """The items that were ranked last."""
        self.worth: Floats | None = None
        """What every item is worth after every question, (Q, N)."""
        if isinstance(ranker, SequenceRanker):
            histories = [state.liked for state in questions.states]
            self.worth = np.concatenate(
                [
                    ranker.recommender.score(histories[start : start + BATCH])
                    for start in range(0, len(histories), BATCH)
                ]
            )
            first = ranker.rank(questions.states[0], np.arange(50))
            assert np.allclose(self.worth[0, :50], first, atol=1e-4), "kept scores are those given"

    def rank(self, state: UserState, items: Numbers) -> Floats:
        """Give what showing each item is worth, (C,)."""
        self.asked = items
        if self.worth is None:
            return self.ranker.rank(state, items)
        worth: Floats = self.worth[self._row[state.liked], items]
        return worth

    def rank_without(self, state: UserState, items: Numbers, dropped: Numbers) -> Floats:
        """What the ranker gives."""
        return self.ranker.rank_without(state, items, dropped)

    def chances(self, state: UserState, items: Numbers) -> dict[str, Floats]:
        """What the ranker gives."""
        return self.ranker.chances(state, items)


class Parts:
    """Sources and rankers for the questions of one part of the log.

    Args:
        data: the films.
        shelf: of them.
        questions: that pages are made for.
        neighbours: how films become neighbours.
        cache: keeps what was learnt.
    """

    base, rankers = BASE, RANKERS
    """Settings of sequence models, and by what items are known by."""

    def __init__(
        self,
        data: ContentSet,
        shelf: Shelf,
        questions: Questions,
        neighbours: NeighbourConfig,
        cache: Path,
    ) -> None:
        self.data, self.shelf, self.questions, self.cache = data, shelf, questions, cache
        self.bare_shelf = replace(shelf, interests=None)
        self.neighbours = ItemNeighbours.fit(questions.part.fit, neighbours)

    @cached_property
    def _events(self) -> Sequences:
        return Sequences(histories=self.questions.part.fit)

    @cached_property
    def plain(self) -> dict[str, Source]:
        """Sources in which no seed plays a part, by name."""
        shelf, arrivals = self.shelf, Arrivals(self.shelf.added_us, self.shelf.hidden)
        standings = Standings(_tally(self.questions.part.fit), shelf.number_of)
        table = NeighbourTable.of(self.neighbours)
        sources: list[Source] = [
            table.source(shelf.number_of),
            similar_items(shelf.vectors, ItemIndex.build(shelf.vectors)),
            PopularSource(standings),
            FreshSource(arrivals),
            ExploreSource(arrivals, standings),
        ]
        return {source.name: KeptSource(source, {}) for source in sources}

    def vectors(self, seed: int) -> Source:
        """The source ``interests``: learnt vectors."""
        model = self._interests(replace(VECTORS, seed=seed))
        index = ItemIndex.build(model.vectors, EXACT)
        return KeptSource(VectorSource("interests", ModelAsker(model), index, merge="quota"), {})

    def ranker(self, knows: Knows, seed: int) -> WatchedRanker:
        """The sequence model."""
        settings = replace(self.base, knows=knows, seed=seed, **self.rankers[knows])
        learnt_one = learnt(self.data, self.questions.part, settings, self.cache)
        return WatchedRanker(SequenceRanker(recommender=learnt_one), self.questions)

    def blend(self) -> WatchedRanker:
        """The ranker that needs no learning."""
        return WatchedRanker(Blend(shelf=self.shelf), self.questions)

    def long_short(self, seed: int) -> WatchedRanker:
        """The ranker that also knows each person by a vector of their own."""
        settings, events = replace(LONG_SHORT, seed=seed), self._events
        name = digest_of([self.data.name, events.digest, asdict(settings)])
        path, content = self.cache / f"{self.data.name}-long-{name}.safetensors", self.data.content
        if not path.exists():
            held_out = hold_out(events, seed)
            fit_long_short(held_out, settings, Content(vectors=content)).recommender.save(path)
        model = LongShortRecommender.load(path, self.shelf.item_ids, content)
        return WatchedRanker(LongShortRanker(recommender=model), self.questions)

    def _interests(self, settings: InterestSettings) -> InterestRecommender:
        events = self._events
        name = digest_of([self.data.name, events.digest, asdict(settings)])
        path = self.cache / f"{self.data.name}-interests-{name}.safetensors"
        if not path.exists():
            held_out, content = hold_out(events, settings.seed), Content(vectors=self.data.content)
            fit_interests(held_out, settings, content).recommender.save(path)
        return InterestRecommender.load(path, self.shelf.item_ids, self.data.content)


def _tally(known: Histories) -> Tally:
    """Counts of all that is known, as a log tells it."""
    tally, rows = Tally(POPULAR), np.argsort(known.times_us, kind="stable")
    users = known.user_of_event
    events = (
        Event(
            user_id=known.users[users[row]],
            item_id=known.item_ids[known.items[row]],
            event_type="like",
            occurred_at=from_microseconds(int(known.times_us[row])),
        )
        for row in rows.tolist()
    )
    tally.read(enumerate(events, 1), RULES, int(known.times_us.max()))
    return tally
