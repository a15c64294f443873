"""Made choices, a writer with set answers, and a world in which profiles say who wants what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np

from encoders.base import unit
from ranking.profile_training import ProfileData
from ranking.profiles import Choice

START = datetime(2024, 1, 15, tzinfo=UTC)
GOOD = "Lately this person has been after quiet films about the sea. " * 5


def choices(number: int) -> list[Choice]:
    """So many choices a month apart, each with a title of its own."""
    return [
        Choice(title=f"Title {n:03}", about="Sea, Boats", chosen_at=START + timedelta(days=31 * n))
        for n in range(number)
    ]


@dataclass
class Author:
    """A language model with set answers, one after the other, that remembers what it was asked."""

    answers: list[str]
    asked: list[str] = field(default_factory=list)

    def complete(self, prompt: str, _most_tokens: int) -> str:
        self.asked.append(prompt)
        return self.answers[min(len(self.asked), len(self.answers)) - 1]


def planted(
    num_users: int = 120, num_items: int = 60, topics: int = 6, seed: int = 0
) -> ProfileData:
    """People whose short profile names the topic of all that they like; the long one is noise."""
    draw = np.random.default_rng(seed)
    centres = unit(draw.normal(size=(topics, 16)))
    of_item, of_user = np.arange(num_items) % topics, draw.integers(topics, size=num_users)
    items = unit(centres[of_item] + 0.1 * draw.normal(size=(num_items, 16)))
    short = unit(centres[of_user] + 0.1 * draw.normal(size=(num_users, 16)))
    long = unit(draw.normal(size=(num_users, 16)))
    liked = [draw.permutation(np.flatnonzero(of_item == topic))[:5] for topic in of_user]
    return ProfileData(
        profiles=np.stack([short, long], axis=1).astype(np.float32),
        items=items.astype(np.float32),
        liked_by=np.repeat(np.arange(num_users), 5),
        liked=np.concatenate(liked).astype(np.int64),
    )


def encode(texts: Sequence[str]) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Unit vectors by the letters of texts: the same text, the same vector."""
    counts = [
        [text.lower().count(letter) + 1e-3 for letter in "abcdefghijklmnop"] for text in texts
    ]
    return np.asarray(unit(np.array(counts)), np.float32)
