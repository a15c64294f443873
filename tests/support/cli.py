"""The command line as a user starts it, in this process or in one of its own."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import typer.main

build_once = cache(typer.main.get_command)
"""Commands are built of functions, which takes longer than what many of them do."""
COMMAND = (sys.executable, "-m", "sensorium")


@dataclass(frozen=True, slots=True)
class Done:
    """What a command left behind."""

    returncode: int
    stdout: str
    stderr: str


def environment(**extra: str) -> dict[str, str]:
    """This process's environment without settings that a user's shell may hold.

    One process decodes, whatever the number of cores: other tests run beside it.
    """
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith("SENSORIUM_") or key == "SENSORIUM_CACHE"
    }
    chosen = {"NO_COLOR": "1", "COLUMNS": "200", "SENSORIUM_FAMILY": "bundled"}
    chosen["SENSORIUM_RUN__DECODE_WORKERS"] = "1"
    return {**kept, **chosen, **extra}


def start(*words: str | Path, **extra: str) -> subprocess.Popen[str]:
    """Start a command in a process and a session of its own."""
    return subprocess.Popen(
        [*COMMAND, *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(**extra),
        start_new_session=True,
    )


def sensorium(*words: str | Path, code: int = 0, **extra: str) -> Done:
    """Run a command to its end in this process and check its exit code.

    A traceback is never acceptable, whatever the code.
    """
    from sensorium.cli import main

    stdout, stderr = io.StringIO(), io.StringIO()
    argv = ["sensorium", *map(str, words)]
    returncode = 0
    with (
        patch.object(sys, "argv", argv),
        patch.object(typer.main, "get_command", build_once),
        patch.dict(os.environ, environment(**extra), clear=True),
        redirect_stdout(stdout),
        redirect_stderr(stderr),
    ):
        try:
            main()
        except SystemExit as stop:
            returncode = int(stop.code or 0)
    done = Done(returncode, stdout.getvalue(), stderr.getvalue())
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode == code, done
    return done


def rows(done: Done) -> list[dict[str, Any]]:
    """The JSON objects that a command printed, one a line."""
    return [json.loads(line) for line in done.stdout.splitlines()]
