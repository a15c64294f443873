"""What a library has learnt, part by part, for ``sensorium models``.

Nothing is loaded: a file of numbers says its fingerprint in its head, and the rest stands in the
workspace's database. A part that ``sensorium train`` keeps as one file is a row of ``KEPT``; parts
that are kept in another way are read by a function each.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import TYPE_CHECKING, Literal

from sqlalchemy import select

from ranking.title_store import TitleStore
from ranking.view_store import ViewStore, views_table
from retrieval.fitted import FittedError, head_of
from sensorium.fitted_sources import KEEP_EVERY, NEIGHBOURS, TALLY, kept_fits
from sensorium.ranker_store import (
    INTENT,
    INTERESTS,
    LIFECYCLE,
    LONG_SHORT,
    PROFILES,
    RANKER,
    content_space,
)
from sensorium.relation_store import RELATIONS
from sensorium.shelf import latest_view
from sensorium.signals import WEIGHTS
from sensorium.strengths import PART, recall_strengths
from sensorium.training_records import Measured, recall_training
from sensorium.workspace import ALIGNMENT, FUSION

if TYPE_CHECKING:
    from sensorium.config import Config
    from sensorium.workspace import Workspace

State = Literal["on", "off", "waiting", "aside", "not learnt"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LearntPart:
    """One part, as a person is told of it."""

    part: str
    """Its name."""
    use: str
    """What it is for."""
    state: State
    """on; off by the settings; waiting for an index run; aside, as it was learnt from vectors that
    do not answer now; or not learnt."""
    trained_at: str = ""
    """When, ISO 8601, UTC; empty where that is not known."""
    events: int = 0
    """Events that it was learnt from; 0 where that is not known, or for none."""
    users: int = 0
    """People whose events these are."""
    items: int = 0
    """Items that it knows."""
    generation: str = ""
    """Generation whose vectors it was learnt from; empty for none, or for one that is gone."""
    fingerprint: str = ""
    """Changes with any of its numbers."""
    measured: tuple[Measured, ...] = ()
    """How well it did on what was held out, beside baselines."""
    note: str = ""
    """What to do, or to know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Something that ``sensorium train`` keeps as one file of numbers."""

    name: str
    """What the workspace and the command call it."""
    use: str
    """What it is for."""
    is_on: Callable[[Config], bool] = lambda _: True
    """Whether the settings want it, once it is learnt."""
    setting: str = ""
    """What switches it on, for those whose settings do not."""
    is_signal: bool = False
    """Whether it stands beside the ranker, named by ``feed.signals``, for what it was weighed."""


KEPT = (
    Kept(
        name=RANKER,
        use="orders candidates by what people go on to",
        is_on=lambda config: config.feed.ranker > 0 and config.feed.ranked_by == "sequence",
        setting="feed.ranker=1 --set feed.ranked_by=sequence",
    ),
    Kept(
        name=LONG_SHORT,
        use="orders candidates by long and short tastes",
        is_on=lambda config: config.feed.ranker > 0 and config.feed.ranked_by == LONG_SHORT,
        setting=f"feed.ranked_by={LONG_SHORT}",
    ),
    Kept(name=INTERESTS, use="finds candidates by learnt vectors"),
    Kept(name=INTENT, use="says what categories people are about to want", is_signal=True),
    Kept(name=LIFECYCLE, use="says what topics suit a person's whole record", is_signal=True),
    Kept(name=PROFILES, use="says what suits what is written of people", is_signal=True),
    Kept(
        name=RELATIONS,
        use="finds candidates by relations completed from a few pairs",
        is_on=lambda config: config.sources.relations.use != "off",
        setting="sources.relations.use=completed",
    ),
)
"""Whatever is learnt by a command and kept with ``ranker_store.keep`` joins as one more row."""
APPLIED = (
    (ALIGNMENT, "brings pictures and sounds to where words are"),
    (FUSION, "makes one vector of the views of an item"),
)
"""What an index run applies, and what that is for."""
FITTED = (
    (
        NEIGHBOURS,
        "finds candidates by what is liked after what",
        "made by itself for the first page, once people have liked something",
    ),
    (
        TALLY,
        "counts what many like, and how often things were shown",
        f"kept by itself from {KEEP_EVERY:,} events on; until then counted whenever a feed opens",
    ),
)
"""What a feed makes of the log by itself: what for, and when it is not there yet."""


def learnt_parts(workspace: Workspace, config: Config) -> list[LearntPart]:
    """Give every part of a library that is, or could be, learnt.

    Args:
        workspace: the library's folder.
        config: the settings in force.
    """
    return [
        *(_applied(workspace, name, use) for name, use in APPLIED),
        *(_kept(workspace, config, row) for row in KEPT),
        _strengths(workspace, config),
        *(_fitted(workspace, *row) for row in FITTED),
        _titles(workspace, config),
        *_views(workspace),
    ]


def _kept(workspace: Workspace, config: Config, row: Kept) -> LearntPart:
    command = f"sensorium train {row.name}"
    path = workspace.learnt(row.name, newest=True)
    if path is None:
        return _not_learnt(row.name, row.use, command)
    try:
        head = head_of(path)
        fingerprint, settings = head["fingerprint"], json.loads(head["config"])
    except (FittedError, KeyError, ValueError):
        note = f"{path.name} cannot be read; learn it anew with {command}"
        return LearntPart(part=row.name, use=row.use, state="aside", note=note)
    active, space = workspace.active, str(settings.get("space", ""))
    same = active is not None and space == content_space(active)
    state, note = _switched(workspace, config, row)
    if space and not same:
        state, note = "aside", f"learnt from other item vectors; learn it anew with {command}"
    return _part(
        workspace,
        LearntPart(
            part=row.name,
            use=row.use,
            state=state,
            items=int(head.get("num_items", 0)),
            generation=active.name if active is not None and space and same else "",
            fingerprint=fingerprint,
            note=note,
        ),
    )


def _switched(workspace: Workspace, config: Config, row: Kept) -> tuple[State, str]:
    """Whether what is learnt is used, and what to do or to know of that."""
    if not row.is_signal:
        if row.is_on(config):
            return "on", ""
        return "off", f"switched off by the settings; on with --set {row.setting}"
    weight = workspace.manifest.recall(WEIGHTS, {}).get(row.name)
    if row.name not in config.feed.signals:
        return "off", f"on with --set feed.signals={row.name}, then sensorium train signals"
    if weight is None:
        return "waiting", "sensorium train signals weighs it"
    if not weight:
        return "off", "sensorium train signals found that it counts nothing"
    return "on", f"counts {weight:.3g} beside the ranker"


def _applied(workspace: Workspace, name: str, use: str) -> LearntPart:
    newest = workspace.learnt(name, newest=True)
    if newest is None:
        return _not_learnt(name, use, f"sensorium train {name}")
    behind, active = workspace.learnt(name, newest=False), workspace.active
    waits = behind != newest
    return _part(
        workspace,
        LearntPart(
            part=name,
            use=use,
            state="waiting" if waits else "on",
            generation="" if waits or active is None else active.name,
            fingerprint=newest.stem,
            note="use it with: sensorium index PATH --reembed (nothing is encoded)"
            if waits
            else "",
        ),
    )


def _strengths(workspace: Workspace, config: Config) -> LearntPart:
    use, learnt = "says what ranker, interests and sources count", recall_strengths(workspace)
    if learnt is None:
        return _not_learnt(PART, use, "sensorium train strengths")
    told = ", ".join(f"{name} {strength:.3g}" for name, strength in learnt.found.items())
    used = config.feed.strengths == "learnt"
    beside = f"beside the {learnt.beside}: {told}"
    part = LearntPart(
        part=PART,
        use=use,
        state="on" if used else "off",
        fingerprint=learnt.fingerprint,
        note=beside if used else f"{beside}; on with --set feed.strengths=learnt",
    )
    return _part(workspace, part)


def _fitted(workspace: Workspace, name: str, use: str, note: str) -> LearntPart:
    known = kept_fits(workspace).get(name)
    try:
        head = {} if known is None else head_of(known.path)
    except FittedError:
        head = {}
    if known is None or not head:
        return LearntPart(part=name, use=use, state="not learnt", note=note)
    return LearntPart(
        part=name,
        use=use,
        state="on",
        trained_at=known.made_at,
        events=known.events,
        items=int(head["num_items"]),
        fingerprint=head["fingerprint"],
    )


def _titles(workspace: Workspace, config: Config) -> LearntPart:
    use = "shows an item under words for the reader's group"
    counted = Counter[str]()
    for outcomes in TitleStore(workspace.engine).counts().values():
        counted.update(outcomes)
    if not counted:
        return _not_learnt("titles", use, "sensorium titles write")
    told = ", ".join(f"{number} {outcome}" for outcome, number in counted.items())
    shown = config.titles.shown == "written"
    return LearntPart(
        part="titles",
        use=use,
        state="on" if shown else "off",
        note=told if shown else f"{told}; shown with --set titles.shown=written",
    )


def _views(workspace: Workspace) -> Iterator[LearntPart]:
    store = ViewStore(workspace.engine)
    latest, use = latest_view(store), "groups the library; the latest gives a feed its interests"
    if latest is None:
        yield _not_learnt("view", use, "sensorium cluster --by ASPECT")
    for name in store.names():
        view = store.view(name)
        told = [f"nine in ten items were placed with a confidence above {view.watch.doubt:.3f}"]
        if name != latest:
            told.append(f"recommend by it with --view {name!r}")
        yield LearntPart(
            part=f"view {name}",
            use=use,
            state="on" if name == latest else "off",
            trained_at=view.updated_at.isoformat(timespec="seconds"),
            items=sum(store.sizes(name).values()),
            generation=view.generation,
            fingerprint=_of_view(store, name),
            note="; ".join(told),
        )


def _of_view(store: ViewStore, name: str) -> str:
    """Sixteen hex digits that change with what a view has learnt; its members do not count."""
    query = select(views_table.c.learnt).where(views_table.c.name == name)
    with store.engine.connect() as connection:
        return blake2b(connection.scalar(query) or b"", digest_size=8).hexdigest()


def _part(workspace: Workspace, part: LearntPart) -> LearntPart:
    """The part with what was written down when it was learnt."""
    record = recall_training(workspace, part.part, part.fingerprint)
    if record is None:
        return part
    return replace(
        part,
        trained_at=record.trained_at,
        events=record.events,
        users=record.users,
        items=record.items or part.items,
        measured=record.measured,
    )


def _not_learnt(name: str, use: str, command: str) -> LearntPart:
    return LearntPart(part=name, use=use, state="not learnt", note=command)
