"""A PostgreSQL server of its own for a test, where the programs are installed."""

from __future__ import annotations

import atexit
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest


class Server(str):
    """URL of the database of a server that can be stopped and started."""

    __slots__ = ("start", "stop")
    start: Callable[[], None]
    stop: Callable[[], None]


@contextmanager
def postgres_server() -> Iterator[Server]:
    """Start a server on a socket in a new folder; give the URL of its database.

    Skips the test where PostgreSQL or its driver is not installed.
    """
    if importlib.util.find_spec("psycopg") is None:
        pytest.skip("psycopg is not installed")
    programs = _programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed: no initdb and pg_ctl")
    folder, account = _own_folder(), _account()

    def run(program: str, *words: str | Path) -> None:
        subprocess.run(
            [programs / program, "-D", folder / "data", *words],
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            **_as_user(account),
        )

    try:
        shutil.copytree(_initialised(programs), folder / "data")
        _give(folder / "data", account)
        options = f"-k {folder} -c listen_addresses= -c fsync=off"
        server = Server(f"postgresql+psycopg://sensorium@/postgres?host={folder}")
        server.start = partial(run, "pg_ctl", "-w", "-l", folder / "log", "-o", options, "start")
        server.stop = partial(run, "pg_ctl", "-m", "immediate", "stop")
        server.start()
        try:
            yield server
        finally:
            if (folder / "data" / "postmaster.pid").exists():
                server.stop()
    finally:
        shutil.rmtree(folder)


@cache
def _initialised(programs: Path) -> Path:
    """The data of a server that was never started: made once, for servers to start from a copy."""
    folder = _own_folder()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    words = ("--no-sync", "-U", "sensorium", "-A", "trust", "-E", "UTF8")
    subprocess.run(
        [programs / "initdb", "-D", folder / "data", *words],
        check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        cwd=folder, **_as_user(_account()),
    )  # fmt: skip
    return folder / "data"


def _own_folder() -> Path:
    """A new folder of the account that runs servers."""
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    _give(folder, _account())
    return folder


def _give(folder: Path, account: pwd.struct_passwd) -> None:
    """Make somebody the owner of a folder and all in it."""
    for path in (folder, *folder.rglob("*")):
        os.chown(path, account.pw_uid, account.pw_gid)


def _programs() -> Path | None:
    """The folder of initdb and pg_ctl; Debian keeps it off the path."""
    on_path = shutil.which("initdb")
    found = [Path(on_path).resolve().parent] if on_path else []
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((f for f in found if (f / "initdb").exists() and (f / "pg_ctl").exists()), None)


def _account() -> pwd.struct_passwd:
    """Who runs the server: it refuses to run as root."""
    return pwd.getpwnam("nobody") if os.getuid() == 0 else pwd.getpwuid(os.getuid())


def _as_user(account: pwd.struct_passwd) -> dict[str, Any]:
    if os.getuid() != 0:
        return {}
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
