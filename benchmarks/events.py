"""How fast events are imported and asked for, and how much memory that takes.

Run as ``python benchmarks/events.py``; ``--url`` takes another database than SQLite in a folder.
Made events: users and items drawn with a long tail, times rising, as a log gives them. Each size is
imported by the command line in a process of its own; the rest is asked of the largest log.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.environment import environment, write_result
from benchmarks.processes import run_watched
from ingest.catalogue import Catalogue
from ingest.database import open_database
from ingest.event import Event
from ingest.event_log import EventLog
from ingest.event_rules import EventRules

USERS, ITEMS = 50_000, 20_000
TYPES = ("view", "click", "watch_time", "like", "skip")


def write_events(path: Path, number: int) -> None:
    """Write a CSV of events in order of time."""
    draw = random.Random(3)
    with path.open("w", encoding="utf-8") as stream:
        stream.write("user_id,item_id,event_type,value,timestamp\n")
        for count in range(number):
            user, item = int(USERS * draw.random() ** 3), int(ITEMS * draw.random() ** 3)
            event_type = draw.choice(TYPES)
            value = f"{draw.random():.3f}" if event_type == "watch_time" else ""
            stream.write(f"user{user},item{item},{event_type},{value},{1_700_000_000 + count}\n")


def import_figures(folder: Path, number: int, url: str | None) -> dict[str, Any]:
    """Import so many events with the command line."""
    file = folder / f"{number}.csv"
    write_events(file, number)
    words = [sys.executable, "-m", "sensorium", "events", "import", str(file), "--json"]
    words += ["-w", str(folder / f"w{number}")]
    words += ["--set", f"store.database_url={url}"] if url else []
    spent = run_watched(words, os.environ)
    size = sum(entry.stat().st_size for entry in (folder / f"w{number}").glob("catalogue.db*"))
    return {
        "events": number,
        "seconds": round(spent.seconds, 2),
        "cpu_seconds": round(spent.cpu_seconds, 2),
        "events_per_second": round(number / spent.seconds),
        "peak_mb": round(spent.peak_bytes / 1e6),
        "bytes_per_event": None if url else round(size / number),
    }


def milliseconds(spent: list[float]) -> dict[str, float]:
    """Give median and 95th percentile."""
    ordered = sorted(spent)
    return {
        "p50_ms": round(ordered[len(ordered) // 2] * 1000, 2),
        "p95_ms": round(ordered[len(ordered) * 95 // 100] * 1000, 2),
    }


def timed_tails(log: EventLog, repeats: int) -> dict[str, float]:
    """Ask for the last 200 events of users drawn at random."""
    draw = random.Random(4)
    spent = []
    for _ in range(repeats):
        user = f"user{int(USERS * draw.random() ** 3)}"
        started = time.perf_counter()
        log.tail(user, 200)
        spent.append(time.perf_counter() - started)
    return milliseconds(spent)


def timed_appends(log: EventLog, repeats: int) -> dict[str, float]:
    """Append one event at a time, each on the disk before the next."""
    now = datetime.now(UTC)
    spent = []
    for number in range(repeats):
        event = Event(
            user_id="one",
            item_id="item1",
            event_type="click",
            occurred_at=now + timedelta(milliseconds=number),
        )
        started = time.perf_counter()
        log.append([event])
        spent.append(time.perf_counter() - started)
    return milliseconds(spent)


def seconds_of(work: Any) -> float:
    """Wall time of a call."""
    started = time.perf_counter()
    work()
    return round(time.perf_counter() - started, 2)


def log_figures(url: str, repeats: int) -> dict[str, Any]:
    """Ask the log what feeds and training ask."""
    engine = open_database(url)
    Catalogue(engine)
    log = EventLog(engine)
    rules = EventRules()
    return {
        "tail_of_200": timed_tails(log, repeats),
        "append_of_1": timed_appends(log, repeats),
        "histories_of_all_users_seconds": seconds_of(lambda: sum(1 for _ in log.histories(rules))),
        "status_seconds": seconds_of(log.counts),
    }


def main() -> None:
    """Measure and write ``results/events.json``."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--sizes", type=int, nargs="+", default=[100_000, 1_000_000])
    options.add_argument("--repeats", type=int, default=500)
    options.add_argument("--url", help="SQLAlchemy URL of an empty database.")
    options.add_argument("--name", default="events", help="Name of the result.")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        imports = [import_figures(folder, size, chosen.url) for size in chosen.sizes]
        last = folder / f"w{chosen.sizes[-1]}" / "catalogue.db"
        asked = log_figures(chosen.url or f"sqlite:///{last}", chosen.repeats)
    result = {"environment": environment(("sqlalchemy",)), "import": imports, "log": asked}
    print(json.dumps(result, indent=1))
    write_result(chosen.name, result)


if __name__ == "__main__":
    main()
