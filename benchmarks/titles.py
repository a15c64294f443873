"""What titles for groups of readers save, keep true and are worth, on films that people rated.

- *Pruning*: the share of (item, group) pairs that titles are written for, against the share of
  held-out likings whose pair (item, group of the reader) is among them: by matches learnt, by the
  cosine, by the size of groups (which most titles would be seen by whatever they say), and drawn.
- *Facts*: precision and recall of the filter on planted inventions and on clean titles.
- *Relevance*: how near the title of a film that a reader went on to like lies to what else they
  went on to like (mean text vector of these other films): the title for the reader's own group, the
  original, and the one for another group. The last comparison is what personalisation is.
- *Language model*: the same for the packaged one, with how much of it the filter rejects, and as a
  judge of titles in both orders.

Groups are a view by genre and k-means of tastes. Vectors of items are of words alone, or joint with
posters. Intervals of 95 % are bootstrapped over readers. Contrast was chosen on the tenth of
the likings before the test.

    python benchmarks/titles.py --ratings DIR --posters DIR --plots DIR --cache DIR [--parts N]

Each part of a seed is written to the cache as it ends, and a run does what is missing: all, or so
many --parts of it.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.environment import environment, write_result
from benchmarks.inventions import CLEAN, INVENTED, Source
from benchmarks.title_relevance import ask_judge, ask_model, chosen_contrast, over_briefs, relevance
from benchmarks.title_sets import Array, Films, Numbers, films, some_items
from ranking.match_network import MatchTraining, learn_matches
from ranking.title_matches import best_groups, matches_of, pairs_of, worth_of
from ranking.user_groups import NOBODY, Groups, interest_groups, taste_groups, tastes_of

SEEDS = (0, 1, 2)
TASTES = (16, 64)
"""Groups by taste, K."""
PER_ITEM = (1, 2, 3, 5, 8)
"""Groups that each item gets a title for, N."""
PLANTED = 600
"""Films that each kind of invention is planted in."""
RESAMPLES = 2_000
ASKED_OF_MODEL, AT_ONCE = 24, 3
"""Titles that the language model writes and judges, and those of one part."""


@dataclass(frozen=True, kw_only=True, eq=False)
class World:
    """One way to see the films and to group their readers."""

    vectors: Array
    """Of the films, (N, D)."""
    groups: Groups
    """K of them."""
    group_of: Numbers
    """Of each reader, (U,); -1 where too little is known."""


NAMES = (
    "genre, text",
    *(f"{number} tastes, text" for number in TASTES),
    "genre, joint",
    f"{TASTES[-1]} tastes, joint",
)
"""Worlds that are looked at; the joint vector with the most tastes alone."""


@cache
def world_of(data: Films, seed: int, name: str) -> World:
    """One of them."""
    groups_by, _, seen = name.partition(", ")
    vectors = data.text if seen == "text" else data.joint
    tastes = tastes_of(data.part(0, 0.8), vectors, data.interests)
    if groups_by == "genre":
        groups = interest_groups(data.interests, vectors, tastes)
        return World(vectors=vectors, groups=groups, group_of=tastes.interest)
    groups = taste_groups(tastes, int(groups_by.split()[0]), seed)
    owner = np.argmax(tastes.vectors @ groups.centres.T, axis=1)
    owner[~tastes.vectors.any(axis=1)] = NOBODY
    return World(vectors=vectors, groups=groups, group_of=owner)


def pruning(data: Films, name: str, seed: int) -> dict[str, Any]:
    """What each way to choose pairs keeps."""
    world = world_of(data, seed, name)
    pairs, asked = pairs_of(data.part(0, 0.8), world.vectors), data.part(0.8, 1)
    started = time.monotonic()
    network = learn_matches(
        pairs, world.vectors, world.groups, MatchTraining(seed=seed), lambda _share, _words: None
    )
    seconds = time.monotonic() - started
    plain = matches_of(world.vectors, world.groups)
    draw = np.random.default_rng(seed)
    ways: dict[str, Array] = {
        "learnt, with share": worth_of(
            matches_of(world.vectors, world.groups, network), world.groups
        ),
        "learnt": matches_of(world.vectors, world.groups, network),
        "cosine, with share": worth_of(plain, world.groups),
        "cosine": plain,
        "size of group": np.tile(world.groups.share, (len(plain), 1)),
        "drawn": draw.random(plain.shape, dtype=np.float32),
    }
    own = world.group_of[asked.user_of_event]
    known = own >= 0
    readers, items, own = asked.user_of_event[known], asked.items[known], own[known]
    hits: dict[str, dict[int, Any]] = {
        name: {n: (best_groups(worth[items], n) == own[:, None]).any(axis=1) for n in PER_ITEM}
        for name, worth in ways.items()
    }
    best = hits["learnt, with share"]
    above = ("cosine, with share", "size of group", "drawn")
    return {
        "groups": len(world.groups.centres),
        "likings asked": len(own),
        "likings learnt from": len(pairs),
        "learnt": network is not None,
        "seconds": round(seconds, 1),
        "pairs written": {n: round(n / len(world.groups.centres), 4) for n in PER_ITEM},
        "kept": {name: {n: mean(hit) for n, hit in of.items()} for name, of in hits.items()},
        "learnt above": {
            name: {n: interval(best[n], hits[name][n], readers) for n in (1, 3, 5)}
            for name in above
        },
        "hits": {"kept": best[3].tolist(), "readers": readers.tolist()},
    }


def facts(data: Films, seed: int) -> dict[str, Any]:
    """How often the filter rejects what it should, and what it should not."""
    draw, number = np.random.default_rng(seed), len(data.facts)
    told: dict[str, Any] = {}
    totals = {True: [0, 0], False: [0, 0]}
    for planted, kinds in ((True, INVENTED), (False, CLEAN)):
        for name, make in kinds.items():
            rejected = []
            for row in draw.permutation(number)[:PLANTED].tolist():
                other = data.facts[(row + 1 + int(draw.integers(number - 1))) % number]
                title = make(Source(facts=data.facts[row], other=other, draw=draw))
                if title is not None:
                    rejected.append(bool(data.facts[row].invented(title)))
            told[name] = {"titles": len(rejected), "rejected": mean(rejected)}
            if name != "own words swapped":
                totals[planted][0] += sum(rejected)
                totals[planted][1] += len(rejected)
    true, every = totals[True]
    false, clean = totals[False]
    told["all but swapped words"] = {
        "precision": round(true / (true + false), 4),
        "recall": round(true / every, 4),
        "clean titles rejected": round(false / clean, 4),
    }
    return told


def mean(values: Sequence[Any] | Array) -> float:
    """A mean with four places."""
    return round(float(np.mean(values)), 4) if len(values) else 0.0


def interval(one: Any, other: Any, readers: Numbers) -> list[float]:
    """Mean of the difference, and its interval of 95 % over readers."""
    difference = np.asarray(one, float) - np.asarray(other, float)
    _, group = np.unique(readers, return_inverse=True)
    sums, counts = np.bincount(group, difference), np.bincount(group)
    draw, means = np.random.default_rng(0), []
    for _ in range(RESAMPLES):
        drawn = draw.integers(len(sums), size=len(sums))
        means.append(sums[drawn].sum() / counts[drawn].sum())
    low, high = np.quantile(means, [0.025, 0.975])
    return [round(float(value), 4) for value in (difference.mean(), low, high)]


def parts_of(data: Films, seed: int, cache_folder: Path) -> dict[str, Callable[[], dict[str, Any]]]:
    """Everything with one seed, in parts that take some seconds each."""
    return {
        **{f"pruning, {name}": partial(pruning, data, name, seed) for name in NAMES},
        "facts": partial(facts, data, seed),
        "contrast on validation": lambda: chosen_contrast(
            data, world_of(data, seed, "genre, text"), cache_folder
        ),
        **{
            f"relevance, {name}": partial(_relevance, data, name, seed, cache_folder)
            for name in NAMES
            if "text" in name
        },
    }


def _relevance(data: Films, name: str, seed: int, folder: Path) -> dict[str, Any]:
    return relevance(data, world_of(data, seed, name), seed, folder)


def joined(parts: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """The parts of a seed, with what the joint vector is worth beside words alone."""
    hits = {name: of.pop("hits") for name, of in parts.items() if "hits" in of}
    above = {
        kind: interval(
            hits[f"pruning, {kind}, joint"]["kept"],
            hits[f"pruning, {kind}, text"]["kept"],
            np.array(hits[f"pruning, {kind}, text"]["readers"]),
        )
        for kind in ("genre", f"{TASTES[-1]} tastes")
    }
    return {**parts, "joint above text, 3 groups an item": above}


def over_seeds(runs: Sequence[Any]) -> Any:
    """Mean and standard deviation of each figure; what is no figure stays as it was first."""
    first = runs[0]
    if isinstance(first, Mapping):
        return {key: over_seeds([run[key] for run in runs]) for key in first}
    if isinstance(first, bool) or not isinstance(first, int | float):
        return first if all(run == first for run in runs) else list(runs)
    spread = float(np.std(runs, ddof=1)) if len(runs) > 1 else 0.0
    return {"mean": round(float(np.mean(runs)), 4), "sd": round(spread, 4)}


def main() -> None:
    """Measure and write ``results/titles.json``."""
    options = argparse.ArgumentParser(description=__doc__)
    for name in ("ratings", "posters", "plots", "cache"):
        options.add_argument(f"--{name}", type=Path, required=True)
    options.add_argument("--parts", type=int, default=1_000, help="most to do in this run")
    options.add_argument("--only", default="", help="parts whose names hold this")
    options.add_argument("--films", type=int, help="only the films liked most, for a try")
    chosen = options.parse_args()
    torch.set_num_threads(1)
    data = films(chosen.ratings, chosen.posters, chosen.plots, chosen.cache)
    if chosen.films:
        data = some_items(data, chosen.films)
    book = Book(chosen.cache / f"titles-{len(data.facts)}.json", chosen.parts, chosen.only)
    runs = {}
    for seed in SEEDS:
        parts = parts_of(data, seed, chosen.cache)
        runs[seed] = {name: book.part(f"{seed}, {name}", make) for name, make in parts.items()}
    asked = {
        name: [
            book.part(f"model, {name} {start}", partial(_model, data, start, ask, chosen.cache))
            for start in range(0, ASKED_OF_MODEL, AT_ONCE)
        ]
        for name, ask in (("writes", ask_model), ("judges", ask_judge))
    }
    model = {
        name: over_briefs([p for p in parts if p]) for name, parts in asked.items() if any(parts)
    }
    if all(all(run.values()) for run in runs.values()):
        every = [joined({k: v for k, v in run.items() if v}) for run in runs.values()]
        write_result("titles", _told(data, every, model))


Ask = Callable[[Films, World, slice, Path], dict[str, Any]]


def _model(data: Films, start: int, ask: Ask, folder: Path) -> dict[str, Any]:
    return ask(data, world_of(data, 0, "genre, text"), slice(start, start + AT_ONCE), folder)


class Book:
    """What has been measured, in a file.

    Args:
        path: the file; several runs may share it.
        most: parts to measure in this run.
        only: measure those alone whose names hold this.
    """

    def __init__(self, path: Path, most: int, only: str) -> None:
        self._path, self._left, self._only = path, most, only
        self._known = self._read()

    def part(self, name: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any] | None:
        """Give a part, measured where it is missing; None where this run may not."""
        if name not in self._known and self._left > 0 and self._only in name:
            started = time.monotonic()
            made = json.loads(json.dumps(make()))
            self._known = {**self._read(), name: made}
            self._path.write_text(json.dumps(self._known, indent=1))
            self._left -= 1
            print(f"{name}: {time.monotonic() - started:.0f} s", file=sys.stderr)
        found: dict[str, Any] | None = self._known.get(name)
        return found

    def _read(self) -> dict[str, Any]:
        known: dict[str, Any] = json.loads(self._path.read_text()) if self._path.exists() else {}
        return known


def _told(data: Films, runs: Sequence[dict[str, Any]], model: dict[str, Any]) -> dict[str, Any]:
    where = environment(("numpy", "scikit-learn", "torch", "onnxruntime"))
    where["command"] = (
        "python benchmarks/titles.py --ratings DIR --posters DIR --plots DIR --cache DIR"
    )
    return {
        "environment": where,
        "films": len(data.facts),
        "with poster": data.with_poster,
        "readers": len(data.likings),
        "likings": len(data.likings.items),
        "matches": asdict(MatchTraining()),
        "seeds": len(runs),
        "over seeds": over_seeds(runs),
        "language model, seed 0": model,
    }


if __name__ == "__main__":
    main()
