"""Where what a library learnt of its relations is kept: a model and a table.

Both are made together. The model completes a relation of one item; the table holds what completes
every item, and is all that a feed opens.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from retrieval.fitted import FittedError
from retrieval.relation_graph import BACK
from retrieval.source_relations import RelatedConfig, RelatedRow, RelatedSource, RelatedTable
from sensorium.ranker_store import keep

if TYPE_CHECKING:
    from ingest.relations import Relation
    from retrieval.relations import RelationModel
    from sensorium.workspace import Workspace

RELATIONS, RELATED = "relations", "related"
"""What a workspace calls the model and the table."""


def keep_relations(workspace: Workspace, model: RelationModel, table: RelatedTable) -> None:
    """Let these be the workspace's; each file appears whole or not at all."""
    keep(workspace, RELATIONS, model)
    keep(workspace, RELATED, table)


def open_model(workspace: Workspace) -> RelationModel:
    """Open what completes relations.

    Raises:
        RelationError: nothing has been learnt.
        FittedError: the file was damaged.
    """
    from retrieval.relations import RelationError, RelationModel

    path = workspace.learnt(RELATIONS, newest=True)
    if path is None:
        raise RelationError(
            "no relations have been learnt", "run sensorium train relations after an import"
        )
    return RelationModel.load(path)


def open_related(
    workspace: Workspace, config: RelatedConfig, number_of: Mapping[str, int]
) -> RelatedSource | None:
    """Open the source ``relations`` for a shelf.

    Args:
        workspace: the library's folder.
        config: what is brought.
        number_of: numbers of the shelf's items by id.

    Returns:
        The source; None where it is off, or where there is nothing to bring.
    """
    if config.use == "off":
        return None
    if config.use == "completed":
        path = workspace.learnt(RELATED, newest=True)
        if path is None:
            return None
        with suppress(FittedError):
            return RelatedSource(RelatedTable.load(path), config, number_of)
        return None
    from ingest.relations import Relations

    table = known_table(Relations(workspace.engine).every(), number_of)
    return RelatedSource(table, config, number_of) if len(table.related) else None


def known_table(relations: list[Relation], number_of: Mapping[str, int]) -> RelatedTable:
    """Make a table of what was imported alone, of relations between items of a shelf."""
    rows = list[RelatedRow]()
    for one in relations:
        head, tail = number_of.get(one.head), number_of.get(one.tail)
        if head is None or tail is None:
            continue
        for item, related, back in ((head, tail, ""), (tail, head, BACK)):
            name = back + one.relation
            row = RelatedRow(item=item, related=related, relation=name, weight=1.0, known=True)
            rows.append(row)
    return RelatedTable.of(sorted(number_of, key=number_of.__getitem__), rows)
