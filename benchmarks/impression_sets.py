"""The impressions of the impressions benchmark: MIND's own, and such as are made of choices.

*Constructed* (books of Goodreads, places of Yelp; sequences without times):

- The ``MOST_ITEMS`` items chosen most, people with at least ``FEWEST`` choices among them, of whom
  ``MOST_USERS`` are drawn once. Repeated choices of a place count once, the first.
- Four fifths of the people are *known*: their last choice is asked in the test, the one before in
  validation, and every earlier one but the first is learnt from. The others are *new*: nothing of
  them is learnt from, and their last choice is asked in the test.
- An impression is one choice among 19 items that its person never chose, drawn from the 200 nearest
  in popularity. Its history is what the person chose before. Popularity, and what categories there
  are, are those of the choices that are learnt from. Other people's learnt choices may be later in
  time than a test's: the files do not tell.

*MIND, sample*: 5,000 rows of MIND-small's training file by time: seven tenths are learnt from, one
judges, two are the test. Its file of news holds 2,000 of which the rows name 838, of 22,592 shown
or clicked: items without a row are left out, and so are impressions with nothing left to order.

Views are the title, the text (description, categories in words, or abstract), each as one vector of
the bundled sentence encoder, and category and subcategory where there are any: of a place, the most
common of its categories, and the rarest that ``FEWEST_LABELLED`` items learnt from share.
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from encoders.text import MINILM, OnnxTextEncoder
from fusion.attentive import ABSENT, ItemViews
from ingest.histories import Histories, gather_histories
from ingest.impression_files import read_impressions, read_news
from ranking.impressions import Construction, Impressions, constructed, gathered

Array = NDArray[np.float32]
MOST_ITEMS, FEWEST, MOST_USERS = 5_000, 4, 8_000
KNOWN = 0.8
FEWEST_LABELLED = 20
FIT_UNTIL, VALIDATION_UNTIL = 0.7, 0.8
SECOND_US = 1_000_000
TEXTS_AT_ONCE = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What is said of an item."""

    title: str
    """Its title."""
    text: str = ""
    """More words."""
    labels: tuple[str, ...] = ()
    """Category and subcategory, where there are any; or all it is in, of which two are taken."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ImpressionSet:
    """Impressions, and views of their items."""

    name: str
    """Of the set."""
    views: ItemViews
    """Of the catalogue."""
    num_labels: tuple[int, ...]
    """Labels of each kind."""
    num_users: int
    """Persons that are learnt of."""
    fit: Impressions
    """To learn from."""
    validation: Impressions
    """To judge by."""
    test: Impressions
    """Asked once."""


def books(folder: Path, cache: Path) -> ImpressionSet:
    """Goodreads: histories.jsonl, and data/goodreads with titles and descriptions."""
    lines = (folder / "histories.jsonl").read_text().splitlines()
    liked = [(str(user), [str(item) for item in items]) for user, items in map(json.loads, lines)]
    where = folder / "data" / "goodreads"
    told = {row["bid"]: row["desc"] for row in _rows(where / "book-desc.csv")}
    said = {
        row["bid"]: Said(title=row["title"], text=told.get(row["bid"], ""))
        for row in _rows(where / "book.csv", "\t")
    }
    return _of_choices("goodreads", liked, said, cache)


def places(folder: Path, cache: Path) -> ImpressionSet:
    """Yelp: Yelp.txt, whose items count from 1, and Yelp/Yelp.item.json, where they do from 0."""
    rows = [line.split() for line in (folder / "Yelp.txt").read_text().splitlines()]
    liked = [(user, list(dict.fromkeys(items))) for user, *items in rows]
    told = json.loads((folder / "Yelp" / "Yelp.item.json").read_text())
    said = {
        str(int(number) + 1): Said(
            title=one["title"],
            text=one["description"],
            labels=tuple(filter(None, one["description"].split(", "))),
        )
        for number, one in told.items()
    }
    return _of_choices("yelp", liked, said, cache)


def news(folder: Path, cache: Path) -> ImpressionSet:
    """MIND: behaviors.tsv and news.tsv."""
    said = {
        row.item_id: Said(
            title=row.title, text=row.abstract, labels=(row.category, row.subcategory)
        )
        for row in read_news(str(folder / "news.tsv"))
    }
    rows = list(read_impressions(str(folder / "behaviors.tsv")))
    rows.sort(key=lambda row: row.shown_at)
    named = {item for row in rows for item in (*row.history, *row.shown)} & set(said)
    ids = {item: number for number, item in enumerate(sorted(named))}
    ends = [int(share * len(rows)) for share in (FIT_UNTIL, VALIDATION_UNTIL)]
    users = sorted({row.user_id for row in rows[: ends[0]]})
    persons = {user: number for number, user in enumerate(users, 1)}
    fit, validation, test = (
        gathered(part, ids, persons)
        for part in (rows[: ends[0]], rows[ends[0] : ends[1]], rows[ends[1] :])
    )
    met = np.zeros(len(ids), bool)
    met[np.r_[fit.items, fit.events]] = True
    kept = [said[item] for item in ids]
    tables = [
        _numbered([one.labels[place] for one in kept], met) for place in range(2)
    ]  # Category, subcategory.
    return ImpressionSet(
        name="mind",
        views=_views("mind", kept, np.column_stack([column for column, _ in tables]), cache),
        num_labels=tuple(number for _, number in tables),
        num_users=len(users),
        fit=fit.only(fit.judging),
        validation=validation.only(validation.judging),
        test=test.only(test.judging),
    )


def _of_choices(
    name: str, liked: Sequence[tuple[str, Sequence[str]]], said: dict[str, Said], cache: Path
) -> ImpressionSet:
    histories = _some(liked)
    random = np.random.default_rng(0)
    known = random.random(len(histories)) < KNOWN
    left = histories.places_from_end
    of_known = known[histories.user_of_event]
    first = np.zeros(len(histories.items), bool)
    first[histories.offsets[:-1]] = True
    learnt = of_known & (left > 1)
    counts = np.bincount(histories.items[learnt], minlength=histories.num_items)
    config = Construction()
    fit, validation, test = (
        constructed(histories, np.flatnonzero(chosen), counts, config)
        for chosen in (learnt & ~first, of_known & (left == 1), left == 0)
    )
    new = ~known[test.users - 1]
    test.users[new] = 0
    kept = [said[item] for item in histories.item_ids]
    labels, sizes = _two_labels(kept, counts > 0)
    return ImpressionSet(
        name=name,
        views=_views(name, kept, labels, cache),
        num_labels=sizes,
        num_users=len(histories),
        fit=fit,
        validation=validation,
        test=test,
    )


def _some(liked: Sequence[tuple[str, Sequence[str]]]) -> Histories:
    """Choices of some people among the items chosen most."""
    often = Counter(item for _, items in liked for item in items)
    most = {item for item, _ in sorted(often.items(), key=lambda p: (-p[1], p[0]))[:MOST_ITEMS]}
    cut = [(user, [item for item in items if item in most]) for user, items in liked]
    able = [(user, items) for user, items in cut if len(items) >= FEWEST]
    drawn = np.random.default_rng(0).permutation(len(able))[:MOST_USERS]
    return gather_histories(
        (user, item, place * SECOND_US)
        for user, items in (able[number] for number in np.sort(drawn).tolist())
        for place, item in enumerate(items)
    )


def _two_labels(
    said: Sequence[Said], met: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], tuple[int, ...]]:
    """The most common label of each item and the rarest that is shared, by items that were met."""
    often = Counter(
        label for one, some in zip(said, met, strict=True) if some for label in one.labels
    )
    if not often:
        return np.zeros((len(said), 0), np.int64), ()
    shared = {label: count for label, count in often.items() if count >= FEWEST_LABELLED}
    known = [[label for label in one.labels if label in shared] for one in said]
    ends = [
        [
            choose(labels, key=lambda name: (shared[name], name)) if labels else ""
            for labels in known
        ]
        for choose in (max, min)
    ]
    tables = [_numbered(column, met) for column in ends]
    return np.column_stack([column for column, _ in tables]), tuple(n for _, n in tables)


def _numbered(labels: Sequence[str], met: NDArray[np.bool_]) -> tuple[NDArray[np.int64], int]:
    """Number labels of items that were met, from 1; others are absent."""
    known = sorted({label for label, some in zip(labels, met, strict=True) if some and label})
    number = {label: place for place, label in enumerate(known, 1)}
    return np.array([number.get(label, ABSENT) for label in labels], np.int64), len(known)


def _views(name: str, said: Sequence[Said], labels: NDArray[np.int64], cache: Path) -> ItemViews:
    titles = _encoded(cache / f"{name}-titles.npy", [one.title for one in said])
    texts = _encoded(cache / f"{name}-texts.npy", [one.text for one in said])
    return ItemViews(contents=(titles, texts), labels=labels)


def _encoded(path: Path, texts: Sequence[str]) -> Array:
    """Vectors of texts, zeros of empty ones; in order of length, as padding costs time."""
    if not path.exists():
        encoder = OnnxTextEncoder(MINILM)
        order = sorted(
            (n for n, text in enumerate(texts) if text.strip()), key=lambda n: len(texts[n])
        )
        parts = [
            order[start : start + TEXTS_AT_ONCE] for start in range(0, len(order), TEXTS_AT_ONCE)
        ]
        found = [encoder.encode([texts[n] for n in part]) for part in parts]
        vectors = np.zeros((len(texts), found[0].shape[1]), np.float32)
        vectors[order] = np.concatenate(found)
        np.save(path, vectors)
    return np.asarray(np.load(path), np.float32)


def _rows(path: Path, delimiter: str = ",") -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter=delimiter))


SETS: dict[str, Callable[[Path, Path], ImpressionSet]] = {
    "goodreads": books,
    "yelp": places,
    "mind": news,
}
