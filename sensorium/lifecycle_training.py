"""Learn what people's whole records say of the topics they take up: ``sensorium train lifecycle``.

Topics are the clusters of the view that was made last; actions are the types of events that the
rules speak of. The last liking of each person who has several is not learnt from: those decide
what a signal counts (``sensorium.signals``). Learning holds nothing: an index run or a search may
go on meanwhile.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from ingest.event_files import EventFile
from ranking.lifecycle import Lexicon, LifecycleLog, Numbers
from ranking.lifecycle_fit import (
    FEWEST_PEOPLE,
    FittedLifecycles,
    TopicEvents,
    fit_lifecycles,
)
from ranking.lifecycle_model import Topics
from ranking.sequence_events import Deed, logged_deeds, told_deeds
from ranking.user_state import US_PER_DAY
from sensorium.display import counted, plain_table, print_json
from sensorium.progress import bar_progress, format_seconds
from sensorium.ranker_store import LIFECYCLE, keep
from sensorium.shelf import open_shelf
from sensorium.training import TrainingError
from sensorium.training_records import Measured, TrainingRecord, remember_training

if TYPE_CHECKING:
    from rich.console import Console

    from ingest.event_rules import EventRules
    from ranking.pretrain import Guessing
    from ranking.shelf import Shelf
    from sensorium.learning import LearningRequest
    from sensorium.library import Library
    from sensorium.workspace import Workspace

FEWEST = 3
"""Likings of a person from which on the last one is not learnt from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LifecycleOutcome:
    """What learning gave."""

    view: str
    """View whose clusters are topics."""
    topics: int
    """Clusters."""
    actions: tuple[str, ...]
    """Types of events."""
    users: int
    """People with an event that has a topic."""
    events: int
    """Such events."""
    asked: int
    """People who liked something after the day at which they were read."""
    epochs: int
    """Rounds of pre-training run."""
    best_epoch: int
    """Round that was kept."""
    macro_recall: float
    """Share of hidden topics that are found, mean over topics."""
    area: float
    """Area under the curve of what held-out people took up."""
    usual_area: float
    """The same by how often topics are taken up at all."""
    gap: tuple[float, float]
    """Interval, 95 %, of the difference."""
    seconds: float
    """Wall time of learning."""
    kept: bool
    """Whether the workspace keeps it."""
    next_step: str
    """What to do."""


def train_lifecycles(
    library: Library, request: LearningRequest, console: Console, quiet: bool
) -> LifecycleOutcome:
    """Learn lifecycles by the settings ``lifecycle``; keep them unless they clearly find less.

    Args:
        library: it must have been indexed, and have a view.
        request: what to learn from.
        console: writes to stderr.
        quiet: show no progress.

    Raises:
        TrainingError: there is no view, or too few people.
        DecodeError: the file of events cannot be read.
    """
    settings, shelf = library.config.lifecycle, open_shelf(library)
    interests = shelf.interests
    if interests is None or not len(interests):
        raise TrainingError(
            "there is no view whose clusters could be topics",
            "group the library first: sensorium cluster --by ASPECT",
        )
    topics = Topics.of(interests)
    with bar_progress(console, quiet) as show:
        show(0.0, "reading events")
        events = topic_events(_deeds(library, request), shelf, topics, library.config.events)
        _check(events)

        def told(one: Guessing) -> None:
            words = f"round {one.epoch}, hidden topics found {one.macro:.3f}"
            show(one.epoch / settings.epochs, words)

        started = time.monotonic()
        fitted = fit_lifecycles(events, topics, settings, told)
        seconds = time.monotonic() - started
    low, high = fitted.gap
    kept = high >= 0
    if kept:
        _keep(library.workspace, fitted, events)
    return LifecycleOutcome(
        view=topics.view,
        topics=len(topics.clusters),
        actions=events.lexicon.actions,
        users=events.num_people,
        events=len(events.log.days),
        asked=len(events.people),
        epochs=fitted.rounds[-1].epoch,
        best_epoch=fitted.best.epoch,
        macro_recall=fitted.best.macro,
        area=fitted.found,
        usual_area=fitted.usual,
        gap=(low, high),
        seconds=round(seconds, 2),
        kept=kept,
        next_step=_next_step(kept, low),
    )


