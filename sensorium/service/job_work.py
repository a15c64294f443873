"""What jobs do: the library's own functions, as the command line calls them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sensorium.albums import Albums, ClusterRequest
from sensorium.config import Config
from sensorium.intake import IndexRequest
from sensorium.library import Library
from sensorium.progress import TellingConsole
from sensorium.service.confinement import permits, roots_of
from sensorium.workspace import HeldError

WAIT_SECONDS = 1.0
"""Between two tries while another process writes."""

Tell = Callable[[float | None, str], None]


def do(
    workspace: Path, config: Config, kind: str, request: Mapping[str, Any], tell: Tell
) -> dict[str, Any]:
    """Do a job, as soon as nobody else writes.

    Args:
        workspace: folder of the library.
        config: the settings in force.
        kind: what to do.
        request: with what.
        tell: takes the share done, None where unknown, and what is being done.

    Returns:
        What came of it, as JSON.

    Raises:
        SensoriumError: it cannot be done.
    """
    console = TellingConsole(tell)
    while True:
        try:
            return WORK[kind](Library(workspace, config, create=True), request, console)
        except HeldError as error:
            tell(None, f"waiting: {error.sentence}")
            time.sleep(WAIT_SECONDS)


def _index(library: Library, asked: Mapping[str, Any], console: TellingConsole) -> dict[str, Any]:
    roots = roots_of(library.workspace, library.config.service.roots)
    request = IndexRequest(
        source=asked["source"],
        reembed=asked["reembed"],
        prune=asked["prune"],
        permits=permits(roots),
    )
    return asdict(library.index(request, console, quiet=False))


def _retry(library: Library, asked: Mapping[str, Any], console: TellingConsole) -> dict[str, Any]:
    return asdict(library.retry(asked["code"], console, quiet=False))


def _cluster(library: Library, asked: Mapping[str, Any], console: TellingConsole) -> dict[str, Any]:
    request = ClusterRequest(
        by=asked["by"],
        name=asked["name"],
        num_clusters=asked["k"],
        words=tuple(asked["words"]),
        where=asked["filter"],
        replace=asked["replace"],
    )
    albums = Albums(library)
    name, notes = albums.create(request, console, lambda stage, share: console.tell(share, stage))
    return {"view": name, "notes": list(notes)}


def _train(library: Library, asked: Mapping[str, Any], console: TellingConsole) -> dict[str, Any]:
    # What learns needs torch, which takes longer to load than many a job to run.
    from sensorium.fusion_training import FusionRequest, train_fusion
    from sensorium.interest_training import train_library_interests
    from sensorium.learning import LearningRequest
    from sensorium.ranker_training import train_library_ranker

    if asked["model"] == "fusion":
        request = FusionRequest(apply=True)
        return asdict(train_fusion(library, request, console, quiet=False))
    learn = train_library_ranker if asked["model"] == "ranker" else train_library_interests
    return asdict(learn(library, LearningRequest(), console, quiet=False))


WORK = {"index": _index, "retry": _retry, "cluster": _cluster, "train": _train}
"""What is done, by kind of job."""
