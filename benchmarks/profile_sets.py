"""The data sets of the profiles' benchmark: each user's events cut 60/20/20 by time, and texts.

- Games (Amazon Video Games, the split of Sabouri et al.): ids and times alone. What is public of it
  holds no text, so that no profile can be written from it; items are known by who chose them: a
  truncated singular value decomposition of the events learnt from.
- Office (Amazon Office Products, as prepared for MiniOneRec): titles, brands and descriptions, the
  order of events but no times; only the users of its validation and test files are public, with
  the latest eleven events each. The cut is ours.
- Films (MovieLens latest-small): titles, genres, times. The cut is ours.
"""

from __future__ import annotations

import ast
import csv
import hashlib
import html
import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix, diags
from scipy.sparse.linalg import svds

from encoders.text import MINILM, OnnxTextEncoder
from ranking.profiles import Choice

Floats = NDArray[np.float32]
Numbers = NDArray[np.int64]
WIDTH = 128
"""Numbers of an item that is known by who chose it."""
DESCRIBED = 400
"""Characters of a description that are encoded."""
SHARES = (0.6, 0.8)
TEXTS_AT_ONCE = 64


@dataclass(frozen=True, kw_only=True)
class ProfileSet:
    """Users with events in three parts, and what items say."""

    name: str
    """Of the set."""
    train: tuple[Numbers, ...]
    """Items of each user that are learnt from, earliest first."""
    validation: tuple[Numbers, ...]
    """Items that come next."""
    test: tuple[Numbers, ...]
    """Items that come last."""
    choices: tuple[tuple[Choice, ...], ...]
    """``train`` in words; empty where there are no texts."""
    described: tuple[str, ...]
    """Each item's text, (N,); empty where there are none."""
    num_items: int
    """N."""

    @property
    def likings(self) -> tuple[Numbers, Numbers]:
        """User and item of each event learnt from."""
        users = np.repeat(np.arange(len(self.train)), [len(one) for one in self.train])
        return users.astype(np.int64), np.concatenate(self.train).astype(np.int64)

    @property
    def titles(self) -> list[list[str]]:
        """Of the events learnt from, by user."""
        return [[choice.title for choice in told] for told in self.choices]

    def only(self, users: Sequence[int]) -> ProfileSet:
        """Keep some users; the catalogue stays."""
        kept: dict[str, Any] = {
            part: tuple(getattr(self, part)[user] for user in users)
            for part in ("train", "validation", "test", "choices")
        }
        return ProfileSet(
            name=self.name, described=self.described, num_items=self.num_items, **kept
        )


def games(folder: Path) -> ProfileSet:
    """Read train.csv, validation.csv and test.csv, whose rows are in order."""
    parts = {part: _rows(folder / f"{part}.csv") for part in ("train", "validation", "test")}
    every = [row for rows in parts.values() for row in rows]
    users = {one: place for place, one in enumerate(sorted({row["user_id"] for row in every}))}
    # In the order in which the files name them: the published popularity breaks its ties so.
    items = {one: place for place, one in enumerate(dict.fromkeys(r["item_id"] for r in every))}
    found = {}
    for part, rows in parts.items():
        rows.sort(key=lambda row: int(row["timestamp"]))
        of_user: list[list[int]] = [[] for _ in users]
        for row in rows:
            of_user[users[row["user_id"]]].append(items[row["item_id"]])
        found[part] = tuple(np.array(one, np.int64) for one in of_user)
    return ProfileSet(
        name="games",
        choices=tuple(() for _ in users),
        described=(),
        num_items=len(items),
        **found,
    )


def office(folder: Path) -> ProfileSet:
    """Read Office Products: index/*.item.json, valid/*.csv and test/*.csv below a folder."""
    known: dict[str, dict[str, str]] = json.loads(
        (folder / "index" / "Office_Products.item.json").read_text()
    )
    histories: dict[str, list[int]] = {}
    for part in ("valid", "test"):
        for row in _rows(next((folder / part).glob("Office_Products*.csv"))):
            before = ast.literal_eval(row["history_item_id"])
            histories[row["user_id"]] = [*before, int(row["item_id"])]
    choice = {int(key): _product(one) for key, one in known.items()}
    events = [[(item, None) for item in histories[user]] for user in sorted(histories)]
    texts = [f"{one['title']}. {_plain(one['description'])}" for one in known.values()]
    return _cut("office", events, choice, texts)


