"""The two data sets of the fusion benchmark: items, their views, and who liked what.

- Short videos: an image and a sound vector of each (128 numbers each, made by others). The two have
  no space in common, so each gets its own half of a joint space of 256 numbers: the masked mean
  then adds up the cosines of both.
- Films: posters through the bundled image tower, and title, genres and plot through the bundled
  sentence encoder, both brought into the joint space by the shipped maps. Films without a poster
  are left out, so that each modality can be taken away from every film.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from encoders.alignment import shipped
from encoders.base import unit
from encoders.image import ClipImageEncoder
from encoders.text import MINILM, OnnxTextEncoder
from fusion.engagement import co_engaged
from fusion.stored import StoredViews, write_views
from fusion.views import Tokens

Array = NDArray[np.float32]
Groups = dict[int, list[int]]
LIKED = 4.0
"""Stars from which a film counts as liked."""
LONGEST = 100
"""Users with more events in a part are left out of its questions: they liked nearly everything."""


@dataclass(frozen=True, kw_only=True)
class Questions:
    """Items to ask with, and what ought to be found."""

    asked: NDArray[np.int64]
    """Numbers of the items asked with, (Q,)."""
    right: NDArray[np.bool_]
    """Which items are right, (Q, N)."""
    known: NDArray[np.bool_]
    """Which are no candidates: the item itself, and where it matters what it was seen with in
    training, (Q, N)."""


@dataclass(frozen=True, kw_only=True)
class DataSet:
    """Items with views, pairs to learn from, and questions."""

    name: str
    """Of the set."""
    views: StoredViews
    """Of its items."""
    modalities: tuple[str, str]
    """The two that they have."""
    pairs: NDArray[np.int64]
    """Liked together in training, (P, 2)."""
    valid: Questions
    """For choosing."""
    test: Questions
    """For reporting."""
    unseen: Questions | None = None
    """Those of them whose right answers were never seen together with them in training."""


def cached(cache: Path, name: str, make: Callable[[], Array]) -> Array:
    """An array made once per cache folder."""
    path = cache / f"{name}.npy"
    if not path.exists():
        np.save(path, make())
    return np.asarray(np.load(path))


def short_videos(folder: Path, cache: Path) -> DataSet:
    """6,710 short videos; val.tsv and tst.tsv hold the events that are asked for.

    An item of a user's training events is asked with; right is what the same user has in the
    held-out file.
    """
    rows = [
        np.load(folder / "Datasets" / "tiktok" / f"{name}_feat.npy").astype(np.float32)
        for name in ("image", "audio")
    ]
    image, audio = (unit(each - each.mean(axis=0)) for each in rows)
    blank = np.zeros_like(image)
    views = write_views(
        cache / "short-videos",
        _batches({"image": np.hstack([image, blank])}, {"audio": np.hstack([blank, audio])}),
    )
    events = {
        part: np.loadtxt(folder / f"{part}.tsv", dtype=np.int64, skiprows=1)
        for part in ("trn", "val", "tst")
    }
    seen = _by_user(events["trn"])
    return DataSet(
        name="tiktok-diffmm",
        views=views,
        modalities=("image", "audio"),
        pairs=co_engaged(*_short(events["trn"], seen).T),
        valid=_questions(len(image), seen, _between(seen, _by_user(events["val"]))),
        test=_questions(len(image), seen, _between(seen, _by_user(events["tst"]))),
    )


def films(ratings: Path, posters: Path, plots: Path, cache: Path, parts: str = "") -> DataSet:
    """Films with posters; the first 80 % of likes train, the next 10 % choose, the last 10 % test.

    Right for a film is what the same user liked in the same part of time. Users of one part are
    hardly ever those of another.

    Args:
        ratings: movies.csv, links.csv and ratings.csv.
        posters: ttIMDBID.jpg.
        plots: .jsonl files with imdbId and Plot.
        cache: keeps vectors between runs.
        parts: tokens besides the whole view: words (title, genres, plot), patches (quarters of the
            poster), or none.
    """
    links = {row["movieId"]: row["imdbId"].zfill(7) for row in _rows(ratings / "links.csv")}
    known = [r for r in _rows(ratings / "movies.csv") if _poster(posters, links, r).exists()]
    number = {row["movieId"]: place for place, row in enumerate(known)}
    told = _plots(plots)
    words = [
        (row["title"], row["genres"].replace("|", ", "), told.get(links[row["movieId"]], ""))
        for row in known
    ]
    files = [_poster(posters, links, row) for row in known]
    image = shipped("clip-vit-b16", MINILM.weights).apply(
        cached(cache, "posters", lambda: _looked_at(files))
    )
    text = _encoded(cache, "words", [". ".join(filter(None, each)) for each in words])
    image_parts = quarters(files, cache) if parts == "patches" else None
    text_parts = _word_parts(cache, words) if parts == "words" else None
    views = write_views(
        cache / f"films-{parts}",
        _batches({"image": image}, {"text": text}, image_parts, text_parts),
    )
    liked = sorted(
        (float(row["timestamp"]), int(row["userId"]), number[row["movieId"]])
        for row in _rows(ratings / "ratings.csv")
        if float(row["rating"]) >= LIKED and row["movieId"] in number
    )
    events = np.array([(user, film) for _, user, film in liked], np.int64)
    early, middle, late = np.split(events, [int(0.8 * len(events)), int(0.9 * len(events))])
    seen = _by_user(early)
    later = _by_user(late)
    return DataSet(
        name="ml-latest-small",
        views=views,
        modalities=("image", "text"),
        pairs=co_engaged(*early.T),
        valid=_questions(len(known), {}, _within(_by_user(middle))),
        test=_questions(len(known), {}, _within(later)),
        unseen=_questions(len(known), seen, _within(later)),
    )


def quarters(files: list[Path], cache: Path) -> list[Array]:
    """Vectors of the four quarters of each poster in the joint space, from its patches.

    The tower gives patches before its last projection. That projection is found again by least
    squares from the class token, which is what it is meant for.
    """
    hidden = cached(cache, "patches", lambda: _patches(files)).astype(np.float32)
    hidden = (hidden - hidden.mean(axis=-1, keepdims=True)) / hidden.std(axis=-1, keepdims=True)
    native = np.load(cache / "posters.npy")
    whole = np.c_[hidden[:, 0], np.ones(len(hidden))]
    lengths = np.ones((len(native), 1))
    for _ in range(10):  # The vectors are known up to length; find map and lengths by turns.
        projection = np.linalg.lstsq(whole, native * lengths, rcond=None)[0]
        lengths = ((whole @ projection) * native).sum(axis=1, keepdims=True)
        lengths /= lengths.mean()
    grid = hidden[:, 1:].reshape(len(hidden), 7, 7, -1)
    found = [
        unit(np.c_[grid[:, rows, columns].mean(axis=(1, 2)), np.ones(len(grid))] @ projection)
        for rows in (slice(0, 4), slice(3, 7))
        for columns in (slice(0, 4), slice(3, 7))
    ]
    align = shipped("clip-vit-b16", MINILM.weights)
    return list(np.stack([align.apply(each) for each in found], axis=1))


def _batches(
    first: dict[str, Array],
    second: dict[str, Array],
    first_parts: list[Array] | None = None,
    second_parts: list[Array] | None = None,
) -> Iterator[list[Tokens]]:
    sides = [(*first.items(), first_parts), (*second.items(), second_parts)]
    for row in range(len(next(iter(first.values())))):
        yield [
            {
                name: np.concatenate([rows[row : row + 1], *([parts[row]] if parts else [])])
                for (name, rows), parts in sides
            }
        ]


def _short(events: NDArray[np.int64], groups: Groups) -> NDArray[np.int64]:
    return events[np.array([len(groups[user]) <= LONGEST for user in events[:, 0]])]


def _by_user(events: NDArray[np.int64]) -> Groups:
    groups: Groups = {}
    for user, item in events:
        groups.setdefault(int(user), []).append(int(item))
    return groups


def _between(seen: Groups, held: Groups) -> Iterator[tuple[list[int], list[int]]]:
    yield from ((seen[user], items) for user, items in held.items() if user in seen)


def _within(held: Groups) -> Iterator[tuple[list[int], list[int]]]:
    yield from ((items, items) for items in held.values())


def _questions(
    num_items: int, seen: Groups, asked: Iterator[tuple[list[int], list[int]]]
) -> Questions:
    known = np.eye(num_items, dtype=bool)
    for items in seen.values():
        known[np.ix_(items, items)] = True
    right = np.zeros_like(known)
    for sources, targets in asked:
        if max(len(sources), len(targets)) <= LONGEST:
            right[np.ix_(sources, targets)] = True
    right &= ~known
    rows = np.flatnonzero(right.any(axis=1))
    return Questions(asked=rows, right=right[rows], known=known[rows])


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _poster(folder: Path, links: dict[str, str], row: dict[str, str]) -> Path:
    return folder / f"tt{links[row['movieId']]}.jpg"


def _plots(folder: Path) -> dict[str, str]:
    lines = [json.loads(line) for f in sorted(folder.glob("*.jsonl")) for line in f.open()]
    plots = {line["imdbId"].zfill(7): line.get("Plot", "N/A") for line in lines}
    return {key: plot for key, plot in plots.items() if plot != "N/A"}


def _pictures(files: list[Path]) -> Iterator[NDArray[np.uint8]]:
    for file in files:
        with Image.open(file) as picture:
            yield np.asarray(picture.convert("RGB"))


def _looked_at(files: list[Path]) -> Array:
    encoder = ClipImageEncoder()
    return np.concatenate([encoder.encode([picture]) for picture in _pictures(files)])


def _patches(files: list[Path]) -> NDArray[np.float16]:
    """The class token, then 7 x 7 means of the patches, (N, 50, 768)."""
    encoder, found = ClipImageEncoder(), []
    for picture in _pictures(files):
        rows = encoder.patches([picture])[0]
        pooled = rows[1:].reshape(7, 2, 7, 2, -1).mean(axis=(1, 3)).reshape(49, -1)
        found.append(np.concatenate([rows[:1], pooled]).astype(np.float16))
    return np.stack(found)


def _encoded(cache: Path, name: str, texts: list[str]) -> Array:
    encoder = OnnxTextEncoder(MINILM)
    batches = range(0, len(texts), 256)
    native = cached(
        cache, name, lambda: np.concatenate([encoder.encode(texts[s : s + 256]) for s in batches])
    )
    return shipped(MINILM.weights, MINILM.weights).apply(native)


def _word_parts(cache: Path, words: list[tuple[str, str, str]]) -> list[Array]:
    every = sorted({part for each in words for part in each if part})
    place = {part: number for number, part in enumerate(every)}
    vectors = _encoded(cache, "word-parts", every)
    return [vectors[[place[part] for part in each if part]] for each in words]
