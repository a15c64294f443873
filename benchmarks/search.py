"""How fast one search is, and how much of the truth it finds, beside other ways of searching.

Run as ``python benchmarks/search.py --rows 100000``. The library is synthetic, since speed and
recall of an index depend on the geometry only: ``rows / 100`` clusters of unit centres, Gaussian
noise as long as the centre added to each (cosine about 0.5 inside a cluster, as between photographs
of one kind), scaled to length one; queries are drawn in the same way and are not in the library. A
second library without any structure (uniform on the sphere) is the worst case for a graph. Filters
test a number that has nothing to do with the vectors. Each search is one query at a time, timed by
itself after ten to warm up.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.environment import environment, write_result
from retrieval.base import JOINT, QueryPart, Record
from retrieval.metrics import recall_at_k
from retrieval.milvus import MilvusIndex
from retrieval.mirror import Mirror
from retrieval.relevance import Calibration, calibrated_fields
from retrieval.search import SearchQuery, search

LIMIT = 10
FIELDS = (JOINT, "image", "image_native")
Matrix = NDArray[np.float32]
Answer = Callable[[Matrix], Sequence[int]]


def unit(vectors: NDArray[np.floating]) -> Matrix:
    """Rows of length one."""
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def clustered(rows: int, queries: int, width: int, seed: int) -> tuple[Matrix, Matrix]:
    """A library with structure, and queries like it."""
    rng = np.random.default_rng(seed)
    centres = unit(rng.standard_normal((max(rows // 100, 1), width), np.float32))

    def draw(count: int) -> Matrix:
        noise = rng.standard_normal((count, width), np.float32) / np.sqrt(width)
        return unit(centres[rng.integers(0, len(centres), count)] + noise)

    return draw(rows), draw(queries)


def uniform(rows: int, queries: int, width: int, seed: int) -> tuple[Matrix, Matrix]:
    """A library without structure."""
    rng = np.random.default_rng(seed)
    return (
        unit(rng.standard_normal((rows, width), np.float32)),
        unit(rng.standard_normal((queries, width), np.float32)),
    )


def truth(library: Matrix, queries: Matrix, admitted: NDArray[np.bool_]) -> list[set[int]]:
    """The nearest admitted rows of each query, by brute force."""
    best = []
    for query in queries:
        scores = np.where(admitted, library @ query, -2)
        best.append(set(np.argpartition(-scores, LIMIT)[:LIMIT].tolist()))
    return best


def measure(answer: Answer, queries: Matrix, wanted: Sequence[set[int]]) -> dict[str, float]:
    """Time each query by itself; compare with the truth."""
    for query in queries[:10]:
        answer(query)
    seconds, found = [], []
    cpu = time.process_time()
    for query in queries:
        started = time.perf_counter()
        found.append(answer(query))
        seconds.append(time.perf_counter() - started)
    cpu_ms = (time.process_time() - cpu) / len(queries) * 1000
    p50, p95 = (float(value) * 1000 for value in np.percentile(seconds, [50, 95]))
    recall = float(
        np.mean([recall_at_k(one, few, LIMIT) for one, few in zip(found, wanted, strict=True)])
    )
    return {
        "p50_ms": round(p50, 3),
        "p95_ms": round(p95, 3),
        "cpu_ms": round(cpu_ms, 3),
        "recall_at_10": round(recall, 4),
    }


def records(library: Matrix, draws: NDArray[np.float64], fields: Sequence[str]) -> list[Record]:
    """The library as items; ``duration_seconds`` carries the draws that filters test."""
    return [
        Record(
            key=str(row),
            vectors=dict.fromkeys(fields, vector),
            scalars={"item_id": str(row), "duration_seconds": float(draw), "lang": "en"},
        )
        for row, (vector, draw) in enumerate(zip(library, draws, strict=True))
    ]


def made_mirror(batch: list[Record], folder: Path) -> tuple[Mirror, dict[str, float]]:
    """A mirror as a search finds it: built, saved, and opened from its snapshot."""
    built = Mirror(version=1)
    started = time.perf_counter()
    built.upsert(batch)
    upserted = time.perf_counter()
    built.save(folder)
    saved = time.perf_counter()
    loaded = Mirror.load(folder, version=1)
    assert loaded is not None
    loaded.search(JOINT, batch[0].vectors[JOINT][None], LIMIT)
    return loaded, {
        "upsert_s": round(upserted - started, 2),
        "graph_and_save_s": round(saved - upserted, 2),
        "load_and_first_search_s": round(time.perf_counter() - saved, 3),
    }


def mirror_rows(mirror: Mirror, queries: Matrix, library: Matrix, draws: Any) -> list[Any]:
    """Sensorium's mirror without and with filters."""
    rows = []
    for share in (1.0, 0.5, 0.1, 0.01):
        where = None if share == 1 else f"duration_seconds < {share}"

        def answer(query: Matrix, where: str | None = where) -> list[int]:
            hits = mirror.search(JOINT, query[None], LIMIT, where)[0]
            return [int(hit.key) for hit in hits]

        wanted = truth(library, queries, draws < share)
        rows.append(
            {"way": "sensorium mirror", "admitted": share} | measure(answer, queries, wanted)
        )
    return rows


