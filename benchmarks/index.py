"""Items per second of indexing, beside a plain loop and Ray Data; ``python benchmarks/index.py``.

Every side does the same files with the same decode options and encoders, in turn, each in a fresh
process; its vectors are compared with the plain loop's. Two rates are given: ``items_per_second``
of the whole process at the smaller and at the larger count, and ``marginal_items_per_second``
between them, from which starting up falls out. Memory is the resident sum of all its processes.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import numpy as np
from corpus import PATTERN, Seeds, make_corpus
from sides import SIDES

HERE = Path(__file__).parent
MARK = "SENSORIUM_BENCH_RUN"
BASELINE = "plain"


class PeakMemory:
    """Watches the resident memory of all processes that bear a mark."""

    def __init__(self, mark: str) -> None:
        self._mark = f"{MARK}={mark}".encode()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.peak_bytes = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(0.5):
            self.peak_bytes = max(self.peak_bytes, self._resident_bytes())

    def _resident_bytes(self) -> int:
        total = 0
        for entry in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if self._mark in (entry / "environ").read_bytes():
                    pages = int((entry / "statm").read_text().split()[1])
                    total += pages * os.sysconf("SC_PAGE_SIZE")
        return total


def measure(side: str, corpus: Path, count: int, vectors: Path) -> dict[str, Any]:
    """Run one side in a process of its own."""
    mark = uuid.uuid4().hex
    code = "import sides, sys; sides.main(sys.argv[1:])"
    started = time.perf_counter()
    with PeakMemory(mark) as memory:
        done = subprocess.run(
            [sys.executable, "-c", code, side, str(corpus), str(count), str(vectors)],
            env=os.environ | {MARK: mark, "PYTHONPATH": str(HERE)},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    seconds = time.perf_counter() - started
    report = json.loads(done.stdout.strip().splitlines()[-1])
    return {
        "items": count,
        "seconds": round(seconds, 2),
        "items_per_second": round(count / seconds, 3),
        "peak_memory_mb": round(memory.peak_bytes / 2**20),
        "vectors": report["vectors"],
    }


def least_cosine(path: Path, baseline: Path) -> float:
    """Least cosine between vectors of the same name; -1 where names or widths differ."""
    with np.load(path) as mine, np.load(baseline) as theirs:
        if {n: mine[n].shape for n in mine} != {n: theirs[n].shape for n in theirs}:
            return -1.0
        return min(float(mine[name] @ theirs[name]) for name in mine)


def compare(sides: list[str], corpus: Path, counts: tuple[int, int]) -> dict[str, Any]:
    """Measure each side at both counts, the baseline first."""
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for side in sides:
            runs = [measure(side, corpus, n, Path(folder, f"{side}-{n}.npz")) for n in counts]
            few, many = runs
            rate = (counts[1] - counts[0]) / max(1e-9, many["seconds"] - few["seconds"])
            results[side] = {
                "runs": runs,
                "marginal_items_per_second": round(rate, 3),
                "least_cosine": min(
                    least_cosine(
                        Path(folder, f"{side}-{n}.npz"), Path(folder, f"{sides[0]}-{n}.npz")
                    )
                    for n in counts
                ),
            }
            print(json.dumps({side: results[side]}), flush=True)
    return results


def main() -> None:
    """Make the corpus, compare the sides, write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--media", type=Path, nargs="*", default=[], help="folders of real files")
    parser.add_argument("--counts", type=int, nargs=2, default=(200, 2000))
    parser.add_argument("--sides", nargs="*", choices=list(SIDES), default=list(SIDES))
    parser.add_argument("--pattern", default=PATTERN, help="s stills, c clips, a sounds, in turn")
    parser.add_argument("--corpus", type=Path, help="keep the corpus here for another run")
    parser.add_argument("--out", type=Path, default=HERE / "results" / "index.json")
    options = parser.parse_args()
    sides = [BASELINE, *(side for side in options.sides if side != BASELINE)]
    with tempfile.TemporaryDirectory() as folder:
        corpus = options.corpus or Path(folder)
        make_corpus(corpus, max(options.counts), Seeds.found(options.media), options.pattern)
        results = compare(sides, corpus, tuple(options.counts))
    kept = {"real_media": bool(options.media), "pattern": options.pattern, "sides": results}
    options.out.write_text(json.dumps(kept, indent=2) + "\n")


if __name__ == "__main__":
    main()