def films(folder: Path) -> ProfileSet:
    """Read movies.csv and ratings.csv; every rating is an event."""
    known = _rows(folder / "movies.csv")
    number = {row["movieId"]: place for place, row in enumerate(known)}
    rated: dict[str, list[tuple[int, int]]] = {}
    for row in _rows(folder / "ratings.csv"):
        event = (int(row["timestamp"]), number[row["movieId"]])
        rated.setdefault(row["userId"], []).append(event)
    events = [
        [(item, datetime.fromtimestamp(seconds, UTC)) for seconds, item in sorted(rated[user])]
        for user in sorted(rated)
    ]
    genres = [row["genres"].replace("|", ", ") for row in known]
    choice = {
        place: Choice(title=row["title"], about=genres[place]) for place, row in enumerate(known)
    }
    texts = [f"{row['title']}. {genres[place]}" for place, row in enumerate(known)]
    return _cut("films", events, choice, texts)


class TextVectors:
    """Encodes texts, each once.

    Args:
        cache: folder that keeps vectors between runs.
    """

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self._encoder = OnnxTextEncoder(MINILM)

    def of(self, texts: Sequence[str]) -> Floats:
        """Unit vectors of texts, (B, D)."""
        each = sorted(set(texts))
        digest = hashlib.blake2b("\0".join(each).encode(), digest_size=8).hexdigest()
        path = self._cache / f"texts-{digest}.npy"
        if not path.exists():
            starts = range(0, len(each), TEXTS_AT_ONCE)
            found = [self._encoder.encode(each[s : s + TEXTS_AT_ONCE]) for s in starts]
            np.save(path, np.concatenate(found))
        vectors, place = np.load(path), {text: row for row, text in enumerate(each)}
        return np.asarray(vectors[[place[text] for text in texts]], np.float32)


def chosen_together(data: ProfileSet, width: int = WIDTH) -> Floats:
    """Vectors of items by who chose them, of the events learnt from alone, (N, D)."""
    users, items = data.likings
    shape = (len(data.train), data.num_items)
    counts = coo_matrix((np.ones(len(users)), (users, items)), shape=shape).tocsr()
    of_user = np.maximum(np.asarray(counts.sum(axis=1)).ravel(), 1) ** -0.5
    of_item = np.maximum(np.asarray(counts.sum(axis=0)).ravel(), 1) ** -0.5
    start = np.random.default_rng(0).normal(size=min(shape))
    _, sizes, rows = svds(diags(of_user) @ counts @ diags(of_item), k=width, v0=start)
    found = rows.T * np.sqrt(sizes)
    return np.asarray(found / np.linalg.norm(found, axis=1).mean(), np.float32)


def means(data: ProfileSet, vectors: Callable[[int], Floats], latest: int) -> Floats:
    """Mean of each user's latest vectors, and that of all, (U, 2, D).

    Args:
        data: the users.
        vectors: those of a user's events learnt from, (T, D).
        latest: how many are latest.
    """
    rows = [vectors(user) for user in range(len(data.train))]
    return np.stack([np.stack([one[-latest:].mean(axis=0), one.mean(axis=0)]) for one in rows])


def _cut(
    name: str,
    events: Iterable[Sequence[tuple[int, datetime | None]]],
    choice: dict[int, Choice],
    texts: Sequence[str],
) -> ProfileSet:
    """Cut each user's events, of whom there are three or more, by their number."""
    parts: tuple[list[Numbers], ...] = ([], [], [])
    told = []
    for of_user in events:
        cuts = [round(share * len(of_user)) for share in SHARES]
        bounds = zip([0, *cuts], [*cuts, len(of_user)], strict=True)
        for part, (start, stop) in zip(parts, bounds, strict=True):
            part.append(np.array([item for item, _ in of_user[start:stop]], np.int64))
        told.append(
            tuple(
                Choice(title=choice[item].title, about=choice[item].about, chosen_at=moment)
                for item, moment in of_user[: cuts[0]]
            )
        )
    return ProfileSet(
        name=name,
        train=tuple(parts[0]),
        validation=tuple(parts[1]),
        test=tuple(parts[2]),
        choices=tuple(told),
        described=tuple(texts),
        num_items=len(texts),
    )


def _product(known: dict[str, str]) -> Choice:
    return Choice(title=html.unescape(known["title"]), about=html.unescape(known["brand"]))


def _plain(description: str) -> str:
    """A description without marks, cut."""
    text = re.sub(r"<[^>]*>|[\[\]']", " ", html.unescape(description))
    return " ".join(text.split())[:DESCRIBED]


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))
