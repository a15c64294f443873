"""How many requests a service answers, how fast, and whether its memory stays where it is.

Run as ``python benchmarks/serve.py``. A made library (``benchmarks/feed_library.py``) is served by
``sensorium serve`` in a process of its own, with a sequence model of width 64, untrained. This
process asks: eight of ten requests are pages of people, one is a search by words, one tells of
events. First a few connections ask as fast as they are answered, which gives what the service can
do. Then requests come at moments drawn beforehand, at a share of that rate, whether or not earlier
ones have been answered, and latency counts from the moment a request was due. Pages made in this
process by the same code, one after the other, stand beside.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.environment import environment, write_result
from benchmarks.feed import untrained
from benchmarks.feed_library import Sizes, make_library, open_made, user_name
from sensorium.feed import FeedRequest, open_recommender

WORDS = ("dog", "sea", "city", "night", "red", "music", "child", "car", "snow", "garden")
EVENTS = 5
"""Events that a request tells of."""
PAGES, SEARCHES = 0.8, 0.1
"""Shares of requests; the rest tells of events."""
WARM_UP = 20
NO_ANSWER = 599
"""Status of a request whose connection ended without one."""


@dataclass(slots=True)
class Told:
    """What came back, by kind of request."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    statuses: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def add(self, kind: str, status: int, seconds: float) -> None:
        """Take an answer."""
        self.seconds[kind].append(seconds)
        self.statuses[f"{kind} {status}"] += 1

    def figures(self, lasted: float) -> dict[str, Any]:
        """Latencies by kind, and what else there is to tell."""
        everything = [one for some in self.seconds.values() for one in some]
        failed = sum(n for key, n in self.statuses.items() if not key.endswith(" 200"))
        return {
            "requests": len(everything),
            "requests_per_second": round(len(everything) / lasted, 2),
            "failed": failed,
            "statuses": dict(sorted(self.statuses.items())),
            "all": percentiles(everything),
            **{kind: percentiles(some) for kind, some in sorted(self.seconds.items())},
        }


def percentiles(seconds: list[float]) -> dict[str, float]:
    """Median, 95th and 99th percentile, in milliseconds."""
    found = np.percentile(np.array(seconds) * 1000, [50, 95, 99]).round(2).tolist()
    return dict(zip(("p50_ms", "p95_ms", "p99_ms"), found, strict=True))


class Asking:
    """Makes requests, each other than the one before.

    Args:
        sizes: of the library.
        seed: of what is asked.
    """

    def __init__(self, sizes: Sizes, seed: int) -> None:
        self._sizes, self._draw, self._seed, self._told = sizes, random.Random(seed), seed, 0

    def next(self) -> tuple[str, bytes]:
        """A kind of request, and its bytes."""
        chance, user = self._draw.random(), user_name(self._draw.randrange(self._sizes.users))
        if chance < PAGES:
            return "page", _request("GET", f"/v1/recommendations/{user}?n=10")
        if chance < PAGES + SEARCHES:
            words = " ".join(self._draw.sample(WORDS, 3))
            return "search", _request("POST", "/v1/search", {"text": words, "n": 10})
        return "events", _request(
            "POST", "/v1/events", {"events": [self._event(user) for _ in range(EVENTS)]}
        )

    def _event(self, user: str) -> dict[str, Any]:
        self._told += 1
        item = self._draw.randrange(self._sizes.items)
        return {
            "event_id": f"load-{self._seed}-{self._told}",
            "user_id": user,
            "item_id": f"item{item:07}",
            "event_type": "click",
        }


def _request(method: str, path: str, body: Any = None) -> bytes:
    data = b"" if body is None else json.dumps(body).encode()
    head = f"{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: {len(data)}\r\n"
    return f"{head}content-type: application/json\r\n\r\n".encode() + data


class Connection:
    """One kept-alive connection.

    Args:
        port: of the service.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, request: bytes) -> int:
        """Send a request and read its answer whole; gives the status."""
        if self._streams is None or self._streams[0].at_eof():
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head, re.I)
        await reader.readexactly(int(length[1]) if length else 0)
        return int(head.split(b" ", 2)[1])


async def as_fast_as_answered(port: int, asking: Asking, connections: int, seconds: float) -> Told:
    """Several connections, each with one request under way at any time."""
    told, ends = Told(), time.perf_counter() + seconds

    async def client() -> None:
        connection = Connection(port)
        while time.perf_counter() < ends:
            kind, request = asking.next()
            started = time.perf_counter()
            status = await connection.ask(request)
            told.add(kind, status, time.perf_counter() - started)

    await asyncio.gather(*(client() for _ in range(connections)))
    return told


async def at_a_rate(port: int, asking: Asking, rate: float, seconds: float) -> Told:
    """Requests at moments drawn beforehand; latency counts from the moment one was due."""
    told, free, draw = Told(), list[Connection](), random.Random(7)
    started, due, under_way = time.perf_counter(), 0.0, set[asyncio.Task[None]]()

    async def send(moment: float) -> None:
        connection = free.pop() if free else Connection(port)
        kind, request = asking.next()
        try:
            status = await connection.ask(request)
        except (OSError, EOFError):
            told.add(kind, NO_ANSWER, time.perf_counter() - started - moment)
            return
        told.add(kind, status, time.perf_counter() - started - moment)
        free.append(connection)

    while due < seconds:
        await asyncio.sleep(max(0.0, started + due - time.perf_counter()))
        task = asyncio.create_task(send(due))
        under_way.add(task)
        task.add_done_callback(under_way.discard)
        due += draw.expovariate(rate)
    await asyncio.gather(*under_way)
    return told


def memory_bytes(process: int) -> int:
    """Memory of a process that is not mapped from files."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(re.search(r"RssAnon:\s+(\d+)", status)[1]) * 1024  # type: ignore[index]


