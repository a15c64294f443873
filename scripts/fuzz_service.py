"""Fuzz the service: schemathesis with all its checks over a copy of a library, with keys on.

    python scripts/fuzz_service.py demo/sensorium-data --examples 60 --out fuzz.json

The copy is served by a process of its own and may be ruined: people and items are erased, jobs are
queued, views are merged. The run fails where anything is answered with 5xx or with a status that
the specification does not name, where a check fails, where the log of the service tells a fault, or
where it does not answer any more at the end. The report counts requests by status and by check.

What a specification cannot say is stated in ``CONFIG``: texts that are languages of their own
(filters, cursors, aspects, contents of files) are well formed by the schema and still 422.
"""

from __future__ import annotations

import argparse
import http.client
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

COMMAND = (sys.executable, "-m", "sensorium")
CONFIG = """
headers = {{ User-Agent = "fuzz" }}
request-timeout = 60
max-stream-events = 1
continue-on-failure = true

[auth.openapi.key]
api_key = "{key}"

[checks.positive_data_acceptance]
expected-statuses = ["2xx", "3xx", 401, 403, 404, 409, 413, 415, 416, 422, 429]

[checks.negative_data_rejection]
expected-statuses = ["4xx"]

[[operations]]  # Each row of a bulk has a status of its own, so a wrong one does not refuse all.
include-path = "/v1/events"
checks.negative_data_rejection.enabled = false

[[operations]]  # A form has no types: the text 0 is a number, a word and a truth.
include-path = "/v1/search"
checks.negative_data_rejection.enabled = false
"""
FAULT = re.compile(r" (ERROR|CRITICAL) |Traceback ")
PHASES = (
    ("--phases", "examples,coverage,fuzzing"),
    # Here what is set for one operation is not read: see the rows of a bulk above.
    ("--phases", "stateful", "--exclude-checks", "negative_data_rejection"),
)
ROUNDS = (("--exclude-method", "DELETE"), ())
"""Once as long as there is something to ask about, and once with what destroys it."""


def main() -> None:
    """Fuzz, and write what was counted."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("workspace", type=Path, help="a small library; it is copied")
    asked.add_argument("--examples", type=int, default=60, help="of each operation and phase")
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--out", type=Path, default=Path("fuzz.json"), help="the report")
    given = asked.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        shutil.copytree(given.workspace, folder / "w")
        key = _output(*COMMAND, "keys", "create", "--scope", "admin", "-w", str(folder / "w"))
        (folder / "schemathesis.toml").write_text(CONFIG.format(key=key))
        with _served(folder) as (process, port):
            (folder / "openapi.json").write_bytes(_get(port, "/openapi.json", key)[1])
            rounds = ("--max-examples", str(given.examples), "--seed", str(given.seed))
            codes = [
                _fuzz(folder, port, (*rounds, *words, *phases))
                for words in ROUNDS
                for phases in PHASES
            ]
            alive = process.poll() is None and _get(port, "/health/ready")[0] == 200
        shutil.copy(folder / "log", given.out.with_suffix(".log"))
        shutil.copy(folder / "told", given.out.with_suffix(".txt"))
        faults = len(FAULT.findall((folder / "log").read_text()))
        report = _counted(folder.glob("events*.ndjson"))
    report |= {
        "alive": alive,
        "faults_in_log": faults,
        "exit_codes": codes,
        "examples": given.examples,
        "seed": given.seed,
    }
    given.out.write_text(json.dumps(report, indent=1) + "\n")
    _tell(report)
    sys.exit(0 if alive and not (any(codes) or faults) else 1)


def _output(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@contextmanager
def _served(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Serve the copy until the end; gives the process and its port."""
    limits = ("service.refusals_per_minute=0", "service.admin_per_minute=0")
    words = [word for limit in limits for word in ("--set", limit)]
    log = folder / "log"
    with log.open("wb") as lines:
        command = [*COMMAND, "serve", "-w", str(folder / "w"), "--port", "0", *words]
        process = subprocess.Popen(command, stdout=lines, stderr=lines)
        try:
            while not (found := re.search(r"http://[^ ]*:(\d+) ", log.read_text())):
                process.poll()
                if process.returncode is not None:
                    sys.exit(log.read_text())
            port = int(found[1])
            while _get(port, "/health/ready")[0] != 200:
                time.sleep(0.1)
            yield process, port
        finally:
            process.terminate()
            process.wait()


def _get(port: int, path: str, key: str = "") -> tuple[int, bytes]:
    """Ask for something; gives the status, 0 for no answer, and the body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", path, headers={"X-API-Key": key} if key else {})
        answer = connection.getresponse()
        return answer.status, answer.read()
    except OSError:
        return 0, b""
    finally:
        connection.close()


def _fuzz(folder: Path, port: int, words: tuple[str, ...]) -> int:
    """Run schemathesis; gives its exit code."""
    number = len(list(folder.glob("events*.ndjson")))
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        *("--config-file", "schemathesis.toml", "--no-color", "run", "openapi.json"),
        *("--url", f"http://127.0.0.1:{port}"),
        *("--checks", "all", "--no-shrink", *words),
        *("--report", "ndjson", "--report-ndjson-path", f"events{number}.ndjson"),
    ]
    with (folder / "told").open("ab") as told:
        return subprocess.run(command, cwd=folder, stdout=told, stderr=told, check=False).returncode


def _counted(reports: Iterable[Path]) -> dict[str, Any]:
    """Count what was asked and answered."""
    statuses, operations, checks = Counter[str](), Counter[str](), Counter[str]()
    for told in _scenarios(reports):
        for case, exchange in told.get("interactions", {}).items():
            response = exchange.get("response") or {}
            statuses[str(response.get("status_code", "none"))] += 1
            asked = told["cases"].get(case, {}).get("value", {})
            operations[f"{asked.get('method')} {asked.get('path')}"] += 1
        for found in told.get("checks", {}).values():
            checks.update(f"{one['name']}: {one['status']}" for one in found)
    return {
        "requests": sum(statuses.values()),
        "statuses": dict(sorted(statuses.items())),
        "checks": dict(sorted(checks.items())),
        "operations": dict(sorted(operations.items())),
    }


def _scenarios(reports: Iterable[Path]) -> Iterator[dict[str, Any]]:
    for report in reports:
        with report.open() as lines:
            for line in lines:
                yield json.loads(line).get("ScenarioFinished", {}).get("recorder", {})


def _tell(report: dict[str, Any]) -> None:
    lines = [f"{report['requests']} requests, alive at the end: {report['alive']}"]
    lines += [f"{count:8} answered {status}" for status, count in report["statuses"].items()]
    lines += [f"{count:8} {check}" for check, count in report["checks"].items()]
    lines.append(f"{report['faults_in_log']:8} faults in the log")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
