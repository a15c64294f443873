"""The command line as a user starts it: a real process, its exit code and what it printed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

COMMAND = (sys.executable, "-m", "sensorium")


def environment(**extra: str) -> dict[str, str]:
    """This process's environment without settings that a user's shell may hold."""
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith("SENSORIUM_") or key == "SENSORIUM_CACHE"
    }
    return {**kept, "NO_COLOR": "1", "COLUMNS": "200", **extra}


def start(*words: str | Path, **extra: str) -> subprocess.Popen[str]:
    """Start a command in a session of its own."""
    return subprocess.Popen(
        [*COMMAND, *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(**extra),
        start_new_session=True,
    )


def sensorium(*words: str | Path, code: int = 0, **extra: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end and check its exit code; a traceback is never acceptable."""
    done = subprocess.run(
        [*COMMAND, *map(str, words)],
        capture_output=True,
        text=True,
        env=environment(**extra),
        timeout=300,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    return done


def rows(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    """The JSON objects that a command printed, one a line."""
    return [json.loads(line) for line in done.stdout.splitlines()]
