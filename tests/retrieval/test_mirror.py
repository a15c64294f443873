"""The mirror against the brute-force oracle: exact below its threshold, near enough above."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval import snapshot
from retrieval.base import JOINT, SEGMENTS, IndexUnavailableError, Record
from retrieval.exact import ExactIndex
from retrieval.mirror import Mirror
from retrieval.space import GraphConfig
from support.records import clustered, item, segment, unit_rows

WIDTH = 8
SMALL = GraphConfig(exact_rows=200)
WHERES = [None, "duration_seconds < 5", 'lang == "en" and not ("red" in tags)', "attrs.rating >= 3"]


def record(key: str, rng: np.random.Generator) -> Record:
    fields = (JOINT, "image") if rng.random() < 0.6 else (JOINT, "audio")
    return item(
        key,
        unit_rows(rng.standard_normal(WIDTH)),
        fields,
        item_id=key,
        duration_seconds=float(rng.integers(0, 10)),
        lang=str(rng.choice(["en", "de", ""])),
        tags=tuple(rng.choice(["red", "blue"], rng.integers(0, 3), replace=False).tolist()),
        **({"attrs__rating": int(rng.integers(1, 6))} if rng.random() < 0.5 else {}),
    )


steps = st.lists(
    st.tuples(
        st.sampled_from(["upsert", "delete", "compact", "reload"]),
        st.lists(st.integers(0, 15), max_size=6, unique=True),
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=15, deadline=None)
@given(steps, st.integers(0, 1000))
def test_any_history_answers_like_the_oracle(
    tmp_path_factory: pytest.TempPathFactory, history: list[tuple[str, list[int]]], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    folder = tmp_path_factory.mktemp("snapshot")
    mirror, oracle = Mirror(), ExactIndex()
    first = [record(f"i{n}", rng) for n in range(8)]
    first[0] = item("i0", first[0].vectors[JOINT], item_id="i0", attrs__rating=3)
    mirror.upsert(first)
    oracle.upsert(first)
    for verb, numbers in history:
        if verb == "upsert":
            batch = [record(f"i{n}", rng) for n in numbers]
            batch += [
                segment(f"i{n}", "audio", k, unit_rows(rng.standard_normal(WIDTH)))
                for n in numbers
                for k in range(int(rng.integers(0, 3)))
            ]
            mirror.upsert(batch)
            oracle.upsert(batch)
        elif verb == "delete":
            mirror.delete([f"i{n}" for n in numbers if n])
            oracle.delete([f"i{n}" for n in numbers if n])
        elif verb == "compact":
            mirror.compact()
        else:
            mirror.save(folder)
            loaded = Mirror.load(folder)
            assert loaded is not None
            mirror = loaded
    queries = unit_rows(rng.standard_normal((3, WIDTH)))
    for field in (JOINT, "image", "audio"):
        for where in WHERES:
            if (
                where
                and "rating" in where
                and not mirror.search(JOINT, queries, 1, "item_id == 'i0'")[0]
            ):
                continue
            assert mirror.search(field, queries, 5, where) == oracle.search(
                field, queries, 5, where
            )
    assert mirror.search(SEGMENTS, queries, 50) == oracle.search(SEGMENTS, queries, 50)


def test_upsert_twice_changes_nothing() -> None:
    rng = np.random.default_rng(0)
    batch = [record(f"i{n}", rng) for n in range(30)]
    once, twice = Mirror(), Mirror()
    once.upsert(batch)
    twice.upsert(batch)
    twice.upsert(batch)
    queries = unit_rows(rng.standard_normal((4, WIDTH)))
    assert once.search(JOINT, queries, 30) == twice.search(JOINT, queries, 30)
    assert len(twice) == 30


def test_a_replaced_item_leaves_old_fields_and_segments() -> None:
    vector = unit_rows(np.ones(WIDTH))
    mirror = Mirror()
    mirror.upsert([item("a#b", vector, (JOINT, "image")), segment("a#b", "video", 0, vector)])
    mirror.upsert([item("a#b", vector, (JOINT,)), segment("a#b", "audio", 0, vector)])
    assert mirror.search("image", vector[None], 5) == [[]]
    assert [hit.key for hit in mirror.search(SEGMENTS, vector[None], 5)[0]] == ["a#b#audio#0"]
    mirror.delete(["a#b", "unknown"])
    assert mirror.search(JOINT, vector[None], 5) == mirror.search(SEGMENTS, vector[None], 5) == [[]]


def test_a_vector_of_another_width_changes_nothing() -> None:
    mirror = Mirror()
    mirror.upsert([item("a", unit_rows(np.ones(WIDTH)))])
    with pytest.raises(ValueError, match="is 8 wide"):
        mirror.upsert([item("b", unit_rows(np.ones(WIDTH))), item("c", unit_rows(np.ones(3)))])
    assert len(mirror) == 1


@pytest.fixture(scope="module")
def planted() -> tuple[Mirror, np.ndarray, np.ndarray]:
    """A clustered library with a graph, a tail behind it, and some rows replaced."""
    rng = np.random.default_rng(1)
    vectors = clustered(3_000, 64, 60, rng)
    queries = vectors[rng.choice(3_000, 60)] + 0.5 * rng.standard_normal((60, 64)) / 8
    mirror = Mirror(SMALL)
    records = [
        item(f"{n:05}", v, duration_seconds=float(n % 100), attrs__side=float(v[0]))
        for n, v in enumerate(vectors)
    ]
    mirror.upsert(records[:2_700])
    mirror.compact()
    mirror.upsert(records[2_700:] + records[:300])
    mirror.delete([f"{n:05}" for n in range(300, 400)])
    return mirror, vectors, unit_rows(queries)


@pytest.mark.parametrize("percent", [100, 50, 10, 3])
def test_graph_finds_what_brute_force_finds(
    planted: tuple[Mirror, np.ndarray, np.ndarray], percent: int
) -> None:
    mirror, vectors, queries = planted
    assert mirror.items.spaces[JOINT].graph is not None
    number = np.arange(len(vectors))
    admitted = (number % 100 < percent) & ~((number >= 300) & (number < 400))
    exact = np.where(admitted, queries @ vectors.T, -2)
    hits = mirror.search(JOINT, queries, 10, f"duration_seconds < {percent}")
    found = [{int(hit.key) for hit in one} for one in hits]
    wanted = [set(row) for row in np.argsort(-exact, axis=1)[:, :10].tolist()]
    recall = np.mean([len(a & b) / 10 for a, b in zip(found, wanted, strict=True)])
    assert recall >= 0.98
    np.testing.assert_allclose([one[0].score for one in hits], exact.max(axis=1), atol=0.02)


def test_graph_is_not_misled_by_a_filter_that_hides_the_nearest(
    planted: tuple[Mirror, np.ndarray, np.ndarray],
) -> None:
    mirror, vectors, queries = planted
    queries = queries[queries[:, 0] > 0]
    number = np.arange(len(vectors))
    admitted = (vectors[:, 0] < 0) & ~((number >= 300) & (number < 400))
    exact = np.where(admitted, queries @ vectors.T, -2)
    found = mirror.search(JOINT, queries, 10, "attrs.side < 0")
    wanted = [set(row) for row in np.argsort(-exact, axis=1)[:, :10].tolist()]
    recall = [len({int(h.key) for h in a} & b) / 10 for a, b in zip(found, wanted, strict=True)]
    assert np.mean(recall) >= 0.98


@pytest.mark.parametrize("width", [24, 256])
def test_a_library_without_structure_is_searched_as_hard_as_it_takes(width: int) -> None:
    rng = np.random.default_rng(6)
    vectors = unit_rows(rng.standard_normal((2_000, width)))
    queries = unit_rows(rng.standard_normal((60, width)))
    mirror = Mirror(SMALL)
    mirror.upsert([item(f"{n}", v) for n, v in enumerate(vectors)])
    mirror.compact()
    wanted = [set(row) for row in np.argsort(-(queries @ vectors.T), axis=1)[:, :10].tolist()]
    found = mirror.search(JOINT, queries, 10)
    recall = [len({int(h.key) for h in a} & b) / 10 for a, b in zip(found, wanted, strict=True)]
    assert np.mean(recall) >= 0.98


def test_a_snapshot_gives_the_same_answers_and_takes_more(
    planted: tuple[Mirror, np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    mirror, _, queries = planted
    mirror.save(tmp_path)
    loaded = Mirror.load(tmp_path, config=SMALL)
    assert loaded is not None
    for where in (None, "duration_seconds < 50"):
        assert loaded.search(JOINT, queries, 10, where) == mirror.search(JOINT, queries, 10, where)
    rng = np.random.default_rng(2)
    loaded.upsert([item(f"new{n}", v) for n, v in enumerate(clustered(2_100, 64, 5, rng))])
    loaded.compact()
    graph = loaded.items.spaces[JOINT].graph
    assert graph is not None
    assert graph.size == len(loaded.items.spaces[JOINT].rows)
    target = loaded.items.spaces[JOINT].matrix[-1]
    assert loaded.search(JOINT, target[None], 1)[0][0].key == "new2099"


def test_a_snapshot_carries_its_version(tmp_path: Path) -> None:
    assert Mirror.load(tmp_path / "nothing") is None
    mirror = Mirror(version=7)
    mirror.upsert([item("a", unit_rows(np.ones(WIDTH)))])
    mirror.save(tmp_path)
    assert Mirror.load(tmp_path, version=8) is None
    loaded = Mirror.load(tmp_path, version=7)
    assert loaded is not None
    assert (loaded.version, len(loaded)) == (7, 1)


def test_a_torn_pointer_or_array_reads_as_no_snapshot(tmp_path: Path) -> None:
    mirror = Mirror(version=1)
    mirror.upsert([item("a", unit_rows(np.ones(WIDTH)))])
    mirror.save(tmp_path)
    array = next(tmp_path.glob("*/0/alive.npy"))
    array.write_bytes(array.read_bytes()[:40])
    assert Mirror.load(tmp_path) is None
    (tmp_path / snapshot.POINTER).write_text("{")
    assert Mirror.load(tmp_path) is None


DIES_WHILE_SAVING = """
import os, sys
from pathlib import Path
import numpy as np
from retrieval import snapshot
from retrieval.mirror import Mirror
from support.records import item
folder, deadly = Path(sys.argv[1]), int(sys.argv[2])
written = 0
settle = snapshot._settle
def settle_then_die(file):
    global written
    settle(file)
    written += 1
    if written == deadly:
        os._exit(9)
