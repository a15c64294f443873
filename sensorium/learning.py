"""Learn from what people did: what a ranker and a model of interests have in common.

What is learnt is judged by the last events of some users, beside popularity and item neighbours on
the very same questions. Learning holds nothing: an index run or a search may go on meanwhile.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ingest.event_files import EventFile
from ranking.baselines import baselines, compare
from ranking.evaluate import Evaluation, EvaluationConfig, evaluate, gap
from ranking.held_out import FEWEST_QUESTIONS, HeldOut, hold_out
from ranking.ranker_fit import Content
from ranking.sequence_events import learnable
from ranking.sequences import Sequences
from ranking.splits import SplitConfig, Splits
from retrieval.fitted import head_of
from retrieval.scoring import ItemScorer
from sensorium.evaluate import Show, read_deeds, read_liked, read_logged
from sensorium.progress import bar_progress
from sensorium.ranker_store import content_of, keep, learnt_folder, with_items
from sensorium.training import TrainingError
from sensorium.training_records import Measured, TrainingRecord, remember_training

if TYPE_CHECKING:
    from rich.console import Console

    from sensorium.library import Library
    from sensorium.ranker_store import LibraryContent

BESIDE = ("popular", "item neighbours")
"""Baselines that are cheap enough to stand beside every run."""
JUDGED_BY = "ndcg@10"


@dataclass(frozen=True, slots=True, kw_only=True)
class Learning:
    """What one kind of model brings to the common run."""

    name: str
    """Of the model."""
    knows: str
    """What it is to know items by: both, ids or content."""
    seed: int
    """Decides who judges."""
    fit: Callable[[HeldOut, Content | None, Path, Show], Learnt]
    """Learns, with a file that a killed run goes on from."""
    acts: bool = False
    """Whether it learns from all that people did; without, from what they liked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Learnt:
    """A model that has been learnt."""

    model: Recommender
    """In its best state."""
    scorer: ItemScorer
    """What answers for it what was held out."""
    actions: tuple[str, ...] = ()
    """What it tells apart, by name; empty where it knows likings only."""
    epochs: int
    """Rounds run."""
    best_epoch: int
    """Round that was kept; 0 for the start."""
    device: str
    """Where it learnt."""
    settings: Mapping[str, Any]
    """With which settings."""
    tried: tuple[TriedRow, ...] = ()
    """What else was tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TriedRow:
    """Settings that were tried."""

    settings: Mapping[str, Any]
    """Those in which the candidates differ."""
    epochs: int
    """Most rounds that they had."""
    reached: float
    """The best ndcg at 10 on what was held out."""


class Recommender(Protocol):
    """What is kept."""

    def save(self, path: Path) -> None:
        """Write what was learnt; the file appears whole or not at all."""

    @property
    def item_ids(self) -> tuple[str, ...]:
        """Ids of the items that have a row, (N,); none where it knows content alone."""

    @property
    def space(self) -> str:
        """Digest of what made the content; empty where it knows none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningRequest:
    """What to learn from; how is a matter of settings."""

    events: str = ""
    """File of events; empty for those that were imported."""
    layout: str = "auto"
    """Of that file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedRow:
    """How well one model finds what was held out."""

    model: str
    """Which."""
    figures: Mapping[str, float]
    """See ``ranking.evaluate.Evaluation``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningOutcome:
    """What learning gave."""

    model: str
    """What was learnt: ranker or interests."""
    users: int
    """Users who liked anything."""
    events: int
    """Likings."""
    acts: Mapping[str, int]
    """Events of each action that is told apart; empty where likings alone were learnt from."""
    items: int
    """Items that are ranked."""
    with_content: int
    """Items among them with a vector of the library."""
    known_by: str
    """What the model knows items by: ids, content, or ids and content."""
    questions: int
    """Users whose last liking was held out."""
    rows: tuple[JudgedRow, ...]
    """What was learnt first, then the baselines."""
    gap: tuple[float, float]
    """Interval, 95 %, of ndcg at 10 above the best baseline."""
    epochs: int
    """Rounds run."""
    best_epoch: int
    """Round that was kept."""
    device: str
    """Where it learnt."""
    settings: Mapping[str, Any]
    """With which settings it learnt."""
    tried: tuple[TriedRow, ...]
    """What was tried to find them, the best first."""
    seconds: float
    """Wall time of learning in this run."""
    kept: bool
    """Whether the workspace uses it from now on."""
    file: str
    """Where it is; empty where it was not kept."""
    next_step: str
    """What to do."""


