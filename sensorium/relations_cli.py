"""Commands about relations: ``sensorium relations import``, ``list``, ``complete``, ``forget``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from sensorium.options import (
    DEFAULT_WORKSPACE,
    OK,
    PARTIAL,
    ConfigOption,
    JsonOption,
    SetOption,
    WorkspaceOption,
    settings_of,
)

if TYPE_CHECKING:
    from sensorium.workspace import Workspace

stderr = Console(stderr=True)
stdout = Console()

relations_app = typer.Typer(
    help="Named relations between items, such as 'sequel of'.", no_args_is_help=True
)
RelationArgument = Annotated[str, typer.Argument(help="Name of the relation.")]


@relations_app.command("import")
def import_file(
    file: Annotated[str, typer.Argument(help="CSV, TSV, JSONL or parquet: head, relation, tail.")],
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    config: ConfigOption = None,
    settings: SetOption = [],
    as_json: JsonOption = False,
) -> None:
    """Import relations by item id; a bad row is left out, and importing again adds nothing.

    Examples: sensorium relations import sequels.csv · sensorium relations import graph.jsonl
    """
    from sensorium.display import print_json
    from sensorium.relations import import_relations
    from sensorium.relations_display import show_import

    outcome = import_relations(_workspace(workspace, config, settings), file)
    if as_json:
        print_json(stdout, asdict(outcome))
    else:
        show_import(outcome, stdout)
    raise typer.Exit(PARTIAL if outcome.rejected else OK)


@relations_app.command("list")
def list_relations(
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    config: ConfigOption = None,
    settings: SetOption = [],
    as_json: JsonOption = False,
) -> None:
    """Count the pairs of every relation."""
    from ingest.relations import Relations
    from sensorium.display import print_json
    from sensorium.relations_display import show_counts

    counts = Relations(_workspace(workspace, config, settings).engine).counts()
    if as_json:
        for name, pairs in counts.items():
            print_json(stdout, {"relation": name, "pairs": pairs})
    else:
        show_counts(counts, stdout)


@relations_app.command("complete")
def complete_relation(
    item: Annotated[str, typer.Argument(help="Id of the item.")],
    relation: RelationArgument,
    back: Annotated[
        bool, typer.Option("--back", help="Ask which items have this relation to the item.")
    ] = False,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="Most items.")] = 10,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    config: ConfigOption = None,
    settings: SetOption = [],
    as_json: JsonOption = False,
) -> None:
    """Say which items complete (item, relation, ?), those that are known first.

    Examples: sensorium relations complete alien-2 "sequel of" · … "same event as" -n 5
    """
    from retrieval.relation_graph import BACK
    from sensorium.display import print_json
    from sensorium.relations import complete
    from sensorium.relations_display import show_completions

    opened = _workspace(workspace, config, settings)
    found = complete(opened, item, BACK + relation if back else relation, limit)
    if as_json:
        for one in found:
            print_json(stdout, asdict(one))
    else:
        show_completions(found, stdout)


@relations_app.command("forget")
def forget_relation(
    relation: RelationArgument,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    config: ConfigOption = None,
    settings: SetOption = [],
    as_json: JsonOption = False,
) -> None:
    """Forget a relation and all its pairs; what was learnt of them stays until the next training.

    Example: sensorium relations forget "sequel of"
    """
    from ingest.relations import Relations
    from sensorium.display import counted, print_json

    pairs = Relations(_workspace(workspace, config, settings).engine).remove(relation)
    if as_json:
        print_json(stdout, {"relation": relation, "pairs": pairs})
    else:
        stdout.print(f"{counted(pairs, 'pair')} forgotten", highlight=False)


def _workspace(path: Path, file: Path | None, pairs: list[str]) -> Workspace:
    from sensorium import assemble
    from sensorium.config import load_config
    from sensorium.workspace import Workspace

    flags: dict[str, Any] = settings_of(pairs)
    config = load_config(file, flags).config
    digest = assemble.decode_options(config).digest
    return Workspace(path, digest, config.store.database_url)
