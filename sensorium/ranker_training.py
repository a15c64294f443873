"""Learn, from what people did, what they go on to: ``sensorium train ranker``.

What is learnt is judged by the last events of some users, beside popularity and item neighbours on
the very same questions. Learning holds nothing: an index run or a search may go on meanwhile.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ingest.event_files import EventFile
from ingest.histories import Histories
from ranking.baselines import baselines, compare
from ranking.evaluate import Evaluation, EvaluationConfig, evaluate, gap
from ranking.held_out import HeldOut, hold_out
from ranking.ranker_fit import Content, device_of, fit_ranker
from ranking.sequences import Sequences
from ranking.splits import SplitConfig, Splits
from sensorium.evaluate import read_liked, read_logged
from sensorium.progress import bar_progress
from sensorium.ranker_store import content_of, keep_ranker, ranker_folder, with_items
from sensorium.training import TrainingError

if TYPE_CHECKING:
    from rich.console import Console

    from ranking.ranker_fit import FittedRanker
    from ranking.sequence_progress import Progress
    from sensorium.evaluate import Show
    from sensorium.library import Library
    from sensorium.ranker_store import LibraryContent

FEWEST_QUESTIONS = 20
"""Users with three likings or more below which nothing can be judged."""
BESIDE = ("popular", "item neighbours")
"""Baselines that are cheap enough to stand beside every run."""
JUDGED_BY = "ndcg@10"


@dataclass(frozen=True, slots=True, kw_only=True)
class RankerRequest:
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
class RankerOutcome:
    """What learning gave."""

    users: int
    """Users who liked anything."""
    events: int
    """Likings."""
    items: int
    """Items that are ranked."""
    with_content: int
    """Items among them with a vector of the library."""
    known_by: str
    """What the ranker knows items by: ids, content, or ids and content."""
    questions: int
    """Users whose last liking was held out."""
    rows: tuple[JudgedRow, ...]
    """The ranker first, then the baselines."""
    gap: tuple[float, float]
    """Interval, 95 %, of ndcg at 10 above the best baseline."""
    epochs: int
    """Rounds run."""
    best_epoch: int
    """Round that was kept."""
    device: str
    """Where it learnt."""
    seconds: float
    """Wall time of learning in this run."""
    kept: bool
    """Whether the workspace uses it from now on."""
    file: str
    """Where it is; empty where it was not kept."""
    next_step: str
    """What to do."""


def train_library_ranker(
    library: Library, request: RankerRequest, console: Console, quiet: bool
) -> RankerOutcome:
    """Learn a ranker and keep it in the workspace, unless a baseline is clearly better.

    Args:
        library: a workspace with settings; it need not be indexed, but then items are known by
            their ids alone.
        request: what to learn from.
        console: writes to stderr.
        quiet: show no progress.

    Raises:
        TrainingError: too few events.
        DecodeError: the file of events cannot be read.
    """
    settings = library.config.ranker
    with bar_progress(console, quiet) as show:
        sequences, content = prepared(library, request, show)
        held_out = hold_out(sequences, settings.seed)
        _check(held_out, request)
        started = time.monotonic()
        fitted = learn(held_out, content, library, show)
        seconds = time.monotonic() - started
        found = judged(fitted, held_out, show)
    own, others = found["ranker"], {name: found[name] for name in BESIDE}
    best = max(others, key=lambda name: others[name].figures[JUDGED_BY])
    low, high = gap(own, others[best], JUDGED_BY)
    kept = fitted.progress.best_epoch > 0 and high >= 0
    path = keep_ranker(library.workspace, fitted.recommender) if kept else None
    return RankerOutcome(
        users=int((sequences.histories.lengths > 0).sum()),
        events=len(sequences.histories.items),
        items=sequences.histories.num_items,
        with_content=0 if content is None else int(content.vectors.any(axis=1).sum()),
        known_by=_known_by(fitted),
        questions=len(own.cases),
        rows=tuple(JudgedRow(model=name, figures=one.figures) for name, one in found.items()),
        gap=(low, high),
        epochs=fitted.progress.epoch,
        best_epoch=fitted.progress.best_epoch,
        device=device_of(settings),
        seconds=round(seconds, 2),
        kept=kept,
        file=str(path.relative_to(library.workspace.path)) if path else "",
        next_step=_next_step(kept, low, best),
    )


def prepared(
    library: Library, request: RankerRequest, show: Show
) -> tuple[Sequences, Content | None]:
    """Read the events and lay the library's vectors beside them.

    Returns:
        Events over a catalogue of all items that are in events or in the library, and the content
        of that catalogue; None where the library knows none of the items in the events.
    """
    rules = library.config.events
    if request.events:
        histories = read_liked(EventFile(request.events, request.layout), rules, show)
    else:
        histories = read_logged(library.workspace.event_log, rules, show)
    return with_content(histories, library_content(library))


def library_content(library: Library) -> LibraryContent | None:
    """Give the joint vectors that answer; None where nothing has been indexed."""
    if library.workspace.active is None:
        return None
    generation, mirror, _ = library.serving()
    return content_of(generation, mirror)


def with_content(
    histories: Histories, known: LibraryContent | None
) -> tuple[Sequences, Content | None]:
    """Lay vectors beside events; see ``prepared``."""
    if known is None or set(known.item_ids).isdisjoint(histories.item_ids):
        return Sequences(histories=histories), None
    histories = with_items(histories, known.item_ids)
    content = Content(vectors=known.of(histories.item_ids), space=known.space)
    return Sequences(histories=histories), content


def learn(held_out: HeldOut, content: Content | None, library: Library, show: Show) -> FittedRanker:
    """Learn with the library's settings; killed, the same call goes on."""
    settings = library.config.ranker
    if settings.knows == "content" and content is None:
        raise TrainingError(
            "no item of the events is in this library, so that no content can be learnt from",
            "index the items that the events are about, or learn with --set ranker.knows=ids",
        )
    folder = ranker_folder(library.workspace)
    folder.mkdir(exist_ok=True)

    def told(progress: Progress) -> None:
        show(progress.epoch / settings.epochs, words_of(progress))

    return fit_ranker(held_out, settings, content, folder / "checkpoint.safetensors", told)


