"""The films of the benchmark of titles: what may be said of them, who liked them, their vectors.

MovieLens latest-small with the plots of OMDb. A rating of ``LIKED`` or more is a liking. Films
without a plot have nothing to add to a title and are left out. Each reader's likings are cut by
order: what groups and matches are learnt from, a tenth for choosing, and a fifth for the test.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.content_sets import _cached, _id, _looked_at, _rows, described, encoded
from encoders.alignment import shipped
from encoders.base import unit
from encoders.text import MINILM
from ingest.histories import Histories, gather_histories
from ranking.shelf import Interests
from ranking.title_facts import Facts

Array = NDArray[np.float32]
Numbers = NDArray[np.int64]
SECOND_US = 1_000_000
LIKED = 3.5
FEWEST = 10
"""Likings below which a reader is left out."""
CUTS = (0.7, 0.8)
"""Where choosing and the test begin, as parts of a reader's likings."""
NO_GENRE = "(no genres listed)"


@dataclass(frozen=True, kw_only=True, eq=False)
class Films:
    """N films and U readers."""

    facts: tuple[Facts, ...]
    """What may be said of each film, (N,)."""
    text: Array
    """Unit vectors of their words, (N, D)."""
    joint: Array
    """Mean of words and poster, (N, D)."""
    genres: tuple[str, ...]
    """Names of the genres, (G,)."""
    interests: Interests
    """A view by genre: each film is of the one of its genres that its vector is nearest to."""
    likings: Histories
    """All that readers liked."""
    with_poster: int
    """Films whose joint vector has a picture in it."""

    def part(self, start: float, stop: float) -> Histories:
        """A part of each reader's likings, in order."""
        lengths = np.repeat(self.likings.lengths, self.likings.lengths)
        place = (lengths - 1 - self.likings.places_from_end) / lengths
        return self.likings.only((place >= start) & (place < stop))


def films(ratings: Path, posters: Path, plots: Path, cache: Path) -> Films:
    """Read them.

    Args:
        ratings: movies.csv, links.csv and ratings.csv.
        posters: ttIMDBID.jpg.
        plots: .jsonl files with imdbId and Plot.
        cache: keeps vectors between runs; shared with ``benchmarks/content.py``.
    """
    known, told = _rows(ratings / "movies.csv"), described(plots, "Plot")
    imdb = {row["movieId"]: row["imdbId"].zfill(7) for row in _rows(ratings / "links.csv")}
    plot = [told.get(_id(imdb, row), "") for row in known]
    words = [
        ". ".join(filter(None, [row["title"], row["genres"].replace("|", ", "), said]))
        for row, said in zip(known, plot, strict=True)
    ]
    text = encoded(cache, "films-words", words)
    files = {n: posters / f"tt{imdb[row['movieId']]}.jpg" for n, row in enumerate(known)}
    pictured = {n: file for n, file in files.items() if file.exists()}
    looked_at = _cached(cache, "posters", lambda: _looked_at(list(pictured.values())))
    image = np.zeros_like(text)
    image[list(pictured)] = shipped("clip-vit-b16", MINILM.weights).apply(looked_at)
    likings = _likings(
        ratings, {row["movieId"] for row, said in zip(known, plot, strict=True) if said}
    )
    number = {row["movieId"]: n for n, row in enumerate(known)}
    rows = np.array([number[key] for key in likings.item_ids])
    genres = [tuple(g for g in known[n]["genres"].split("|") if g != NO_GENRE) for n in rows]
    facts = tuple(
        Facts(
            item_id=known[n]["movieId"],
            title=_title(known[n]["title"]),
            texts=(plot[n],),
            tags=labels,
        )
        for n, labels in zip(rows.tolist(), genres, strict=True)
    )
    names = tuple(sorted({label for labels in genres for label in labels}))
    return Films(
        facts=facts,
        text=text[rows],
        joint=unit(text + image)[rows],
        genres=names,
        interests=_by_genre(cache, names, genres, text[rows]),
        likings=likings,
        with_poster=int(image[rows].any(axis=1).sum()),
    )


def _likings(ratings: Path, kept: set[str]) -> Histories:
    every = gather_histories(
        (row["userId"], row["movieId"], int(row["timestamp"]) * SECOND_US)
        for row in _rows(ratings / "ratings.csv")
        if float(row["rating"]) >= LIKED and row["movieId"] in kept
    )
    return every.only(np.repeat(every.lengths >= FEWEST, every.lengths)).compact()


def _by_genre(
    cache: Path, names: tuple[str, ...], genres: list[tuple[str, ...]], text: Array
) -> Interests:
    """Give each film the one of its genres that it is nearest to; those without any get none."""
    words = encoded(cache, "films-genres", list(names))
    near = (text - text.mean(axis=0)) @ (words - words.mean(axis=0)).T
    place = {name: number for number, name in enumerate(names)}
    owner = np.full(len(genres), -1, np.int32)
    for row, labels in enumerate(genres):
        own = [place[label] for label in labels]
        if own:
            owner[row] = own[int(np.argmax(near[row, own]))]
    return Interests(
        view="genre", names=names, of_item=owner, confidence=np.ones(len(genres), np.float32)
    )


def _title(title: str) -> str:
    """``Matrix, The (1999)`` as people write it, with its year."""
    name, _, year = title.strip().rpartition(" (")
    for article in ("The", "A", "An"):
        if name.endswith(f", {article}"):
            name = f"{article} {name.removesuffix(f', {article}')}"
    return f"{name} ({year}" if name else title


def some_items(data: Films, most: int) -> Films:
    """The films that are liked most, for a try that takes no time."""
    counts = np.bincount(data.likings.items, minlength=len(data.facts))
    rows = np.sort(np.argsort(-counts, kind="stable")[:most])
    number = np.full(len(counts), -1)
    number[rows] = np.arange(len(rows))
    kept = data.likings.only(number[data.likings.items] >= 0)
    return replace(
        data,
        facts=tuple(data.facts[row] for row in rows),
        text=data.text[rows],
        joint=data.joint[rows],
        interests=replace(
            data.interests,
            of_item=data.interests.of_item[rows],
            confidence=data.interests.confidence[rows],
        ),
        likings=replace(
            kept, item_ids=tuple(kept.item_ids[row] for row in rows), items=number[kept.items]
        ),
    )
