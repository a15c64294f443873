"""The command ``sensorium serve``: the library over HTTP."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from sensorium.options import (
    DEFAULT_WORKSPACE,
    ConfigOption,
    MilvusOption,
    SetOption,
    WorkspaceOption,
    settings_of,
)

stderr = Console(stderr=True)


def serve(
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    config: ConfigOption = None,
    host: Annotated[str | None, typer.Option(help="Address to listen at.")] = None,
    port: Annotated[
        int | None, typer.Option("--port", "-p", help="Port; 0 for a free one.")
    ] = None,
    milvus: MilvusOption = None,
    settings: SetOption = [],
) -> None:
    """Serve a library over HTTP until Ctrl-C.

    Examples: sensorium serve -w demo/workspace · sensorium serve --port 9000
    """
    from sensorium.config import load_config
    from sensorium.models import ensure_models
    from sensorium.service.run import run
    from sensorium.service.serving import Host

    flags = settings_of(settings, service__host=host, service__port=port, store__milvus_uri=milvus)
    loaded = load_config(config, flags).config
    held = Host(workspace, loaded)
    ensure_models(held.library.config, stderr)
    run(held, lambda where: stderr.print(f"{where} (Ctrl-C ends it)", highlight=False))