def whole_search(mirror: Mirror, queries: Matrix, library: Matrix, draws: Any) -> list[Any]:
    """The search that the command line runs: several fields, rescoring, relevance."""
    samples = {field: mirror.sample(field, 1000) for field in calibrated_fields()}
    strangers = unit(np.random.default_rng(9).standard_normal((400, library.shape[1]), np.float32))
    calibration = Calibration.fit(samples, {JOINT: strangers, "image_native": strangers})
    rows = []
    for share in (1.0, 0.1):
        where = None if share == 1 else f"duration_seconds < {share}"

        def answer(query: Matrix, where: str | None = where) -> list[int]:
            part = QueryPart(vectors=dict.fromkeys(FIELDS, query), kind="image")
            asked = SearchQuery(parts=(part,), where=where, min_relevance=0.0)
            found = search(mirror, calibration, asked)
            return [int(candidate.item_id) for candidate in found.candidates]

        wanted = truth(library, queries, draws < share)
        name = f"sensorium search, {len(FIELDS)} fields with relevance"
        rows.append({"way": name, "admitted": share} | measure(answer, queries, wanted))
    return rows


def others(library: Matrix, queries: Matrix, wanted: list[set[int]]) -> list[Any]:
    """Numpy and faiss by themselves."""
    import faiss

    def by_numpy(query: Matrix) -> list[int]:
        return np.argpartition(-(library @ query), LIMIT)[:LIMIT].tolist()

    rows = [{"way": "numpy", "admitted": 1.0} | measure(by_numpy, queries, wanted)]
    flat = faiss.IndexFlatIP(library.shape[1])
    graph = faiss.IndexHNSWFlat(library.shape[1], 16, faiss.METRIC_INNER_PRODUCT)
    graph.hnsw.efConstruction, graph.hnsw.efSearch = 100, 96
    for name, index in (("faiss flat", flat), ("faiss HNSW M16 ef96", graph)):
        started = time.perf_counter()
        index.add(library)
        built = round(time.perf_counter() - started, 2)

        def answer(query: Matrix, index: Any = index) -> list[int]:
            return index.search(query[None], LIMIT)[1][0].tolist()

        measured = measure(answer, queries, wanted)
        rows.append({"way": name, "admitted": 1.0, "build_s": built} | measured)
    return rows


def by_milvus(
    batch: list[Record], queries: Matrix, wanted: list[set[int]], folder: Path
) -> list[Any]:
    """Milvus Lite: how fast it takes rows, and how fast it answers when asked itself."""
    plain = [Record(key=r.key, vectors={JOINT: r.vectors[JOINT]}, scalars=r.scalars) for r in batch]
    with MilvusIndex(str(folder / "milvus.db"), "g1", {JOINT: queries.shape[1]}) as index:
        started = time.perf_counter()
        for start in range(0, len(plain), 1000):
            index.upsert(plain[start : start + 1000])
        index.flush()
        rate = len(plain) / (time.perf_counter() - started)
        few = queries[:30]

        def answer(query: Matrix) -> list[int]:
            return [int(hit.key) for hit in index.search(JOINT, query[None], LIMIT)[0]]

        measured = measure(answer, few, wanted[:30])
    return [{"way": "Milvus Lite", "admitted": 1.0, "rows_per_s": round(rate)} | measured]


def main() -> None:
    """Measure, print a table, write ``benchmarks/results/search.json``."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--without", action="append", default=[], choices=["milvus", "uniform"])
    parser.add_argument("--out", default="search", help="name of the result")
    options = parser.parse_args()
    size = (options.rows, options.queries, options.width, options.seed)
    about = environment(["numpy", "faiss-cpu", "pymilvus", "milvus-lite"])
    result: dict[str, Any] = about | {"rows": options.rows, "width": options.width}
    draws = np.random.default_rng(options.seed + 1).random(options.rows)
    everything = np.ones(options.rows, np.bool_)

    def note(rows: list[Any], library: str) -> None:
        for row in rows:
            print({"library": library} | row, flush=True)
            result.setdefault("measured", []).append({"library": library} | row)
        write_result(options.out, result)

    with tempfile.TemporaryDirectory() as scratch:
        library, queries = clustered(*size)
        wanted = truth(library, queries, everything)
        batch = records(library, draws, FIELDS)
        mirror, result["mirror"] = made_mirror(batch, Path(scratch) / "clustered")
        note(mirror_rows(mirror, queries, library, draws), "clustered")
        note(whole_search(mirror, queries, library, draws), "clustered")
        note(others(library, queries, wanted), "clustered")
        if "milvus" not in options.without:
            note(by_milvus(batch, queries, wanted, Path(scratch)), "clustered")
        if "uniform" not in options.without:
            del mirror, batch
            library, queries = uniform(*size)
            batch = records(library, draws, (JOINT,))
            mirror, _ = made_mirror(batch, Path(scratch) / "uniform")
            note(mirror_rows(mirror, queries, library, draws), "uniform")


if __name__ == "__main__":
    main()
