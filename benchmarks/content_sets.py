"""The two data sets of the content benchmark: what people liked, and a content vector per item.

- Films (MovieLens latest-small): posters through the bundled image tower, and title, genres and
  plot through the bundled sentence encoder, both in the joint space; a film's vector is the mean of
  those it has, as the fuser makes it before anything is learnt. Every film has words, about half
  have a poster. Every rating counts as liking.
- Places (Yelp, as prepared for S3-Rec): title and categories through the sentence encoder.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from encoders.alignment import shipped
from encoders.base import unit
from encoders.image import ClipImageEncoder
from encoders.text import MINILM, OnnxTextEncoder
from ingest.histories import Histories, gather_histories

Array = NDArray[np.float32]
SECOND_US = 1_000_000
TEXTS_AT_ONCE = 256


@dataclass(frozen=True, kw_only=True)
class ContentSet:
    """Histories, and vectors of the items in them."""

    name: str
    """Of the set."""
    histories: Histories
    """What people liked; the catalogue is all items that have ever been liked."""
    content: Array
    """Unit vectors, (N, D)."""
    with_picture: int
    """Items whose vector is made of a picture, too."""


def films(ratings: Path, posters: Path, plots: Path, cache: Path) -> ContentSet:
    """Read the films.

    Args:
        ratings: movies.csv, links.csv and ratings.csv.
        posters: ttIMDBID.jpg.
        plots: .jsonl files with imdbId and Plot.
        cache: keeps vectors between runs.
    """
    known = _rows(ratings / "movies.csv")
    imdb = {row["movieId"]: row["imdbId"].zfill(7) for row in _rows(ratings / "links.csv")}
    told = described(plots, "Plot")
    words = [
        ". ".join(
            filter(None, [row["title"], row["genres"].replace("|", ", "), told.get(_id(imdb, row))])
        )
        for row in known
    ]
    text = encoded(cache, "films-words", words)
    files = {n: posters / f"tt{imdb[row['movieId']]}.jpg" for n, row in enumerate(known)}
    pictured = {n: file for n, file in files.items() if file.exists()}
    image = np.zeros_like(text)
    looked_at = _cached(cache, "posters", lambda: _looked_at(list(pictured.values())))
    image[list(pictured)] = shipped("clip-vit-b16", MINILM.weights).apply(looked_at)
    joint = unit(text + image)
    histories = gather_histories(
        (row["userId"], row["movieId"], int(row["timestamp"]) * SECOND_US)
        for row in _rows(ratings / "ratings.csv")
    )
    number = {row["movieId"]: n for n, row in enumerate(known)}
    numbers = [number[item_id] for item_id in histories.item_ids]
    return ContentSet(
        name="ml-latest-small",
        histories=histories,
        content=joint[numbers],
        with_picture=int(image.any(axis=1)[numbers].sum()),
    )


def places(folder: Path, cache: Path) -> ContentSet:
    """Read the places: sequences without times, titles and categories.

    Args:
        folder: Yelp.txt, whose items count from 1, and Yelp/Yelp.item.json, where they do from 0.
        cache: keeps vectors between runs.
    """
    said: dict[str, Any] = json.loads((folder / "Yelp" / "Yelp.item.json").read_text())
    liked = [line.split() for line in (folder / "Yelp.txt").read_text().splitlines()]
    histories = gather_histories(
        (user, item, place * SECOND_US)
        for user, *items in liked
        for place, item in enumerate(items)
    )
    words = [_words_of(said[str(int(item_id) - 1)]) for item_id in histories.item_ids]
    return ContentSet(
        name="yelp",
        histories=histories,
        content=encoded(cache, "yelp-words", words),
        with_picture=0,
    )


def _words_of(said: dict[str, Any]) -> str:
    return ". ".join(filter(None, (str(said["title"]), str(said["description"]))))


def _id(imdb: dict[str, str], row: dict[str, str]) -> str:
    return imdb[row["movieId"]]


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def described(folder: Path, column: str) -> dict[str, str]:
    """What .jsonl files say of films in one column, by IMDb id; of films of which they say it."""
    lines = [json.loads(line) for f in sorted(folder.glob("*.jsonl")) for line in f.open()]
    said = {line["imdbId"].zfill(7): line.get(column, "N/A") for line in lines}
    return {key: text for key, text in said.items() if text != "N/A"}


def _cached(cache: Path, name: str, make: Callable[[], Array]) -> Array:
    path = cache / f"{name}.npy"
    if not path.exists():
        np.save(path, make())
    return np.asarray(np.load(path))


def _looked_at(files: list[Path]) -> Array:
    encoder, found = ClipImageEncoder(), []
    for file in files:
        with Image.open(file) as picture:
            found.append(encoder.encode([np.asarray(picture.convert("RGB"))]))
    return np.concatenate(found)


def encoded(cache: Path, name: str, texts: list[str]) -> Array:
    """Vectors of texts in the joint space, (N, D); the cache keeps them under a name."""
    encoder = OnnxTextEncoder(MINILM)
    starts = range(0, len(texts), TEXTS_AT_ONCE)
    native = _cached(
        cache,
        name,
        lambda: np.concatenate([encoder.encode(texts[s : s + TEXTS_AT_ONCE]) for s in starts]),
    )
    return shipped(MINILM.weights, MINILM.weights).apply(native)
