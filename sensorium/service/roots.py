"""Which folders a caller may have indexed: those of the settings, and those that were before."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from ingest.files import absolute, is_local, look_up
from sensorium.service.problems import ServiceError


def confined(source: str, roots: Iterable[str]) -> str:
    """Give a source its stable name, if it lies below one of the roots; links are resolved.

    Args:
        source: folder, manifest, file or URI, as a caller named it.
        roots: folders and URIs.

    Raises:
        ServiceError: it lies elsewhere.
        DecodeError: ``missing``, where it is a path that is not there.
    """
    name = absolute(source)
    if not any(_is_below(name, absolute(root)) for root in roots):
        raise ServiceError(
            403,
            "outside_roots",
            f"{source} does not lie below a folder that may be indexed over HTTP",
            "name its folder in the setting service.roots, or index it with sensorium index",
        )
    if is_local(name):
        look_up(name)
    return name


def _is_below(name: str, root: str) -> bool:
    if not is_local(name):
        apart = ".." in name.split("/") or "::" in name
        return name == root or (not apart and name.startswith(f"{root}/"))
    return is_local(root) and _resolved(name).is_relative_to(_resolved(root))


def _resolved(name: str) -> Path:
    return Path(os.path.realpath(name))
