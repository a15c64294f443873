"""A made world to try the feed in: people with planted tastes, who click, and who get bored.

Items lie in topics, tightly enough that a topic is seen from the vectors and loosely enough that
people like one item of it more than another. A person has a taste for a few topics and a leaning
within each. How likely a click is: what the item is to the person, times how far down the page it
stands, times what boredom has left of its topic. Boredom grows with all that was shown of a topic,
on the same page too, and passes with time. Chance is fixed per person, item and moment, so that two
feeds in the same world meet the same people.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from ingest.event import EPOCH, Event
from ingest.event_rules import EventRules
from ingest.histories import History
from ranking.page import Page
from ranking.shelf import Interests, Shelf
from ranking.user_state import UserState, UserStateConfig, derive
from retrieval.source import NOTHING, Found, Source, best_of

START = EPOCH + timedelta(days=20_000)
RULES, MEMORY = EventRules(), UserStateConfig()
WIDTH = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldConfig:
    """What the world is like."""

    items: int = 10_000
    """Of the shelf."""
    topics: int = 24
    """That items lie in; interests are the same, but for mistakes."""
    people: int = 60
    """Each with a taste."""
    misplaced: float = 0.05
    """Share of items that the view has in a wrong interest."""
    past_likes: int = 20
    """Of each person, over the month before."""
    boredom: float = 0.08
    """What each item shown of a topic takes from the appeal of the next, as a logarithm; 0 for
    people who never tire."""
    recovery_minutes: float = 30.0
    """After which boredom is half of what it was."""


class World:
    """Items and people.

    Args:
        seed: of everything.
        config: what the world is like.
    """

    def __init__(self, seed: int, config: WorldConfig) -> None:
        self.config, self.seed = config, seed
        draw = np.random.default_rng(seed)
        centres = _unit(draw.normal(size=(config.topics, WIDTH)))
        self.topic = draw.integers(config.topics, size=config.items)
        own = draw.normal(size=(config.items, WIDTH)) / np.sqrt(WIDTH)
        vectors = _unit(centres[self.topic] + 0.9 * own).astype(np.float32)
        self.placed = np.where(
            draw.random(config.items) < config.misplaced,
            draw.integers(config.topics, size=config.items),
            self.topic,
        )
        age = draw.exponential(90, config.items)
        self.shelf = Shelf(
            item_ids=tuple(f"item{number:06}" for number in range(config.items)),
            vectors=vectors,
            added_us=np.array([_us(-one) for one in age], np.int64),
            group=np.arange(config.items),
            hidden=np.zeros(config.items, np.bool_),
            interests=Interests(
                view="topics",
                names=tuple(f"topic {number}" for number in range(config.topics)),
                of_item=self.placed.astype(np.int32),
                confidence=np.ones(config.items, np.float32),
            ),
        )
        # A few topics each: the strongest of them about half of a person's taste.
        drawn = draw.dirichlet(np.full(config.topics, 0.12), config.people)
        self.taste = drawn / drawn.max(axis=1, keepdims=True)
        self.leaning = _unit(draw.normal(size=(config.people, WIDTH))).astype(np.float32)
        self.quality = draw.beta(4, 4, config.items)
        self.past = [self._past(person, draw) for person in range(config.people)]

    def appeal(self, person: int, items: NDArray[np.int64]) -> NDArray[np.float64]:
        """Chance that a person who looks at an item clicks it, not bored, in [0, 1], (C,)."""
        leaning = 1 / (1 + np.exp(-12 * (self.shelf.vectors[items] @ self.leaning[person])))
        liked = self.taste[person, self.topic[items]]
        return np.asarray(0.02 + 0.58 * liked * leaning * (0.5 + self.quality[items]) / 1.5)

    def sources(self) -> list[Source]:
        """What is alike to likes, popular, new, and anything."""
        order = np.random.default_rng(self.seed).permutation(len(self.shelf))
        popular = np.argsort(-self.quality, kind="stable")
        return [
            Alike(self.shelf),
            Listed("popular", popular),
            Listed("fresh", np.argsort(-self.shelf.added_us, kind="stable")),
            Listed("explore", order),
        ]

    def _past(self, person: int, draw: np.random.Generator) -> list[Event]:
        """Likes of the month before, drawn by appeal."""
        met = draw.choice(len(self.shelf), 2_000, replace=False)
        chance = self.appeal(person, met) ** 2
        liked = draw.choice(met, self.config.past_likes, replace=False, p=chance / chance.sum())
        when = np.sort(draw.uniform(-30, -1, len(liked)))
        return [
            Event(
                user_id=f"person{person}",
                item_id=self.shelf.item_ids[item],
                event_type="like",
                occurred_at=START + timedelta(days=float(day)),
            )
            for item, day in zip(liked, when, strict=True)
        ]


@dataclass(slots=True, kw_only=True)
class Visit:
    """One person looking at one page after the other."""

    world: World
    """Where."""
    person: int
    """Who, by number."""
    boost: NDArray[np.float32] | None = None
    """What the person said about each interest, (K,); None for nothing."""
    minutes: float = 0.0
    """Since the visit began."""
    events: list[Event] = field(default_factory=list)
    """The person's log."""
    bored: NDArray[np.float64] = field(init=False)
    """What was shown of each topic and has not passed, (topics,)."""

    def __post_init__(self) -> None:
        self.events = [*self.world.past[self.person], *self.events]
        self.bored = np.zeros(self.world.config.topics)

    def state(self, without: str = "") -> UserState:
        """What serving knows of the person now.

        Args:
            without: id of an item that the person never did anything with.
        """
        asked_us = _us(self.minutes / 1440)
        kept = [event for event in self.events if event.item_id != without]
        state = derive(f"person{self.person}", asked_us, kept, self.world.shelf, RULES, MEMORY)
        if self.boost is not None:
            state.boost[:] = self.boost
        return state

    def look(self, page: Page) -> float:
        """Look at a page, click, and wait a minute.

        Returns:
            Clicks to be expected: the sum of the chances that the person's luck decided on.
        """
        world = self.world
        items = np.array([world.shelf.number_of[pick.item_id] for pick in page.picks], np.int64)
        appeal, told, expected = world.appeal(self.person, items), [], 0.0
        chance = np.random.default_rng([world.seed, self.person, int(self.minutes * 60)])
        # By item, so that what an item meets does not depend on where it stands.
        luck = chance.random(len(world.shelf))[items]
        for position, (item, liking) in enumerate(zip(items, appeal, strict=True)):
            topic = world.topic[item]
            left = np.exp(-world.config.boredom * self.bored[topic])
            likely = liking * left * 0.95**position
            self.bored[topic] += 1
            expected += float(likely)
            if luck[position] < likely:
                told.append(self._event(page, "click", page.picks[position].item_id))
        shown = tuple(pick.item_id for pick in page.picks)
        self.events += [self._event(page, "impression", shown[0], shown[1:]), *told]
        self.minutes += 1
        self.bored *= 0.5 ** (1 / world.config.recovery_minutes)
        return expected

    def _event(self, page: Page, kind: str, item_id: str, shown: tuple[str, ...] = ()) -> Event:
        return Event(
            user_id=f"person{self.person}",
            item_id=item_id,
            event_type=kind,
            occurred_at=START + timedelta(minutes=self.minutes),
            recommendation_id=page.recommendation_id,
            impressions=shown,
        )