def learn_from_events(
    library: Library, learning: Learning, request: LearningRequest, console: Console, quiet: bool
) -> LearningOutcome:
    """Learn a model and keep it in the workspace, unless a baseline is clearly better.

    Args:
        library: a workspace with settings; it need not be indexed, but then items are known by
            their ids alone.
        learning: which kind of model.
        request: what to learn from.
        console: writes to stderr.
        quiet: show no progress.

    Raises:
        TrainingError: too few events, or no content where that alone is to be known.
        DecodeError: the file of events cannot be read.
    """
    with bar_progress(console, quiet) as show:
        sequences, content = prepared(library, request, show, learning.acts)
        held_out = hold_out(sequences, learning.seed)
        _check(held_out, request, learning, content)
        folder = learnt_folder(library.workspace, learning.name)
        started = time.monotonic()
        learnt = learning.fit(held_out, content, folder / "checkpoint.safetensors", show)
        seconds = time.monotonic() - started
        found = judged(learning.name, learnt.scorer, held_out, show)
    own, others = found[learning.name], {name: found[name] for name in BESIDE}
    best = max(others, key=lambda name: others[name].figures[JUDGED_BY])
    low, high = gap(own, others[best], JUDGED_BY)
    kept = learnt.best_epoch > 0 and high >= 0
    path = keep(library.workspace, learning.name, learnt.model) if kept else None
    likings = sequences.likings
    if path is not None:
        record = replace(
            _record(sequences, own, others, (low, high)),
            fingerprint=head_of(path)["fingerprint"],
            space=learnt.model.space,
        )
        remember_training(library.workspace, learning.name, record)
    return LearningOutcome(
        model=learning.name,
        users=int((likings.lengths > 0).sum()),
        events=len(likings.items),
        acts=_counts(sequences) if learnt.actions else {},
        items=sequences.histories.num_items,
        with_content=0 if content is None else int(content.vectors.any(axis=1).sum()),
        known_by=" and ".join(_known_by(learning, content)),
        questions=len(own.cases),
        rows=tuple(JudgedRow(model=name, figures=one.figures) for name, one in found.items()),
        gap=(low, high),
        epochs=learnt.epochs,
        best_epoch=learnt.best_epoch,
        device=learnt.device,
        settings=learnt.settings,
        tried=learnt.tried,
        seconds=round(seconds, 2),
        kept=kept,
        file=str(path.relative_to(library.workspace.path)) if path else "",
        next_step=_next_step(learning.name, kept, low, best if learnt.best_epoch else ""),
    )


def prepared(
    library: Library, request: LearningRequest, show: Show, acts: bool = False
) -> tuple[Sequences, Content | None]:
    """Read the events and lay the library's vectors beside them.

    Args:
        library: a workspace with settings.
        request: what to learn from.
        show: told how far it is.
        acts: read all that people did instead of what they liked.

    Returns:
        Events over a catalogue of all items that are in events or in the library, and the content
        of that catalogue; None where the library knows none of the items in the events.
    """
    rules, log = library.config.events, library.workspace.event_log
    file = EventFile(request.events, request.layout) if request.events else None
    if acts:
        sequences = learnable(read_deeds(file or log, rules, show))
    elif file is not None:
        sequences = Sequences(histories=read_liked(file, rules, show))
    else:
        sequences = Sequences(histories=read_logged(log, rules, show))
    return with_content(sequences, library_content(library))


