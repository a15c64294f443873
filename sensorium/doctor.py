"""Look at this machine and this workspace, and say what is missing and what to do about it."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ingest.errors import SensoriumError
from sensorium.config import Config

TORCH_FAMILY = {"torch": "2.11.", "torchaudio": "2.11.", "torchvision": "0.26."}
"""Versions that load together; another mix fails at import."""
LITE_ITEMS = 200_000
"""Items from which a Milvus server pays: Milvus Lite reads every key to rebuild the mirror."""
PROBE_BYTES = 32 * 1024**2


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing looked at."""

    name: str
    """What was looked at."""
    state: Literal["ok", "note", "fail"]
    """ok; note for something optional or slow; fail for something that stops work."""
    finding: str
    """What was found, with figures."""
    advice: str = ""
    """The next step; empty where none is needed."""


def run_checks(workspace: Path, config: Config) -> list[Check]:
    """Look at everything; a check that breaks becomes a finding."""
    checks: list[tuple[str, Callable[[], Check]]] = [
        ("python", _python),
        ("torch family", _torch_family),
        ("device", _device),
        ("video", _video),
        ("AVIF", _avif),
        ("HEIC", lambda: _extra("HEIC", "pi_heif", "heic", "iPhone photographs")),
        ("PyAV", lambda: _extra("PyAV", "av", "pyav", "videos that decord cannot open")),
        ("OCR", lambda: _extra("OCR", "rapidocr", "ocr", "words on screen")),
        ("weights", lambda: _weights(config)),
        ("Ray", _ray),
        ("disk", lambda: _disk(workspace)),
        ("workspace", lambda: _workspace(workspace, config)),
    ]
    return [_guarded(name, check) for name, check in checks]


def _guarded(name: str, check: Callable[[], Check]) -> Check:
    try:
        return check()
    except SensoriumError as error:
        return Check(name=name, state="fail", finding=error.sentence, advice=error.hint)
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        return Check(name=name, state="fail", finding=f"{type(error).__name__}: {error}")


def _python() -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    cores = len(os.sched_getaffinity(0))
    return Check(name="python", state="ok", finding=f"{version}, {cores} cores")


def _torch_family() -> Check:
    found = {name: importlib.metadata.version(name) for name in TORCH_FAMILY}
    words = ", ".join(f"{name} {version}" for name, version in found.items())
    if all(found[name].startswith(wanted) for name, wanted in TORCH_FAMILY.items()):
        return Check(name="torch family", state="ok", finding=words)
    wanted = ", ".join(f"{name} {version}x" for name, version in TORCH_FAMILY.items())
    return Check(
        name="torch family",
        state="fail",
        finding=f"{words} may not load together",
        advice=f"install {wanted}",
    )


def _device() -> Check:
    import torch

    if not torch.cuda.is_available():
        return Check(name="device", state="ok", finding="no GPU; encoders run on the CPU")
    properties = torch.cuda.get_device_properties(0)
    memory = properties.total_memory / 2**30
    return Check(
        name="device",
        state="ok",
        finding=f"{torch.cuda.device_count()} x {properties.name}, {memory:.0f} GiB",
    )


def _video() -> Check:
    version = importlib.metadata.version("decord")
    importlib.import_module("decord")
    return Check(name="video", state="ok", finding=f"decord {version}")


def _avif() -> Check:
    from PIL import features

    if features.check("avif"):
        return Check(name="AVIF", state="ok", finding="read by Pillow")
    return Check(
        name="AVIF",
        state="note",
        finding="not in this Pillow",
        advice="install Pillow 11.3 or newer",
    )


def _extra(name: str, module: str, extra: str, use: str) -> Check:
    if importlib.util.find_spec(module) is not None:
        return Check(name=name, state="ok", finding=f"{module} is installed")
    return Check(
        name=name,
        state="note",
        finding=f"{module} is not installed: no {use}",
        advice=f"pip install 'sensorium[{extra}]'",
    )


def _weights(config: Config) -> Check:
    from encoders.weights import damaged, status
    from sensorium.models import needed_models

    needed = needed_models(config)
    known = {model.name: model for model in status()}
    absent = [name for name in needed if not known[name].present]
    if absent:
        return Check(
            name="weights",
            state="note",
            finding=f"not here yet: {', '.join(absent)}",
            advice="sensorium models pull",
        )
    broken = [name for name in needed if damaged(name)]
    if broken:
        return Check(
            name="weights",
            state="fail",
            finding=f"bytes differ from the pinned sha256: {', '.join(broken)}",
            advice=f"sensorium models pull {' '.join(broken)}",
        )
    return Check(name="weights", state="ok", finding=f"{', '.join(needed)}: sha256 as pinned")


def _ray() -> Check:
    version = importlib.metadata.version("ray")
    return Check(name="Ray", state="ok", finding=f"ray {version}")


def _disk(workspace: Path) -> Check:
    place = workspace if workspace.is_dir() else Path()
    free = shutil.disk_usage(place).free / 2**30
    started = time.perf_counter()
    with tempfile.NamedTemporaryFile(dir=place) as file:
        file.write(os.urandom(PROBE_BYTES))
        file.flush()
        os.fsync(file.fileno())
    speed = PROBE_BYTES / 1e6 / (time.perf_counter() - started)
    finding = f"{free:.1f} GiB free, writes {speed:.0f} MB/s"
    if free < 2:
        return Check(name="disk", state="note", finding=finding, advice="free some space")
    return Check(name="disk", state="ok", finding=finding)


def _workspace(workspace: Path, config: Config) -> Check:
    from sensorium.library import open_library

    if not (workspace / "catalogue.db").exists() and config.store.database_url is None:
        return Check(
            name="workspace",
            state="note",
            finding=f"none at {workspace}",
            advice="sensorium index PATH",
        )
    library = open_library(workspace, config, create=False)
    count, milliseconds = library.time_search()
    finding = f"{count} items; one search takes {milliseconds:.1f} ms"
    if count > LITE_ITEMS and config.store.milvus_uri is None:
        return Check(
            name="workspace",
            state="note",
            finding=finding,
            advice="at this size a Milvus server pays: set store.milvus_uri",
        )
    return Check(name="workspace", state="ok", finding=finding)