@dataclass(frozen=True, slots=True)
class Alike:
    """The items nearest to any of the latest likes, exactly."""

    shelf: Shelf
    name: str = "similar"

    def candidates(self, history: History, limit: int) -> Found:
        """Find the nearest."""
        if not len(history.items):
            return NOTHING
        liked = np.unique(history.items[-50:])
        near = (self.shelf.vectors @ self.shelf.vectors[liked].T).max(axis=1)
        return best_of(np.arange(len(near)), near, limit)


@dataclass(frozen=True, slots=True)
class Listed:
    """A list, whatever the history."""

    name: str
    items: NDArray[np.int64]

    def candidates(self, history: History, limit: int) -> Found:
        """Give its beginning, or for ``explore`` a stretch that moves with time."""
        minutes = history.asked_us // 60_000_000 if self.name == "explore" else 0
        kept = np.roll(self.items, -int(minutes * 97 % len(self.items)))[:limit]
        return Found(items=kept, scores=-np.arange(len(kept), dtype=np.float32))


def _unit(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def _us(days: float) -> int:
    return int((START - EPOCH) / timedelta(microseconds=1) + days * 86_400_000_000)


def shares(pages: Sequence[Page], world: World, topic: int) -> list[float]:
    """Share of each page that one topic fills."""
    numbers = world.shelf.number_of
    return [
        float(np.mean([world.topic[numbers[pick.item_id]] == topic for pick in page.picks]))
        for page in pages
    ]