def library_content(library: Library) -> LibraryContent | None:
    """Give the joint vectors that answer; None where nothing has been indexed."""
    if library.workspace.active is None:
        return None
    generation, mirror, _ = library.serving()
    return content_of(generation, mirror)


def with_content(
    sequences: Sequences, known: LibraryContent | None
) -> tuple[Sequences, Content | None]:
    """Lay vectors beside events; see ``prepared``."""
    if known is None or set(known.item_ids).isdisjoint(sequences.histories.item_ids):
        return sequences, None
    histories = with_items(sequences.histories, known.item_ids)
    content = Content(vectors=known.of(histories.item_ids), space=known.space)
    return replace(sequences, histories=histories), content


def judged(name: str, scorer: ItemScorer, held_out: HeldOut, show: Show) -> dict[str, Evaluation]:
    """Ask a model and the baselines what was held out.

    The baselines may choose their settings on the same questions: the model did so, too.
    """
    config = EvaluationConfig()
    found = {name: evaluate(scorer, held_out.part, config)}
    splits = Splits(config=SplitConfig(), seen="", validation=held_out.part, test=held_out.part)
    contenders, _ = baselines(held_out.part.fit)
    beside = [one for one in contenders if one.name in BESIDE]
    results = compare(splits, beside, config, show=show)
    return {**found, **{result.name: result.evaluation for result in results}}


def _record(
    sequences: Sequences,
    own: Evaluation,
    others: Mapping[str, Evaluation],
    interval: tuple[float, float],
) -> TrainingRecord:
    likings = sequences.likings
    reached = Measured(
        figure=JUDGED_BY,
        value=own.figures[JUDGED_BY],
        beside={name: one.figures[JUDGED_BY] for name, one in others.items()},
        gap=interval,
    )
    return TrainingRecord(
        fingerprint="",
        events=len(sequences.histories.items),
        users=int((likings.lengths > 0).sum()),
        items=sequences.histories.num_items,
        measured=(reached,),
    )


def _check(
    held_out: HeldOut, request: LearningRequest, learning: Learning, content: Content | None
) -> None:
    asked, events = len(held_out.part.cases), len(held_out.part.fit.items)
    if asked < FEWEST_QUESTIONS:
        raise TrainingError(
            f"{request.events or 'the log'} tells of {asked} users with three likings or more, "
            f"{events + asked} likings in all; {FEWEST_QUESTIONS} such users are needed",
            "import more events with sensorium events import, say which are positive with "
            "--set events.positives=..., or give --events FILE",
        )
    if learning.knows == "content" and content is None:
        raise TrainingError(
            "no item of the events is in this library, so that no content can be learnt from",
            "index the items that the events are about, or learn with "
            f"--set {learning.name}.knows=ids",
        )


def _counts(sequences: Sequences) -> dict[str, int]:
    """Events of each action, by its name."""
    if sequences.known is None or sequences.actions is None:
        return {}
    counts = np.bincount(sequences.actions, minlength=len(sequences.known))
    return dict(zip(sequences.known.names, counts.tolist(), strict=True))


def _known_by(learning: Learning, content: Content | None) -> list[str]:
    known = {"ids": learning.knows != "content", "content": learning.knows != "ids"}
    return [name for name, some in known.items() if some and (name == "ids" or content is not None)]


def _next_step(name: str, kept: bool, low: float, best: str) -> str:
    """Say what to do; ``best`` is the best baseline, empty where nothing was learnt."""
    more = f"more events help, and so may other settings: sensorium config show lists {name}.*"
    if not best:
        return f"no round found more than the start, so nothing was changed; {more}"
    if not kept:
        return f"{best} is clearly better, so nothing was changed; {more}"
    if low > 0:
        return (
            "see what it gives: sensorium recommend USER; "
            f"test it: sensorium evaluate --models {name}"
        )
    return f"kept, though no better than {best} beyond chance; more events help"
