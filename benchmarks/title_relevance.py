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
from ranking.title_judge import Judge, LanguageModelJudge, Verdicts, outcome_of
from ranking.title_matches import best_groups, matches_of, worth_of
from ranking.title_writers import ExtractiveWriter, PromptedWriter
from ranking.titles import REJECTED, WRITTEN, Audience, Brief, Title, Writer, judged
from ranking.user_groups import Groups

MOST_ASKED = 800
"""Likings whose titles are looked at."""
AT_ONCE = 64
CALIBRATED = 10
"""Titles that the judge sees beside themselves."""


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


def ask_model(data: Films, world: World, number: int, cache: Path) -> dict[str, Any]:
    """Let the packaged language model write, beside the extractive writer."""
    from benchmarks.titles import mean

    texts, model = Texts(cache), LocalModel("smollm2")
    told = audiences(data, world, texts)
    briefs, later = _briefs(data, world, told, number)
    writers: dict[str, Writer] = {
        "extractive": ExtractiveWriter(texts),
        "smollm2": PromptedWriter(model, "smollm2"),
    }
    found: dict[str, Any] = {"briefs": len(briefs)}
    titles: dict[str, list[Title]] = {}
    for name, writer in writers.items():
        started = time.monotonic()
        drafts = [writer.write([brief])[0] for brief in briefs]
        titles[name] = [judged(*one) for one in zip(briefs, drafts, strict=True)]
        shown = [t.text or b.facts.title for t, b in zip(titles[name], briefs, strict=True)]
        found[name] = {
            "written": mean([title.outcome == WRITTEN for title in titles[name]]),
            "rejected": mean([title.outcome == REJECTED for title in titles[name]]),
            "cosine": mean((texts(shown) * later).sum(axis=1)),
            "seconds a title": round((time.monotonic() - started) / len(briefs), 2),
            "invented": [list(t.invented) for t in titles[name] if t.invented][:8],
            "examples": [title.text for title in titles[name] if title.text][:5],
        }
    own = [brief.facts.title for brief in briefs]
    found["original"] = {"cosine": mean((texts(own) * later).sum(axis=1))}
    texts.save()
    return found


def ask_judge(data: Films, world: World, number: int, cache: Path) -> dict[str, Any]:
    """Let the packaged language model judge what the extractive writer wrote."""
    texts = Texts(cache)
    briefs, _ = _briefs(data, world, audiences(data, world, texts), number)
    drafts = ExtractiveWriter(texts).write(briefs)
    titles = [judged(*one) for one in zip(briefs, drafts, strict=True)]
    return _judged(LanguageModelJudge(LocalModel("smollm2")), briefs, titles)


def _briefs(
    data: Films, world: World, told: list[Audience], number: int
) -> tuple[list[Brief], Array]:
    """Briefs of films for the reader's own group, where that is among the three chosen."""
    worth = worth_of(matches_of(world.vectors, world.groups), world.groups)
    best, briefs, later = best_groups(worth, 3), list[Brief](), list[Array]()
    for _, item, own, taste in _asked(data, world, np.random.default_rng(0), (0.8, 1.0)):
        if own in best[item] and len(briefs) < number:
            briefs.append(Brief(facts=data.facts[item], audience=told[own]))
            later.append(taste)
    return briefs, np.array(later)


def _judged(judge: Judge, briefs: Sequence[Brief], titles: Sequence[Title]) -> dict[str, Any]:
    """What the judge says of written titles, and of originals beside themselves."""
    written = [
        outcome_of(judge, brief.audience, title.text, brief.facts.title)
        for brief, title in zip(briefs, titles, strict=True)
        if title.outcome == WRITTEN
    ]
    alike = [
        outcome_of(judge, brief.audience, brief.facts.title, brief.facts.title)
        for brief in briefs[:CALIBRATED]
    ]
    told, beside = Verdicts.of(written), Verdicts.of(alike)
    return {
        "good": told.good,
        "same": told.same,
        "bad": told.bad,
        "advantage": round(told.advantage, 4),
        "original beside itself, same": round(beside.same / max(len(alike), 1), 4),
    }
