"""Indexing a folder of media: Sensorium beside a plain loop and Ray Data, in one run.

Run as ``python benchmarks/index.py``. Every side (``sides.py``) does the same files with the same
encoders, in turn, each time in fresh processes with compiled bytecode. Each does a small and a
large corpus: the rate between the two is ``items_per_second``, from which starting and finishing
fall out; those are ``fixed_seconds``. The fastest of the repeats counts. ``least_cosine`` is the
smallest over all vectors of the corpus against ``plain-same-decode``, whose order of work could not
be simpler. Peak memory of 200 and 2,000 items is taken from a corpus of sounds and a few stills.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.corpus import PATTERN, Pool, Seeds
from benchmarks.environment import ROOT, environment, write_result
from benchmarks.processes import Spent, run_watched
from benchmarks.sides import SIDES, Vectors, kept_vectors

REFERENCE = "plain-same-decode"
PACKAGES = ("decord", "onnxruntime", "ai-edge-litert", "pymilvus", "milvus-lite", "ray", "torch")
KINDS = {
    "mixed": (PATTERN, 10, 50),
    "stills": ("s", 10, 50),
    "clips": ("c", 2, 12),
    "sounds": ("a", 20, 200),
}
"""Kinds of files in turn, and the sizes of the small and the large corpus."""
LEFT_OUT = {
    "stills": {"plain-one-thread", "ray-data-fused", "sensorium-ray"},
    "clips": {"ray-data-fused", "sensorium-ray"},
    "sounds": {"plain-one-thread", "ray-data-fused", "sensorium-ray"},
}
"""Sides that only the mixed corpus is worth the time for."""
MEMORY_PATTERN, MEMORY_COUNTS = "a" * 19 + "s", (200, 2000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Where a run works."""

    scratch: Path
    """Folder for workspaces and vectors."""
    pool: Pool
    """Where the files come from."""
    repeats: int
    """How often each is timed."""

    @property
    def environ(self) -> dict[str, str]:
        """The environment of a side: this one's, with a place for compiled bytecode."""
        kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        bytecode = str(self.scratch / "bytecode")
        return kept | {"PYTHONPYCACHEPREFIX": bytecode, "PYTHONPATH": str(ROOT)}

    def once(self, side: str, folder: Path) -> tuple[Spent, Vectors]:
        """Index a folder once."""
        with tempfile.TemporaryDirectory(dir=self.scratch) as scratch:
            target = Path(scratch) / "vectors.npz"
            workspace = Path(scratch) / "workspace"
            if SIDES[side].run is not None:
                code = "import sys; from benchmarks.sides import main; main(sys.argv[1:])"
                command = ["-c", code, side, str(folder), str(target)]
            else:
                options = ["-w", str(workspace), "--family", "bundled", "--quiet"]
                command = ["-m", "sensorium", "index", str(folder), *options]
                command += SIDES[side].arguments
            spent = run_watched([sys.executable, *command], self.environ)
            if SIDES[side].run is None:
                return spent, kept_vectors(workspace)
            with np.load(target) as found:
                return spent, dict(found)

    def fastest(self, side: str, folder: Path) -> tuple[Spent, Vectors]:
        """Index a folder as often as wanted; give the fastest run."""
        runs = [self.once(side, folder) for _ in range(self.repeats)]
        return min(runs, key=lambda run: run[0].seconds)


def compare(bench: Bench, kind: str, sides: list[str]) -> dict[str, Any]:
    """Measure each side on one kind of corpus, the reference first."""
    pattern, few, many = KINDS[kind]
    small, large = (bench.pool.folder(f"{kind}-{n}", pattern, n) for n in (few, many))
    reference: Vectors = {}
    rows: dict[str, Any] = {}
    for side in (side for side in sides if side not in LEFT_OUT.get(kind, ())):
        before, _ = bench.fastest(side, small)
        after, vectors = bench.fastest(side, large)
        reference = reference or vectors
        per_item = max(1e-9, (after.seconds - before.seconds) / (many - few))
        cosines = _cosines(vectors, reference)
        rows[side] = {
            "decoding": SIDES[side].decoding,
            "items": many,
            "seconds": round(after.seconds, 2),
            "items_per_second": round(1 / per_item, 3),
            "fixed_seconds": round(before.seconds - few * per_item, 2),
            "cpu_seconds_per_item": round(
                (after.cpu_seconds - before.cpu_seconds) / (many - few), 4
            ),
            "cpu_seconds": round(after.cpu_seconds, 2),
            "peak_memory_mb": round(after.peak_bytes / 2**20),
            "vectors": len(vectors),
            "least_cosine": round(min(cosines), 6),
            "median_cosine": round(float(np.median(cosines)), 6),
        }
        print(json.dumps({kind: {side: rows[side]}}), flush=True)
    return {"pattern": pattern, "sides": rows, "sensorium_is_times": _ratios(rows)}


def _cosines(vectors: Vectors, reference: Vectors) -> list[float]:
    """Cosine per name; 0 where a vector is on one side only."""
    names = vectors.keys() | reference.keys()
    both = vectors.keys() & reference.keys()
    return [float(vectors[n] @ reference[n]) if n in both else 0.0 for n in names]


def _ratios(rows: dict[str, Any]) -> dict[str, Any]:
    """How many times as fast Sensorium is: between the corpora, and from start to end."""
    if "sensorium" not in rows:
        return {}
    mine = rows["sensorium"]
    return {
        side: {
            "items_per_second": round(mine["items_per_second"] / row["items_per_second"], 2),
            "whole_run": round(row["seconds"] / mine["seconds"], 2),
        }
        for side, row in rows.items()
        if side != "sensorium"
    }


def memory(bench: Bench) -> dict[str, Any]:
    """Peak memory of the command line at both counts."""
    peaks = {}
    for count in MEMORY_COUNTS:
        folder = bench.pool.folder(f"memory-{count}", MEMORY_PATTERN, count)
        spent, vectors = bench.once("sensorium", folder)
        if len(vectors) != count:
            raise RuntimeError(f"{count} items gave {len(vectors)} vectors")
        peaks[count] = round(spent.peak_bytes / 2**20)
        print(json.dumps({"memory": {count: peaks[count], "seconds": spent.seconds}}), flush=True)
    return {"pattern": MEMORY_PATTERN, "peak_memory_mb": peaks}


def main() -> None:
    """Make the corpora, compare the sides, write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--media", type=Path, nargs="*", default=[], help="folders of real files")
    parser.add_argument("--kinds", nargs="*", choices=list(KINDS), default=list(KINDS))
    parser.add_argument("--sides", nargs="*", choices=list(SIDES), default=list(SIDES))
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--no-memory", action="store_true", help="leave the 2,000 items out")
    parser.add_argument("--pool", type=Path, help="keep the files here for another run")
    parser.add_argument("--dry", action="store_true", help="print, and write no result")
    options = parser.parse_args()
    sides = [REFERENCE, *(side for side in options.sides if side != REFERENCE)]
    about = environment(PACKAGES)
    with tempfile.TemporaryDirectory() as scratch:
        pool = Pool(options.pool or Path(scratch) / "pool", Seeds.found(options.media))
        bench = Bench(scratch=Path(scratch), pool=pool, repeats=options.repeats)
        for side in sides:
            bench.once(side, pool.folder("warm", PATTERN, 3))
        result = {
            **about,
            "real_media": bool(options.media),
            "kinds": {kind: compare(bench, kind, sides) for kind in options.kinds},
            "memory": None if options.no_memory else memory(bench),
        }
    if not options.dry:
        write_result("index", result)


if __name__ == "__main__":
    main()
