"""Folders that are made once for all processes of a test run."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """Make a folder, or take the one that another process of this run has made.

    Nobody writes it: a test that would takes a copy. To open a workspace is to write it.

    Args:
        factory: of the test session.
        name: of the folder; one name is made in one way.
        make: fills the folder that it is given.
    """
    place = factory.getbasetemp()
    root = place.parent if "PYTEST_XDIST_WORKER" in os.environ else place
    folder = root / name
    with (root / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (root / f"{name}.whole").exists():
            # The maker may hold on to what it made: its database is tidied up when it closes.
            make(root / f"{name}.made")
            shutil.copytree(root / f"{name}.made", folder)
            (root / f"{name}.whole").touch()
    return folder