async def watched(work: Any, process: int, every: float) -> tuple[Told, list[int]]:
    """Do some work; gives what came of it, and the service's memory now and then."""
    seen, task = [], asyncio.ensure_future(work)
    while not task.done():
        seen.append(memory_bytes(process))
        await asyncio.wait([task], timeout=every)
    return task.result(), seen


@contextmanager
def served(folder: Path) -> Iterator[tuple[int, int]]:
    """Serve a library; gives the port and the process."""
    command = [sys.executable, "-m", "sensorium", "serve", "-w", str(folder), "--port", "0"]
    log = (folder / "service.log").open("wb")
    process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    try:
        yield _ready(folder / "service.log"), process.pid
    finally:
        process.terminate()
        process.wait()
        log.close()


def _ready(log: Path) -> int:
    import http.client

    for _ in range(600):
        found = re.search(r"http://127\.0\.0\.1:(\d+)", log.read_text())
        if found:
            port = int(found[1])
            connection = http.client.HTTPConnection("127.0.0.1", port)
            connection.request("GET", "/health/ready")
            if connection.getresponse().status == 200:
                return port
        time.sleep(0.2)
    raise TimeoutError(log.read_text())


def in_process(folder: Path, sizes: Sizes, repeats: int) -> dict[str, float]:
    """Pages by the same code in this process, one after the other."""
    recommender, spent = open_recommender(open_made(folder)), list[float]()
    for number in range(WARM_UP + repeats):
        started = time.perf_counter()
        recommender.report(FeedRequest(user_id=user_name(number % sizes.users), limit=10))
        spent.append(time.perf_counter() - started)
    return percentiles(spent[WARM_UP:])


async def load(
    port: int, process: int, sizes: Sizes, options: argparse.Namespace
) -> dict[str, Any]:
    """Ask; first as fast as is answered, then at a rate."""
    await as_fast_as_answered(port, Asking(sizes, 0), 2, 5)
    fast = await as_fast_as_answered(port, Asking(sizes, 1), options.connections, options.fast)
    most = fast.figures(options.fast)
    rate = options.share * most["requests_per_second"]
    steady, seen = await watched(
        at_a_rate(port, Asking(sizes, 2), rate, options.seconds), process, options.seconds / 20
    )
    return {
        "as_fast_as_answered": {"connections": options.connections, **most},
        "at_a_rate": {"due_per_second": round(rate, 2), **steady.figures(options.seconds)},
        "memory_bytes": seen,
    }


def main() -> None:
    """Measure and write ``results/serve.json``."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--items", type=int, default=100_000)
    options.add_argument("--users", type=int, default=10_000)
    options.add_argument("--events", type=int, default=200, help="of each user")
    options.add_argument("--connections", type=int, default=4)
    options.add_argument("--fast", type=float, default=60, help="seconds at full speed")
    options.add_argument("--seconds", type=float, default=600, help="seconds at a rate")
    options.add_argument("--share", type=float, default=0.6, help="of what it can do")
    options.add_argument("--folder", type=Path, help="keep the made library here")
    chosen = options.parse_args()
    sizes = Sizes(items=chosen.items, groups=50, users=chosen.users, events=chosen.events)
    place = nullcontext(chosen.folder) if chosen.folder else tempfile.TemporaryDirectory()
    with place as name:
        folder = Path(name)
        if not (folder / "made").exists():
            make_library(folder, sizes)
            untrained(open_made(folder), sizes)
            (folder / "made").touch()
        beside = in_process(folder, sizes, 200)
        with served(folder) as (port, process):
            found = asyncio.run(load(port, process, sizes, chosen))
    result = {
        "environment": environment(("numpy", "torch", "fastapi", "uvicorn")),
        "items": sizes.items,
        "users": sizes.users,
        "events": sizes.users * sizes.events,
        "pages_in_process": beside,
        **found,
    }
    print(json.dumps(result, indent=1))
    write_result("serve", result)


if __name__ == "__main__":
    main()