snapshot._settle = settle_then_die
mirror = Mirror(version=2)
mirror.upsert([item(k, np.ones(4, np.float32) / 2, lang="en") for k in "abc"])
mirror.save(folder)
"""


@pytest.mark.parametrize("files_written", [1, 4, 9])
def test_dying_between_files_leaves_the_earlier_snapshot(
    tmp_path: Path, files_written: int
) -> None:
    mirror = Mirror(version=1)
    mirror.upsert([item("old", np.full(4, 0.5, np.float32))])
    mirror.save(tmp_path)
    command = [sys.executable, "-c", DIES_WHILE_SAVING, str(tmp_path), str(files_written)]
    tests = str(Path(__file__).parents[1])
    done = subprocess.run(command, env={"PYTHONPATH": f"{tests}:{Path(tests).parent}"}, check=False)
    assert done.returncode == 9
    loaded = Mirror.load(tmp_path)
    assert loaded is not None
    assert (loaded.version, list(loaded.items.keys)) == (1, ["old"])
    loaded.save(tmp_path)
    assert len([path for path in tmp_path.iterdir() if path.is_dir()]) == 1


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(IndexUnavailableError, match="cannot be written"):
        Mirror().save(tmp_path / "file")


def test_searches_run_beside_writes() -> None:
    rng = np.random.default_rng(3)
    vectors = unit_rows(rng.standard_normal((600, WIDTH)))
    mirror = Mirror(SMALL)
    mirror.upsert([item("anchor", vectors[0], duration_seconds=1.0)])
    failures: list[object] = []
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            hits = mirror.search(JOINT, vectors[:1], 3, "duration_seconds >= 0")[0]
            keys = [hit.key for hit in hits]
            if "anchor" not in keys or len(set(keys)) != len(keys):
                failures.append(keys)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for n in range(1, 600):
        far = vectors[n] if vectors[n] @ vectors[0] < 0.2 else -vectors[0]
        batch = [item(f"i{n % 50}", far, duration_seconds=float(n), attrs__rating=n)]
        mirror.upsert([*batch, item("anchor", vectors[0], duration_seconds=1.0)])
        if n % 100 == 0:
            mirror.compact()
    stop.set()
    for reader in readers:
        reader.join()
    assert not failures
    assert len(mirror) == 51