def topic_events(
    deeds: Iterable[Deed], shelf: Shelf, topics: Topics, rules: EventRules
) -> TopicEvents:
    """Read events as dealings with topics; what has no topic, or says nothing, is left out."""
    assert shelf.interests is not None, "topics are those of the shelf"
    of_item = topics.of_items(shelf.interests).tolist()
    users: dict[str, int] = {}
    actions: dict[str, int] = {}
    rows: list[tuple[int, int, int, int, int, bool]] = []
    for user_id, item_id, occurred_us, event_type, value in deeds:
        number = shelf.number_of.get(item_id, -1)
        topic = of_item[number] if number >= 0 else -1
        if topic < 0 or rules.condition(event_type, value) is None:
            continue
        user = users.setdefault(user_id, len(users))
        action = actions.setdefault(event_type, len(actions))
        liked = rules.is_positive(event_type, value)
        rows.append((user, occurred_us, len(rows), action, topic, liked))
    columns = _without_last(np.array(sorted(rows), np.int64).reshape(-1, 6)).T
    lexicon = Lexicon(actions=tuple(actions) or ("",), num_topics=len(topics.clusters))
    return TopicEvents(
        log=LifecycleLog(
            users=columns[0],
            pairs=columns[3] * lexicon.num_topics + columns[4],
            days=columns[1] // US_PER_DAY,
        ),
        liked=columns[5].astype(np.bool_),
        lexicon=lexicon,
        num_people=len(users),
    )


def _without_last(rows: Numbers) -> Numbers:
    """Leave out the last liking of everybody who has three or more; rows by person and time."""
    users, liked = rows[:, 0], rows[:, 5] == 1
    places = np.flatnonzero(liked)
    owners = users[places]
    last = places[np.append(owners[1:] != owners[:-1], np.ones(min(len(places), 1), np.bool_))]
    often = np.bincount(owners, minlength=int(users.max(initial=0)) + 1)[users[last]] >= FEWEST
    return np.delete(rows, last[often], axis=0)


def show_lifecycles(outcome: LifecycleOutcome, console: Console, as_json: bool) -> None:
    """Print what learning lifecycles gave."""
    if as_json:
        print_json(console, asdict(outcome))
        return
    console.print(
        f"{outcome.users:,} users, {outcome.events:,} events of {len(outcome.actions)} types with "
        f"the {counted(outcome.topics, 'topic')} of the view {outcome.view}; "
        f"{counted(outcome.epochs, 'round')} in {format_seconds(outcome.seconds)}, best after "
        f"round {outcome.best_epoch}; {'kept' if outcome.kept else 'not kept'}",
        highlight=False,
        markup=False,
    )
    table = plain_table("what people took up later", "lifecycle", "how often anybody does")
    table.add_row("area under the curve", f"{outcome.area:.4f}", f"{outcome.usual_area:.4f}")
    console.print(table)
    low, high = outcome.gap
    console.print(f"difference: {low:+.4f} to {high:+.4f} (95 %)", highlight=False)
    console.print(outcome.next_step, highlight=False, markup=False)


def _keep(workspace: Workspace, fitted: FittedLifecycles, events: TopicEvents) -> None:
    keep(workspace, LIFECYCLE, fitted.model)
    reached = Measured(
        figure="area under the curve",
        value=fitted.found,
        beside={"how often anybody takes a topic up": fitted.usual},
        gap=fitted.gap,
    )
    record = TrainingRecord(
        fingerprint=fitted.model.fingerprint,
        events=len(events.log.days),
        users=events.num_people,
        measured=(reached,),
    )
    remember_training(workspace, LIFECYCLE, record)


def _deeds(library: Library, request: LearningRequest) -> Iterable[Deed]:
    if not request.events:
        return logged_deeds(library.workspace.event_log, library.config.events)
    file = EventFile(request.events, request.layout)
    return (deed for row in file for deed in told_deeds(row.events))


def _check(events: TopicEvents) -> None:
    if len(events.people) < FEWEST_PEOPLE:
        raise TrainingError(
            f"{len(events.people)} people did something with an item of the view in the first four "
            f"fifths of the events and liked something on later days; {FEWEST_PEOPLE} are needed",
            "import events of more people or more days with sensorium events import",
        )


def _next_step(kept: bool, low: float) -> str:
    if not kept:
        return "what anybody takes up says clearly more, so nothing was changed"
    if low > 0:
        return "find what it counts: sensorium train signals --set feed.signals=lifecycle"
    return "kept, though no better than what anybody takes up beyond chance; more events help"
