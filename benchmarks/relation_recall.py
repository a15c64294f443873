"""Does the source of related items raise what candidates hold, on MovieLens-100K with its graph?

A rating of 4 or more is a liking. Of each user with ten likings or more, the last fifth by time is
looked for, and what comes before is the history; neighbours and what is popular are learnt of the
histories of all. ``similar`` goes by the sentence encoder's vectors of title and genres. Pools are
those of the feed: what each source found by places, summed; what a user has is taken out. A pool
with the source has as many candidates as one without.

Relations are those of the graph's films. Those with 1,000 pairs or more are background, which
vectors are learnt of; subjects, sequels and prequels are learnt from and completed. Films stand
for the entities that they are linked to. In one more row films that share a director are related.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.content_sets import encoded
from ingest.histories import Histories, History, gather_histories
from ingest.relations import Relation
from retrieval.nearest import ItemIndex
from retrieval.neighbours import ItemNeighbours, NeighbourConfig
from retrieval.popular import count_users
from retrieval.relation_fit import KnownItems, learn_relations
from retrieval.relation_settings import RelationSettings
from retrieval.relation_table import related_table
from retrieval.source import Found, Source, best_of, pooled
from retrieval.source_neighbours import NeighbourTable
from retrieval.source_relations import RelatedConfig, RelatedSource, RelatedTable
from retrieval.source_similar import similar_items
from sensorium.relation_store import known_table

SIZES = (50, 100, 300)
LIKED, LEAST, SHARE = 4.0, 10, 0.2
ASKED_FOR = 300
SETTINGS = RelationSettings(
    vectors="graph", background_from=1_000, learnt_from=100, epochs=5, steps=200, most=5
)
RESAMPLES = 2_000
SECOND_US = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Films:
    """What is asked."""

    histories: Histories
    """What was liked before."""
    wanted: tuple[NDArray[np.int64], ...]
    """Films that each user liked after that, (U,) arrays."""
    words: tuple[str, ...]
    """Title and genres of each film, (N,)."""
    triples: tuple[tuple[str, str, str], ...]
    """The graph; films by their own id."""


class PopularList:
    """What most users like."""

    name = "popular"

    def __init__(self, histories: Histories) -> None:
        self._counts = count_users(histories).astype(np.float32)

    def candidates(self, history: History, limit: int) -> Found:
        """Find candidates; the same for everybody."""
        del history
        return best_of(np.arange(len(self._counts)), self._counts, limit)


def films(folder: Path) -> Films:
    """Read the set.

    Args:
        folder: ml-100k.inter, .item, .kg and .link.
    """
    film = {row["item_id:token"]: row for row in _rows(folder / "ml-100k.item")}
    rated = [
        (row["user_id:token"], row["item_id:token"], int(row["timestamp:float"]) * SECOND_US)
        for row in _rows(folder / "ml-100k.inter")
        if float(row["rating:float"]) >= LIKED
    ]
    every = gather_histories(rated)
    histories, wanted = _divided(every)
    names = {row["entity_id:token"]: row["item_id:token"] for row in _rows(folder / "ml-100k.link")}
    triples = tuple(
        (
            names.get(row["head_id:token"], row["head_id:token"]),
            row["relation_id:token"],
            names.get(row["tail_id:token"], row["tail_id:token"]),
        )
        for row in _rows(folder / "ml-100k.kg")
    )
    words = tuple(
        f"{film[one]['movie_title:token_seq']}. {film[one]['class:token_seq']}"
        for one in every.item_ids
    )
    return Films(histories=histories, wanted=wanted, words=words, triples=triples)


def compare(folder: Path, cache: Path, seeds: Sequence[int]) -> dict[str, Any]:
    """Measure pools with and without the source.

    Args:
        folder: of the set.
        cache: keeps vectors of words, and tables.
        seeds: of learning relations; none leaves what is completed out.
    """
    data = films(folder)
    fitted = ItemNeighbours.fit(data.histories, NeighbourConfig())
    number_of = {name: number for number, name in enumerate(data.histories.item_ids)}
    vectors = encoded(cache, "ml-100k-words", list(data.words))
    plain: list[Source] = [
        NeighbourTable.of(fitted).source(number_of),
        PopularList(data.histories),
        similar_items(vectors, ItemIndex.build(vectors)),
    ]
    base = _recalls(data, plain)
    found: dict[str, Any] = {"without": {str(n): float(base[n].mean()) for n in SIZES}}
    ids = set(data.histories.item_ids)
    between = [Relation(*one) for one in data.triples if one[0] in ids and one[2] in ids]
    known = RelatedSource(known_table(between, number_of), RelatedConfig(use="known"), number_of)
    found["known"] = _compared(base, [_recalls(data, [*plain, known])])
    found["known pairs of films"] = len(between)
    if seeds:
        tables = [_table(data, seed, cache) for seed in seeds]
        config = RelatedConfig(use="completed")
        runs = [_recalls(data, [*plain, RelatedSource(one, config, number_of)]) for one in tables]
        found["completed"] = _compared(base, runs)
        found["entries completed"] = [int((~one.known).sum()) for one in tables]
    shared = RelatedSource(_by_director(data), RelatedConfig(use="known"), number_of)
    found["known, same director"] = _compared(base, [_recalls(data, [*plain, shared])])
    related = [len(shared.candidates(history, ASKED_FOR).items) for history in _asked(data)]
    found["of a user by the same director, median"] = float(np.median(related))
    found["users"], found["films"] = len(data.wanted), len(data.words)
    return found


def _table(data: Films, seed: int, cache: Path) -> RelatedTable:
    path = cache / f"films-related-{seed}.safetensors"
    if not path.exists():
        started = time.monotonic()
        ids = data.histories.item_ids
        items = KnownItems(item_ids=ids, vectors=np.zeros((len(ids), 1), np.float32), space="")
        learnt = learn_relations(data.triples, items, replace(SETTINGS, seed=seed))
        related_table(learnt.model, SETTINGS.most).save(path)
        print("films", learnt.learnt, f"{time.monotonic() - started:.0f} s", flush=True)
    return RelatedTable.load(path)


def _by_director(data: Films) -> RelatedTable:
    """Films that share a director, which the graph says by way of a person."""
    films, of = set(data.histories.item_ids), dict[str, list[str]]()
    for head, by, tail in data.triples:
        if by == "film.film.directed_by" and head in films:
            of.setdefault(tail, []).append(head)
    pairs = (pair for same in of.values() for pair in permutations(same, 2))
    number_of = {name: number for number, name in enumerate(data.histories.item_ids)}
    return known_table(
        [Relation(one, "same director as", other) for one, other in pairs], number_of
    )


def _recalls(data: Films, sources: Sequence[Source]) -> dict[int, NDArray[np.float64]]:
    """Share of what each user went on to like that is in a pool of each size, (U,)."""
    shares: dict[int, list[float]] = {size: [] for size in SIZES}
    for history, wanted in zip(_asked(data), data.wanted, strict=True):
        pool = pooled({one.name: one.candidates(history, ASKED_FOR) for one in sources})
        items = pool.items[~np.isin(pool.items, history.items)]
        for size in SIZES:
            shares[size].append(float(np.isin(wanted, items[:size]).mean()))
    return {size: np.array(found) for size, found in shares.items()}


def _asked(data: Films) -> Iterator[History]:
    histories = data.histories
    for user in range(len(histories.users)):
        events = slice(int(histories.offsets[user]), int(histories.offsets[user + 1]))
        times = histories.times_us[events]
        yield History(
            items=histories.items[events], times_us=times, asked_us=int(times[-1]) + 1, user=user
        )


def _compared(
    base: Mapping[int, NDArray[np.float64]], runs: Sequence[Mapping[int, NDArray[np.float64]]]
) -> dict[str, Any]:
    """Means, their deviation over seeds, and the interval of what was gained, over users."""
    draw, found = np.random.default_rng(0), {}
    for size in SIZES:
        every = np.stack([run[size] for run in runs])  # (S, U)
        gains = every.mean(axis=0) - base[size]
        picks = draw.integers(len(gains), size=(RESAMPLES, len(gains)))
        low, high = np.quantile(gains[picks].mean(axis=1), [0.025, 0.975])
        found[str(size)] = {
            "mean": float(every.mean()),
            "sd": float(every.mean(axis=1).std(ddof=1)) if len(runs) > 1 else 0.0,
            "gain": [float(low), float(high)],
        }
    return found


def _divided(every: Histories) -> tuple[Histories, tuple[NDArray[np.int64], ...]]:
    """Cut the last fifth of each user's likings off; users with few are left out."""
    kept, wanted, ids = [], [], every.item_ids
    for user, name in enumerate(every.users):
        events = np.arange(every.offsets[user], every.offsets[user + 1])
        if len(events) < LEAST:
            continue
        cut = len(events) - int(SHARE * len(events))
        kept += [(name, ids[every.items[n]], int(every.times_us[n])) for n in events[:cut]]
        wanted.append((name, np.unique(every.items[events[cut:]])))
    histories = gather_histories(kept)
    wanted_of = dict(wanted)
    number_of = {name: number for number, name in enumerate(ids)}
    numbers = np.array([number_of[name] for name in histories.item_ids], np.int64)
    whole = replace(histories, item_ids=ids, items=numbers[histories.items])
    return whole, tuple(wanted_of[name] for name in whole.users)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
