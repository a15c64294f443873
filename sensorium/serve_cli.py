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
    ray: Annotated[
        bool,
        typer.Option(
            "--ray",
            help="Run replicas on Ray: that of run.ray_address, or one started here.",
        ),
    ] = False,
    replicas: Annotated[int, typer.Option(help="With --ray: processes that answer.", min=1)] = 2,
    settings: SetOption = [],
) -> None:
    """Serve a library over HTTP until Ctrl-C.

    Replicas share the workspace folder, so on several machines it lies on a shared file system, and
    store.database_url and store.milvus_uri name servers. On one machine SQLite and Milvus Lite
    do: replicas answer from snapshots of the index, and one process writes at a time.

    Examples: sensorium serve -w demo/workspace · sensorium serve --port 9000 ·
    sensorium serve --ray --replicas 4
    """
    from sensorium.config import load_config
    from sensorium.models import ensure_models
    from sensorium.service.run import run
    from sensorium.service.serving import Host

    flags = settings_of(settings, service__host=host, service__port=port, store__milvus_uri=milvus)
    loaded = load_config(config, flags).config
    if ray:
        from sensorium.service.replicas import run_replicas

        run_replicas(workspace, loaded, replicas, stderr)
        return
    held = Host(workspace, loaded)
    ensure_models(held.library.config, stderr)
    run(held, lambda where: stderr.print(f"{where} (Ctrl-C ends it)", highlight=False))
