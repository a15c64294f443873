"""Which files a client may make this service read: those below the folders that were named for it.

Whoever starts a command on this machine may index what they can read. A client is somebody else, so
every path that comes from one is checked here, and so is every path that stands in a file the
client chose: rows of a manifest, and links in a folder (``Scan`` asks ``permits`` before it looks
at anything). Links are resolved first, and what is checked is where they lead. A path outside and
one that is not there get the same answer, so nobody learns what else is on the disk.

What is not defended: whoever may write below a root may exchange a file for a link between the
check and the reading.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path, PurePosixPath

from ingest.files import absolute, is_local
from sensorium.service.problems import ServiceError


class ConfinementError(ServiceError):
    """A path leads out of the folders that clients may have read.

    Args:
        path: as it was given.
        sentence: why it is refused.
    """

    def __init__(self, path: str, sentence: str = "is not in a folder that may be read") -> None:
        super().__init__(
            403,
            "outside",
            f"{path[:200]!r} {sentence}",
            "name a path below one of the folders that the service was given",
        )


def confined(path: str, roots: Sequence[Path]) -> Path:
    """Give the real path of a file or folder that a client named.

    Args:
        path: absolute, or relative to one of the roots; the first root that has it is taken.
        roots: folders that may be read, with all that is below them.

    Returns:
        An absolute path without links, which is a root or below one; it need not be there.

    Raises:
        ConfinementError: it is a URI, has ``..`` in it, or leads out of the roots.
    """
    if not path or "://" in path or "\0" in path:
        raise ConfinementError(path, "is not a path")
    if ".." in PurePosixPath(path).parts:
        raise ConfinementError(path, "has .. in it")
    try:
        real = [Path(os.path.realpath(root)) for root in roots]
        places = [Path(os.path.realpath(root / path)) for root in real]
        allowed = [p for p in places if any(p.is_relative_to(root) for root in real)]
        return next((p for p in allowed if p.exists()), allowed[0])
    except (IndexError, OSError, ValueError):
        raise ConfinementError(path) from None


def permits(roots: Iterable[str | Path]) -> Callable[[str], bool]:
    """Give what says of an absolute path or URI whether it lies below one of some roots.

    Args:
        roots: folders, and URIs that an operator named: what lies below these is permitted, too.

    Returns:
        A function that pickles, for ``Scan`` and ``IndexRequest``.
    """
    given = [str(root) for root in roots]
    uris = tuple(root.rstrip("/") for root in given if not is_local(root))
    return partial(_is_inside, tuple(Path(absolute(r)) for r in given if is_local(r)), uris)


def _is_inside(folders: Sequence[Path], uris: Sequence[str], path: str) -> bool:
    if not is_local(path):
        plain = not any(part in path for part in ("/..", "::", "?", "#", "%", "\\", "@"))
        return plain and any(path == uri or path.startswith(f"{uri}/") for uri in uris)
    try:
        confined(path, folders)
    except ConfinementError:
        return False
    return True
