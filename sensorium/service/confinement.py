"""Which files a client may make this service read: those below roots that an operator named.

Whoever starts a command on this machine may index what they can read. A client is somebody else, so
every source that comes from one is checked here, and so is every path that stands in a file the
client chose: rows of a manifest, and links in a folder (``Scan`` asks ``permits`` before it looks
at anything). Links are resolved, and what is checked is where they lead. What lies outside is told
like what is not there, so nobody learns what else is on the disk.

Roots are the folders of ``service.roots``, the uploads, and what was indexed before. A manifest
that was indexed on the command line may name files anywhere; over HTTP its rows are held to the
roots as well.

What is not defended: whoever may write below a root may exchange a file for a link between the
check and the reading.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path, PurePosixPath

from ingest.files import absolute, is_local, look_up
from sensorium.service.problems import ServiceError
from sensorium.workspace import Workspace

LEADING_AWAY = ("::", "?", "#", "%", "\\", "@")
"""What stands in URIs that may lead elsewhere than their beginning says."""


class ConfinementError(ServiceError):
    """A source leads out of the roots.

    Args:
        source: as it was given.
    """

    def __init__(self, source: str) -> None:
        super().__init__(
            403,
            "outside_roots",
            f"{source[:200]} does not lie below a folder that may be indexed over HTTP",
            "name its folder in the setting service.roots, or index it with sensorium index",
        )


def roots_of(workspace: Workspace, named: Iterable[str]) -> list[str]:
    """Give what clients may have indexed.

    Args:
        workspace: the library's folder.
        named: the setting ``service.roots``.
    """
    return [*named, str(workspace.uploads), *workspace.catalogue.sources()]


def confined(source: str, roots: Iterable[str | Path]) -> str:
    """Give a source its stable name, if it lies below one of the roots.

    Args:
        source: folder, manifest, file or URI, as a client named it.
        roots: folders and URIs.

    Raises:
        ConfinementError: it lies elsewhere, or has ``..`` in it.
        DecodeError: ``missing``, where it is a path below a root that is not there.
    """
    if not source or "\0" in source or ".." in PurePosixPath(source).parts:
        raise ConfinementError(source)
    name = absolute(source)
    if not permits(roots)(name):
        raise ConfinementError(source)
    if is_local(name):
        look_up(name)
    return name


def permits(roots: Iterable[str | Path]) -> Callable[[str], bool]:
    """Give what says of an absolute path or URI whether it lies below one of some roots.

    Args:
        roots: folders, and URIs.

    Returns:
        A function that pickles, for ``Scan`` and ``IndexRequest``.
    """
    names = [absolute(str(root)) for root in roots]
    return partial(_is_inside, tuple(filter(is_local, names)), tuple(names))


def _is_inside(folders: Sequence[str], names: Sequence[str], path: str) -> bool:
    if not is_local(path):
        leads_away = ".." in path.split("/") or any(part in path for part in LEADING_AWAY)
        is_below = any(not is_local(n) and path.startswith(f"{n}/") for n in names)
        return path in names or (is_below and not leads_away)
    try:
        place = Path(os.path.realpath(path))
        return any(place.is_relative_to(os.path.realpath(folder)) for folder in folders)
    except (OSError, ValueError):
        return False
