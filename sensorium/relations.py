"""Relations of a library: taken in from files, counted, completed and learnt."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ingest.relations import Relation, RelationRow, Relations, read_relations
from retrieval.fitted import head_of
from sensorium.progress import bar_progress
from sensorium.relation_store import RELATIONS, keep_relations, open_model
from sensorium.training_records import Measured, TrainingRecord, remember_training

if TYPE_CHECKING:
    from rich.console import Console

    from retrieval.relation_fit import KnownItems, LearntRelations
    from retrieval.relation_training import FewShotProgress
    from retrieval.relations import Completion
    from retrieval.source_relations import RelatedTable
    from sensorium.library import Library
    from sensorium.workspace import Workspace

AT_ONCE = 10_000
"""Relations of one transaction."""
EXAMPLES = 3
"""Bad rows that are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RelationImport:
    """What an import did."""

    rows: int
    """Rows of the file."""
    new: int
    """Relations that were not known."""
    known_before: int
    """Relations that were, or that stand in the file twice."""
    rejected: int
    """Rows that say nothing."""
    examples: tuple[RelationRow, ...]
    """The first of those."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RelationsLearnt:
    """What learning gave."""

    entities: int
    """Items, and whatever else the relations speak of, that are known by a vector."""
    background: tuple[str, ...]
    """Relations that describe them."""
    learnt: tuple[str, ...]
    """Relations that were learnt from."""
    held: tuple[str, ...]
    """Relations that decided which state was kept."""
    mrr: float | None
    """Mean reciprocal rank on those, from three pairs; None where there are none."""
    known: int
    """Entries of the table that were imported, from either end."""
    completed: int
    """Entries that were found."""
    seconds: float
    """Wall time."""
    next_step: str
    """What to do."""


def import_relations(
    workspace: Workspace, file: str, show: Callable[[int], None] = lambda _rows: None
) -> RelationImport:
    """Take in a file of relations; taking it in again adds nothing.

    Args:
        workspace: where to.
        file: path or URI of a CSV, TSV, JSONL or parquet file.
        show: told how many rows have been read.

    Raises:
        RelationFileError: the extension is not known.
        DecodeError: the file cannot be read.
        WorkspaceError: the database cannot be written.
    """
    store, waiting = Relations(workspace.engine), dict[Relation, None]()
    rows, new, good, bad = 0, 0, 0, list[RelationRow]()
    for row in read_relations(file):
        rows += 1
        if row.relation is None:
            bad.append(row)
            continue
        good += 1
        waiting[row.relation] = None
        if len(waiting) >= AT_ONCE:
            new += store.add(list(waiting))
            waiting.clear()
            show(rows)
    new += store.add(list(waiting))
    return RelationImport(
        rows=rows,
        new=new,
        known_before=good - new,
        rejected=len(bad),
        examples=tuple(bad[:EXAMPLES]),
    )


def complete(workspace: Workspace, item_id: str, relation: str, limit: int) -> list[Completion]:
    """Complete ``(item, relation, ?)``; known ends come first.

    Raises:
        RelationError: nothing has been learnt, or the item or the relation is not known.
        FittedError: what was learnt was damaged.
    """
    return open_model(workspace).complete(item_id, relation, limit)


def train_library_relations(library: Library, console: Console, quiet: bool) -> RelationsLearnt:
    """Learn to complete the relations that were imported, and complete them for every item.

    Args:
        library: it must have been indexed.
        console: writes to stderr.
        quiet: show no progress.

    Raises:
        RelationError: there is nothing to learn from.
        EmptyLibraryError: there are no items.
    """
    from retrieval.relation_fit import learn_relations
    from retrieval.relation_table import related_table

    settings, workspace = library.config.relations, library.workspace
    started = time.monotonic()
    triples = [(one.head, one.relation, one.tail) for one in Relations(workspace.engine).every()]
    with bar_progress(console, quiet) as show:

        def told(progress: FewShotProgress) -> None:
            words = f"task {progress.step}, mrr {progress.last:.3f}, best {progress.best:.3f}"
            show(0.7 * progress.step / settings.steps, words)

        show(0.0, "learning relations")
        learnt = learn_relations(triples, _known_items(library), settings, told)
        table = related_table(
            learnt.model, settings.most, lambda share: show(0.7 + 0.3 * share, "completing")
        )
    with workspace.exclusive():
        keep_relations(workspace, learnt.model, table)
        remember_training(workspace, RELATIONS, _record(workspace, learnt))
    return _outcome(learnt, table, time.monotonic() - started)


def _known_items(library: Library) -> KnownItems:
    from retrieval.relation_fit import KnownItems
    from sensorium.ranker_store import content_of

    generation, mirror, _ = library.serving()
    content = content_of(generation, mirror)
    return KnownItems(item_ids=content.item_ids, vectors=content.vectors, space=content.space)


def _record(workspace: Workspace, learnt: LearntRelations) -> TrainingRecord:
    path = workspace.learnt(RELATIONS, newest=True)
    assert path is not None
    reached = Measured(figure="mrr of held-out relations", value=learnt.progress.best)
    return TrainingRecord(
        fingerprint=head_of(path)["fingerprint"],
        items=len(learnt.model.entities),
        measured=(reached,) if learnt.held else (),
    )


def _outcome(learnt: LearntRelations, table: RelatedTable, seconds: float) -> RelationsLearnt:
    return RelationsLearnt(
        entities=len(learnt.model.entities),
        background=learnt.background,
        learnt=learnt.learnt,
        held=learnt.held,
        mrr=learnt.progress.best if learnt.held else None,
        known=int(table.known.sum()),
        completed=int((~table.known).sum()),
        seconds=seconds,
        next_step="let feeds bring related items: set sources.relations.use=completed",
    )