def words_of(progress: Progress) -> str:
    """Say in a few words where a run stands."""
    return (
        f"round {progress.epoch}, ndcg@10 {progress.last.ndcg_at_10:.4f}, "
        f"best {progress.best.ndcg_at_10:.4f} in round {progress.best_epoch}"
    )


def judged(fitted: FittedRanker, held_out: HeldOut, show: Show) -> dict[str, Evaluation]:
    """Ask the ranker and the baselines what was held out.

    The baselines may choose their settings on the same questions: the ranker did so, too.
    """
    config = EvaluationConfig()
    found = {"ranker": evaluate(fitted.recommender, held_out.part, config)}
    splits = Splits(config=SplitConfig(), seen="", validation=held_out.part, test=held_out.part)
    contenders, _ = baselines(held_out.part.fit)
    beside = [one for one in contenders if one.name in BESIDE]
    results = compare(splits, beside, config, show=show)
    return {**found, **{result.name: result.evaluation for result in results}}


def _check(held_out: HeldOut, request: RankerRequest) -> None:
    asked, events = len(held_out.part.cases), len(held_out.learnt.histories.items)
    if asked < FEWEST_QUESTIONS:
        raise TrainingError(
            f"{request.events or 'the log'} tells of {asked} users with three likings or more, "
            f"{events + asked} likings in all; {FEWEST_QUESTIONS} such users are needed",
            "import more events with sensorium events import, say which are positive with "
            "--set events.positives=..., or give --events FILE",
        )


def _known_by(fitted: FittedRanker) -> str:
    config = fitted.recommender.network.config
    if config.num_ids and config.content_width:
        return "ids and content"
    return "ids" if config.num_ids else "content"


def _next_step(kept: bool, low: float, best: str) -> str:
    if not kept:
        return (
            f"{best} is clearly better, so nothing was changed; more events help, and so may "
            "other settings: sensorium config show lists those of ranker"
        )
    if low > 0:
        return "see what it gives: sensorium recommend USER; test it: sensorium evaluate"
    return f"kept, though no better than {best} beyond chance; more events help"
