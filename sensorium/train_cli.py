"""Commands that learn: ``sensorium train``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from sensorium.options import (
    DEFAULT_WORKSPACE,
    ConfigOption,
    JsonOption,
    QuietOption,
    SetOption,
    UsageError,
    WorkspaceOption,
    settings_of,
)

if TYPE_CHECKING:
    from ranking.ranker_settings import RankerSettings
    from sensorium.library import Library

stderr = Console(stderr=True)
stdout = Console()

EventsOption = Annotated[
    str | None,
    typer.Option(help="File of events to learn from; the imported ones if not given."),
]
LayoutOption = Annotated[
    str, typer.Option("--format", help="Layout of the file; auto goes by its columns or lines.")
]
SeedOption = Annotated[int | None, typer.Option(help="Decides everything random.")]
DeviceOption = Annotated[str | None, typer.Option(help="auto, cpu or cuda.")]

train_app = typer.Typer(help="Learn from the library.", no_args_is_help=True)


@train_app.command("alignment")
def alignment(
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    config: ConfigOption = None,
    settings: SetOption = [],
    as_json: JsonOption = False,
) -> None:
    """Learn, from your own titled items, how words and media meet; index --reembed applies it."""
    from sensorium.display import show_training
    from sensorium.training import train_alignments

    library = _library(workspace, config, settings_of(settings))
    show_training(train_alignments(library, stderr), stdout, as_json)


@train_app.command("fusion")
def fusion(
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    config: ConfigOption = None,
    events: EventsOption = None,
    epochs: Annotated[int, typer.Option(min=1, help="Most rounds.")] = 20,
    seed: Annotated[int, typer.Option(help="Decides everything random.")] = 0,
    kind: Annotated[str | None, typer.Option(help="gated or attentive.")] = None,
    apply: Annotated[
        bool, typer.Option("--apply", help="Then fuse every item anew, from cached vectors.")
    ] = False,
    settings: SetOption = [],
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Learn how the views of an item become one vector; killed, the same command goes on.

    Examples: sensorium train fusion --apply · sensorium train fusion --events ratings.csv
    """
    from sensorium.display import show_fusion_training
    from sensorium.fusion_training import FusionRequest, train_fusion

    library = _library(workspace, config, settings_of(settings, fusion__kind=kind))
    request = FusionRequest(events=events or "", epochs=epochs, seed=seed, apply=apply)
    outcome = train_fusion(library, request, stderr, quiet or as_json)
    show_fusion_training(outcome, stdout, as_json)


