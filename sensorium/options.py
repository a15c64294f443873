"""Command-line options that several commands share, each with its environment variable."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ingest.errors import SensoriumError

WorkspaceOption = Annotated[
    Path,
    typer.Option(
        "--workspace", "-w", envvar="SENSORIUM_WORKSPACE", help="Folder of the library's index."
    ),
]
ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", envvar="SENSORIUM_CONFIG", help="TOML file of settings."),
]
SetOption = Annotated[
    list[str],
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Any setting, such as decode.max_pixels=50000000; see 'sensorium config show'.",
    ),
]
MilvusOption = Annotated[
    str | None,
    typer.Option("--milvus", metavar="URI", help="A Milvus server instead of the workspace's own."),
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="One JSON object a line on stdout; logs stay on stderr.")
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")]

DEFAULT_WORKSPACE = Path("sensorium-data")
OK, ERROR, USAGE, PARTIAL, INTERRUPTED = 0, 1, 2, 3, 130
"""Exit codes: done, error, wrong usage, done with some set aside, stopped by Ctrl-C."""


class UsageError(SensoriumError):
    """The words of a command do not fit together."""

    code = "usage"


def settings_of(pairs: list[str], **flags: Any) -> dict[str, Any]:
    """Join ``--set`` pairs and a command's own flags by dotted key; flags win, None is not given.

    Args:
        pairs: ``KEY=VALUE`` texts.
        flags: values by key, with ``__`` for the dot.

    Raises:
        UsageError: a pair has no equals sign.
    """
    values: dict[str, Any] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise UsageError(f"--set {pair} has no value", "write --set KEY=VALUE")
        values[key.strip()] = value.strip()
    given = {key.replace("__", "."): value for key, value in flags.items() if value is not None}
    return values | given


def weights_of(text: str) -> dict[str, float]:
    """Read ``text=1,image=0.5`` as weights by kind of query part.

    Raises:
        UsageError: an unknown kind, or a weight that is not a positive number.
    """
    weights: dict[str, float] = {}
    for pair in filter(None, (part.strip() for part in text.split(","))):
        name, _, value = pair.partition("=")
        if name not in PART_KINDS:
            raise UsageError(f"--weights {pair}: no such part", f"use {', '.join(PART_KINDS)}")
        try:
            weights[name] = float(value)
        except ValueError:
            raise UsageError(f"--weights {pair}: not a number", "write text=1,image=0.5") from None
        if weights[name] <= 0:
            raise UsageError(f"--weights {pair}: must be above 0", "use --not to subtract")
    return weights


def words_of(text: str) -> tuple[str, ...]:
    """Read ``video, image`` as its words."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


PART_KINDS = ("text", "image", "audio", "video", "like", "not")
