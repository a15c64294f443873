"""How near titles lie to what readers go on to like, by who wrote them and for whom."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from benchmarks.title_sets import Array, Films, Numbers
from encoders.alignment import shipped
from encoders.base import unit
from encoders.text import MINILM, OnnxTextEncoder
from ranking.local_model import LocalModel
from ranking.title_judge import LanguageModelJudge, Verdicts, outcome_of
from ranking.title_matches import best_groups, matches_of, worth_of
from ranking.title_writers import ExtractiveWriter, PromptedWriter
from ranking.titles import REJECTED, WRITTEN, Audience, Brief, Writer, judged
from ranking.user_groups import Groups

MOST_ASKED = 800
"""Likings whose titles are looked at."""
AT_ONCE = 64


class World(Protocol):
    """What is asked for of ``benchmarks.titles.World``."""

    @property
    def vectors(self) -> Array:
        """Of the films."""
        ...

    @property
    def groups(self) -> Groups:
        """Of readers."""
        ...

    @property
    def group_of(self) -> Numbers:
        """Of each reader."""
        ...


class Texts:
    """The sentence encoder, with what it has encoded in a file.

    Args:
        cache: folder of the file.
    """

    def __init__(self, cache: Path) -> None:
        self._path, self._encoder = cache / "titles-texts.npz", OnnxTextEncoder(MINILM)
        self._map = shipped(MINILM.weights, MINILM.weights)
        self._known: dict[str, Array] = {}
        if self._path.exists():
            with np.load(self._path) as file:
                self._known = dict(zip(file["keys"].tolist(), file["rows"], strict=True))

    def __call__(self, texts: Sequence[str]) -> Array:
        """Unit vectors (B, D) in the joint space."""
        keys = [hashlib.blake2b(text.encode(), digest_size=10).hexdigest() for text in texts]
        fresh = {k: text for k, text in zip(keys, texts, strict=True) if k not in self._known}
        named = sorted(fresh.items(), key=lambda pair: len(pair[1]))
        for start in range(0, len(named), AT_ONCE):
            part = named[start : start + AT_ONCE]
            rows = self._encoder.encode([text for _, text in part])
            self._known.update(zip((key for key, _ in part), rows, strict=True))
        return self._map.apply(np.array([self._known[key] for key in keys], np.float32))

    def save(self) -> None:
        """Keep what was encoded."""
        beside = self._path.with_suffix(".part.npz")
        np.savez(beside, keys=list(self._known), rows=np.array(list(self._known.values())))
        beside.replace(self._path)


def audiences(data: Films, world: World, texts: Texts, contrast: float = 1.0) -> list[Audience]:
    """The groups of a world as a writer is told of them.

    Args:
        data: the films.
        world: with the view by genre as groups, or tastes.
        texts: encodes words.
        contrast: part of what groups have in common that is left out.
    """
    number = len(world.groups.centres)
    by_genre = number == len(data.genres)
    names = data.genres if by_genre else tuple(f"taste {n + 1}" for n in range(number))
    rows = texts(names) if by_genre else world.groups.centres
    towards = unit(rows - contrast * rows.mean(axis=0))
    return [
        Audience(
            grouping="benchmark",
            group_id=n,
            name=name,
            words=(name,) if by_genre else (),
            towards=towards[n],
        )
        for n, name in enumerate(names)
    ]


def relevance(data: Films, world: World, seed: int, cache: Path) -> dict[str, Any]:
    """Measure the extractive writer on the test."""
    texts = Texts(cache)
    found = _relevance(data, world, audiences(data, world, texts), texts, seed)
    texts.save()
    return found


def chosen_contrast(data: Films, world: World, cache: Path) -> dict[str, Any]:
    """Own group's title above another group's, by contrast, on what comes before the test."""
    texts, found = Texts(cache), dict[str, Any]()
    for contrast in (0.0, 0.5, 1.0):
        told = audiences(data, world, texts, contrast)
        found[str(contrast)] = _relevance(data, world, told, texts, 0, (0.7, 0.8))[
            "own above another"
        ][0]
    texts.save()
    return found


def _relevance(
    data: Films,
    world: World,
    told: list[Audience],
    texts: Texts,
    seed: int,
    span: tuple[float, float] = (0.8, 1.0),
) -> dict[str, Any]:
    from benchmarks.titles import interval, mean

    draw, writer = np.random.default_rng(seed), ExtractiveWriter(texts)
    rows = _asked(data, world, draw, span)
    titles: dict[str, list[str]] = {"own group": [], "original": [], "another group": []}
    outcomes = []
    for _, item, own, _ in rows:
        facts = data.facts[item]
        other = int((own + 1 + draw.integers(len(told) - 1)) % len(told))
        pair = [Brief(facts=facts, audience=told[group]) for group in (own, other)]
        mine, others = (judged(*one) for one in zip(pair, writer.write(pair), strict=True))
        outcomes.append(mine.outcome)
        titles["own group"].append(mine.text or facts.title)
        titles["another group"].append(others.text or facts.title)
        titles["original"].append(facts.title)
    later, readers = np.array([row[3] for row in rows]), np.array([row[0] for row in rows])
    near = {name: (texts(each) * later).sum(axis=1) for name, each in titles.items()}
    differ = np.array([a != b for a, b in zip(*_two(titles), strict=True)])
    return {
        "likings": len(rows),
        "written": mean([outcome == WRITTEN for outcome in outcomes]),
        "rejected": mean([outcome == REJECTED for outcome in outcomes]),
        "titles of the two groups differ": mean(differ),
        "cosine": {name: mean(each) for name, each in near.items()},
        "own above original": interval(near["own group"], near["original"], readers),
        "own above another": interval(near["own group"], near["another group"], readers),
        "own above another, where they differ": interval(
            near["own group"][differ], near["another group"][differ], readers[differ]
        ),
    }


def _two(titles: Mapping[str, list[str]]) -> tuple[list[str], list[str]]:
    return titles["own group"], titles["another group"]


def _asked(
    data: Films, world: World, draw: np.random.Generator, span: tuple[float, float]
) -> list[tuple[int, int, int, Array]]:
    """Some likings: reader, film, group of the reader, and the mean of their other likings."""
    asked = data.part(*span)
    centred = data.text - data.text.mean(axis=0)
    rows = []
    for event in draw.permutation(len(asked.items)).tolist():
        reader, item = int(asked.user_of_event[event]), int(asked.items[event])
        others = asked.history(reader).items
        others = others[others != item]
        if len(others) and world.group_of[reader] >= 0:
            taste = unit(centred[others].mean(axis=0))
            rows.append((reader, item, int(world.group_of[reader]), taste))
        if len(rows) == MOST_ASKED:
            break
    return rows


def ask_model(data: Films, world: World, span: slice, cache: Path) -> dict[str, Any]:
    """Let the packaged language model write, beside the extractive writer: a row per brief."""
    texts, found = Texts(cache), dict[str, Any]()
    told = audiences(data, world, texts)
    briefs, later = _briefs(data, world, told, span)
    writers: dict[str, Writer] = {
        "extractive": ExtractiveWriter(texts),
        "smollm2": PromptedWriter(LocalModel("smollm2"), "smollm2"),
    }
    for name, writer in writers.items():
        started = time.monotonic()
        drafts = [writer.write([brief])[0] for brief in briefs]
        titles = [judged(*one) for one in zip(briefs, drafts, strict=True)]
        shown = [t.text or b.facts.title for t, b in zip(titles, briefs, strict=True)]
        found[name] = {
            "said": [draft.text for draft in drafts],
            "outcomes": [title.outcome for title in titles],
            "invented": [list(title.invented) for title in titles],
            "cosines": (texts(shown) * later).sum(axis=1).tolist(),
            "seconds": [round((time.monotonic() - started) / len(briefs), 2)] * len(briefs),
        }
    own = [brief.facts.title for brief in briefs]
    found["original"] = {"cosines": (texts(own) * later).sum(axis=1).tolist()}
    return found


def ask_judge(data: Films, world: World, span: slice, cache: Path) -> dict[str, Any]:
    """Let the packaged language model judge what the extractive writer wrote: a row per brief."""
    texts = Texts(cache)
    briefs, _ = _briefs(data, world, audiences(data, world, texts), span)
    drafts = ExtractiveWriter(texts).write(briefs)
    titles = [judged(*one) for one in zip(briefs, drafts, strict=True)]
    judge = LanguageModelJudge(LocalModel("smollm2"))
    beside, itself = [], []
    for brief, title in zip(briefs, titles, strict=True):
        own = brief.facts.title
        beside.append(outcome_of(judge, brief.audience, title.text or own, own))
        itself.append(outcome_of(judge, brief.audience, own, own))
    return {"written beside original": {"outcomes": beside}, "original": {"outcomes": itself}}


def over_briefs(parts: Sequence[Mapping[str, Mapping[str, Sequence[Any]]]]) -> dict[str, Any]:
    """Put the rows of some parts together: shares of outcomes, means of figures, examples."""
    found: dict[str, Any] = {}
    for name, columns in parts[0].items():
        every = {c: [row for part in parts for row in part[name][c]] for c in columns}
        outcomes = every.pop("outcomes", [])
        shares = {one: outcomes.count(one) for one in dict.fromkeys(outcomes)}
        words = {c: every.pop(c)[:8] for c in ("said", "invented") if c in every}
        means = {c: round(float(np.mean(values)), 4) for c, values in every.items()}
        found[name] = {"briefs": len(outcomes), **shares, **means, **words}
        if {"good", "bad", "same"} >= shares.keys() and outcomes:
            found[name]["advantage"] = round(Verdicts.of(outcomes).advantage, 4)
    return found


def _briefs(
    data: Films, world: World, told: list[Audience], span: slice
) -> tuple[list[Brief], Array]:
    """Briefs of films for the reader's own group, where that is among the three chosen."""
    worth = worth_of(matches_of(world.vectors, world.groups), world.groups)
    best, briefs, later = best_groups(worth, 3), list[Brief](), list[Array]()
    for _, item, own, taste in _asked(data, world, np.random.default_rng(0), (0.8, 1.0)):
        if own in best[item]:
            briefs.append(Brief(facts=data.facts[item], audience=told[own]))
            later.append(taste)
    return briefs[span], np.array(later)[span]