@train_app.command("ranker")
def ranker(
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    config: ConfigOption = None,
    events: EventsOption = None,
    layout: LayoutOption = "auto",
    epochs: Annotated[int | None, typer.Option(min=1, help="Most rounds.")] = None,
    width: Annotated[int | None, typer.Option(min=1, help="Numbers per item and state.")] = None,
    blocks: Annotated[str | None, typer.Option(help="plain, gated or pointwise.")] = None,
    length: Annotated[
        int | None, typer.Option(min=1, help="Most events of a history looked at.")
    ] = None,
    seed: SeedOption = None,
    device: DeviceOption = None,
    sweep: Annotated[
        str,
        typer.Option(metavar="NAME=A,B ...", help="Settings to choose among on held-out events."),
    ] = "",
    ray: Annotated[
        str | None,
        typer.Option("--ray", metavar="ADDRESS", help="Run on Ray: an address, or 'here'."),
    ] = None,
    workers: Annotated[
        int, typer.Option(min=1, help="Processes on Ray that learn one ranker together.")
    ] = 1,
    settings: SetOption = [],
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Learn from events what people go on to; killed, the same command goes on.

    Examples: sensorium train ranker · sensorium train ranker --width 128 --set ranker.knows=ids
    sensorium train ranker --ray here --sweep "width=64,128 dropped_ratio=0.2,0.4"
    """
    if workers > 1 and not ray:
        raise UsageError(f"--workers {workers} learn on Ray", "add --ray here, or an address")
    from ray_jobs.stage import RunOptions
    from sensorium.learning import LearningRequest
    from sensorium.learning_display import show_learning
    from sensorium.ranker_training import Spread, train_library_ranker

    flags = settings_of(
        settings,
        ranker__epochs=epochs,
        ranker__width=width,
        ranker__block=blocks,
        ranker__length=length,
        ranker__seed=seed,
        ranker__device=device,
    )
    spread = Spread(
        candidates=_candidates(config, flags, sweep),
        options=RunOptions(ray_address=None if ray == "here" else ray) if ray else None,
        workers=workers,
    )
    library = _library(workspace, config, flags)
    request = LearningRequest(events=events or "", layout=layout)
    outcome = train_library_ranker(library, request, stderr, quiet or as_json, spread)
    show_learning(outcome, stdout, as_json)


@train_app.command("interests")
def interests(
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    config: ConfigOption = None,
    events: EventsOption = None,
    layout: LayoutOption = "auto",
    kind: Annotated[str | None, typer.Option(help="one, attention or interests.")] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Most rounds.")] = None,
    width: Annotated[int | None, typer.Option(min=1, help="Numbers per item and vector.")] = None,
    seed: SeedOption = None,
    device: DeviceOption = None,
    settings: SetOption = [],
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Learn from events vectors that find what people go on to, one for each likely interest.

    Examples: sensorium train interests · sensorium train interests --kind attention
    """
    from sensorium.interest_training import train_library_interests
    from sensorium.learning import LearningRequest
    from sensorium.learning_display import show_learning

    flags = settings_of(
        settings,
        interests__kind=kind,
        interests__epochs=epochs,
        interests__width=width,
        interests__seed=seed,
        interests__device=device,
    )
    library = _library(workspace, config, flags)
    request = LearningRequest(events=events or "", layout=layout)
    outcome = train_library_interests(library, request, stderr, quiet or as_json)
    show_learning(outcome, stdout, as_json)


@train_app.command("intent")
def intent(
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    config: ConfigOption = None,
    events: EventsOption = None,
    layout: LayoutOption = "auto",
    by: Annotated[str | None, typer.Option(help="view or tags.")] = None,
    view: Annotated[str | None, typer.Option(help="View whose clusters are categories.")] = None,
    seed: SeedOption = None,
    settings: SetOption = [],
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Learn from events which categories of items people are about to want.

    Examples: sensorium train intent · sensorium train intent --by tags --set intent.bin_days=1
    """
    from sensorium.intent_training import show_intent, train_library_intent
    from sensorium.learning import LearningRequest

    flags = settings_of(settings, intent__by=by, intent__view=view, intent__seed=seed)
    library = _library(workspace, config, flags)
    request = LearningRequest(events=events or "", layout=layout)
    show_intent(train_library_intent(library, request, stderr, quiet or as_json), stdout, as_json)


@train_app.command("profiles")
def profiles(
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    config: ConfigOption = None,
    events: EventsOption = None,
    layout: LayoutOption = "auto",
    epochs: Annotated[int | None, typer.Option(min=1, help="Most rounds.")] = None,
    seed: SeedOption = None,
    settings: SetOption = [],
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Learn from events which items suit what is written of a person; see sensorium profiles.

    Example: sensorium train profiles --set profiles.writer=template
    """
    from sensorium.learning import LearningRequest
    from sensorium.learning_display import show_learning
    from sensorium.profile_training import train_library_profiles

    flags = settings_of(settings, profiles__epochs=epochs, profiles__seed=seed)
    library = _library(workspace, config, flags)
    request = LearningRequest(events=events or "", layout=layout)
    outcome = train_library_profiles(library, request, stderr, quiet or as_json)
    show_learning(outcome, stdout, as_json)


@train_app.command("lifecycle")
def lifecycle(
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    config: ConfigOption = None,
    events: EventsOption = None,
    layout: LayoutOption = "auto",
    epochs: Annotated[int | None, typer.Option(min=1, help="Most rounds.")] = None,
    seed: SeedOption = None,
    device: DeviceOption = None,
    settings: SetOption = [],
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Learn from people's whole records which topics of the latest view they take up next.

    Examples: sensorium train lifecycle · sensorium train lifecycle --set lifecycle.masking=even
    """
    from sensorium.learning import LearningRequest
    from sensorium.lifecycle_training import show_lifecycles, train_lifecycles

    flags = settings_of(
        settings, lifecycle__epochs=epochs, lifecycle__seed=seed, lifecycle__device=device
    )
    library = _library(workspace, config, flags)
    request = LearningRequest(events=events or "", layout=layout)
    outcome = train_lifecycles(library, request, stderr, quiet or as_json)
    show_lifecycles(outcome, stdout, as_json)


@train_app.command("long_short")
def long_short(
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    config: ConfigOption = None,
    events: EventsOption = None,
    layout: LayoutOption = "auto",
    epochs: Annotated[int | None, typer.Option(min=1, help="Most rounds.")] = None,
    width: Annotated[int | None, typer.Option(min=1, help="Numbers per item and person.")] = None,
    reader: Annotated[str | None, typer.Option(help="gru, lstm or attention.")] = None,
    seed: SeedOption = None,
    settings: SetOption = [],
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Learn from events who people are and what they go on to; --set feed.ranked_by=long_short.

    Examples: sensorium train long_short · sensorium train long_short --reader attention
    """
    from sensorium.learning import LearningRequest
    from sensorium.learning_display import show_learning
    from sensorium.long_short_training import train_library_long_short

    flags = settings_of(
        settings,
        long_short__epochs=epochs,
        long_short__width=width,
        long_short__reader=reader,
        long_short__seed=seed,
    )
    library = _library(workspace, config, flags)
    request = LearningRequest(events=events or "", layout=layout)
    outcome = train_library_long_short(library, request, stderr, quiet or as_json)
    show_learning(outcome, stdout, as_json)


@train_app.command("relations")
def relations(
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    config: ConfigOption = None,
    vectors: Annotated[str | None, typer.Option(help="items or graph.")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Tasks to learn from.")] = None,
    seed: SeedOption = None,
    settings: SetOption = [],
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Learn to complete the named relations that were imported, from a few pairs of each.

    Examples: sensorium train relations · sensorium train relations --vectors graph
    """
    from sensorium.relations import train_library_relations
    from sensorium.relations_display import show_relations_learnt

    flags = settings_of(
        settings, relations__vectors=vectors, relations__steps=steps, relations__seed=seed
    )
    library = _library(workspace, config, flags)
    outcome = train_library_relations(library, stderr, quiet or as_json)
    show_relations_learnt(outcome, stdout, as_json)


@train_app.command("signals")
def signals(
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    config: ConfigOption = None,
    settings: SetOption = [],
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Learn what each signal of feed.signals counts beside the ranker.

    Example: sensorium train signals --set feed.signals=intent,profiles
    """
    from sensorium.signals import weigh_signals
    from sensorium.signals_display import show_weighing

    library = _library(workspace, config, settings_of(settings))
    show_weighing(weigh_signals(library, stderr, quiet or as_json), stdout, as_json)


@train_app.command("strengths")
def strengths(
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    config: ConfigOption = None,
    settings: SetOption = [],
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Learn what ranker, interests and each source count on a page, from what people chose.

    Example: sensorium train ranker && sensorium train strengths
    """
    from sensorium.strengths import learn_strengths
    from sensorium.strengths_display import show_strengths

    library = _library(workspace, config, settings_of(settings))
    show_strengths(learn_strengths(library, stderr, quiet or as_json), stdout, as_json)


def _candidates(file: Path | None, flags: dict[str, Any], sweep: str) -> list[RankerSettings]:
    """Settings of every combination that a sweep names; none without one."""
    if not sweep:
        return []
    from sensorium.config import load_config
    from sensorium.ranker_sweep import grid_of

    return [
        load_config(file, flags | {f"ranker.{n}": v for n, v in one.items()}).config.ranker
        for one in grid_of(sweep)
    ]


def _library(workspace: Path, file: Path | None, flags: dict[str, Any]) -> Library:
    from sensorium.config import load_config
    from sensorium.library import open_library

    return open_library(workspace, load_config(file, flags).config, create=False)
