"""The command ``sensorium evaluate``: how well recommenders do on what people did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

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
    words_of,
)

if TYPE_CHECKING:
    from pathlib import Path

    from ingest.event_files import EventFile
    from ingest.event_log import EventLog
    from ingest.histories import Histories
    from ranking.sequences import Sequences
    from sensorium.config import Config
    from sensorium.evaluate import EvaluationReport, EvaluationRequest, Show

PROTOCOLS = ("leave-one-out", "time", "users")
MODELS = ("ranker", "interests", "long_short")

stderr = Console(stderr=True)
stdout = Console()


def evaluate(
    events: Annotated[
        str | None, typer.Option(help="File of events; the imported ones if not given.")
    ] = None,
    protocol: Annotated[
        str, typer.Option(help="What is asked for: leave-one-out, time or users.")
    ] = "leave-one-out",
    seed: Annotated[list[int], typer.Option(help="Decides what is drawn; may be repeated.")] = [0],
    with_seen: Annotated[
        bool, typer.Option("--with-seen", help="Recommend what a user has already, too.")
    ] = False,
    refit: Annotated[
        bool,
        typer.Option("--refit", help="Leave-one-out: learn from what validation asks for, too."),
    ] = False,
    target_time: Annotated[
        bool, typer.Option("--target-time", help="Tell the time of what is asked for.")
    ] = False,
    models: Annotated[
        str,
        typer.Option(help="Learnt models to set beside the baselines, such as ranker,interests."),
    ] = "",
    layout: Annotated[
        str, typer.Option("--format", help="Layout of the file; auto goes by its columns or lines.")
    ] = "auto",
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    config: ConfigOption = None,
    settings: SetOption = [],
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Measure the baselines that every recommender has to beat; all items are ranked.

    Models are learnt anew, within what each protocol lets them see, with the settings in force.

    Examples: sensorium evaluate --protocol time · sensorium evaluate --models ranker --seed 0
    --seed 1 · sensorium evaluate --events ratings.csv --json
    """
    _check(protocol, words_of(models))
    from sensorium.config import load_config
    from sensorium.evaluate import EvaluationRequest
    from sensorium.evaluate_display import show_evaluation
    from sensorium.progress import bar_progress

    loaded = load_config(config, settings_of(settings)).config
    request = EvaluationRequest(
        protocol=protocol,  # type: ignore[arg-type]
        seeds=tuple(dict.fromkeys(seed)),
        refit=refit,
        target_time=target_time,
        with_seen=with_seen,
    )
    with bar_progress(stderr, quiet or as_json) as show:
        source = _log(workspace, loaded) if events is None else _file(events, layout)
        report = _measured(source, request, words_of(models), (workspace, loaded), show)
    show_evaluation(report, stdout, as_json)


def _check(protocol: str, models: tuple[str, ...]) -> None:
    if protocol not in PROTOCOLS:
        raise UsageError(f"--protocol {protocol}: no such protocol", f"use {', '.join(PROTOCOLS)}")
    for name in models:
        if name not in MODELS:
            raise UsageError(f"--models {name}: no such model", f"use {', '.join(MODELS)}")


def _measured(
    source: EventFile | EventLog,
    request: EvaluationRequest,
    models: tuple[str, ...],
    place: tuple[Path, Config],
    show: Show,
) -> EvaluationReport:
    """Measure; content is looked for, and anything learnt, only where a model is asked for."""
    from sensorium.evaluate import evaluate_models

    config = place[1]
    if not models:
        return evaluate_models(_liked(source, config, show), request, show)
    from sensorium.evaluate_learnt import (
        Deeds,
        content_for,
        judging_vectors,
        learners,
        wants_deeds,
    )

    deeds = None
    if wants_deeds(models, config):
        done, histories = _done(source, config, show)
        deeds = Deeds(sequences=done, by_moment=request.protocol == "time")
    else:
        histories = _liked(source, config, show)
    content = content_for(*place, histories)
    learning = learners(models, config, content, deeds)
    return evaluate_models(histories, request, show, learning, judging_vectors(content))


def _log(path: Path, config: Config) -> EventLog:
    from sensorium import assemble
    from sensorium.workspace import Workspace

    digest = assemble.decode_options(config).digest
    return Workspace(path, digest, config.store.database_url, create=False).event_log


def _file(file: str, layout: str) -> EventFile:
    from ingest.event_files import EventFile

    return EventFile(file, layout)


def _liked(source: EventFile | EventLog, config: Config, show: Show) -> Histories:
    from ingest.event_files import EventFile
    from sensorium.evaluate import read_liked, read_logged

    if isinstance(source, EventFile):
        return read_liked(source, config.events, show)
    return read_logged(source, config.events, show)


def _done(source: EventFile | EventLog, config: Config, show: Show) -> tuple[Sequences, Histories]:
    """All that people did, and what they liked, with the same numbers of users and items."""
    from ranking.sequence_events import over
    from sensorium.evaluate import read_deeds

    deeds = read_deeds(source, config.events, show)
    histories = deeds.likings.compact()
    return over(deeds, histories.users, histories.item_ids), histories
