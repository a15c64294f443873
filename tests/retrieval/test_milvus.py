"""Milvus Lite for real: what goes in comes out, filters agree, and failures are sentences."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from retrieval.base import JOINT, SEGMENTS, IndexUnavailableError, Record, Scalar
from retrieval.columns import evaluate
from retrieval.exact import ExactIndex
from retrieval.filter_milvus import to_milvus
from retrieval.filters import Expression
from retrieval.milvus import MilvusIndex, _path
from retrieval.mirror import Mirror
from support.filters import WORDS, columns_of, trees
from support.records import item, segment, unit_rows

WIDTH = 8
WIDTHS = {JOINT: WIDTH, "image": WIDTH, "text_native": 4, SEGMENTS: WIDTH}
ROOT = Path(__file__).parents[2]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": f"{ROOT / 'tests'}:{ROOT}"}


@pytest.fixture(params=["lite", "server"])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MilvusIndex]:
    """An empty index in Milvus Lite, and on the server that SENSORIUM_TEST_MILVUS names."""
    uri = str(tmp_path / "milvus.db")
    if request.param == "server":
        uri = os.environ.get("SENSORIUM_TEST_MILVUS", "")
        if not uri:
            pytest.skip("SENSORIUM_TEST_MILVUS names no server")
    with MilvusIndex(uri, f"test_{os.getpid()}", WIDTHS) as opened:
        yield opened
        if request.param == "server":
            opened.drop()


def library(rng: np.random.Generator) -> list[Record]:
    records = []
    for n in range(40):
        vector = unit_rows(rng.standard_normal(WIDTH))
        fields = (JOINT, "image") if n % 2 else (JOINT,)
        records.append(
            item(
                f"é/{n:02}#x",
                vector,
                fields,
                item_id=f"é/{n:02}#x",
                duration_seconds=float(n) if n % 3 else None,
                lang=WORDS[n % len(WORDS)],
                tags=("red", 'q"') if n % 4 == 0 else (),
                has_audio=n % 2 == 0,
                attrs__rating="four" if n % 5 == 0 else n % 6,
            )
        )
        records += [
            segment(f"é/{n:02}#x", "video", k, unit_rows(rng.standard_normal(WIDTH)))
            for k in range(n % 3)
        ]
    return records


def test_agrees_with_the_oracle_and_fills_a_mirror(index: MilvusIndex) -> None:
    rng = np.random.default_rng(0)
    oracle, mirror = ExactIndex(), Mirror()
    records = library(rng)
    for _ in range(2):
        index.upsert(records)
    oracle.upsert(records)
    changed = [
        item("é/01#x", unit_rows(rng.standard_normal(WIDTH)), (JOINT,), item_id="é/01#x"),
        segment("é/01#x", "audio", 0, unit_rows(rng.standard_normal(WIDTH))),
    ]
    for store in (index, oracle):
        store.upsert(changed)
        store.delete(["é/05#x", "é/08#x", "unknown"])
    for batch in index.records():
        mirror.upsert(batch)
    queries = unit_rows(rng.standard_normal((3, WIDTH)))
    for field, where in [
        (JOINT, None),
        ("image", None),
        (SEGMENTS, None),
        (JOINT, 'duration_seconds >= 10 and lang != "de"'),
        (JOINT, '"red" in tags or not has_audio'),
        (JOINT, "not attrs.rating >= 2"),
        ("image", 'attrs.rating == "four"'),
        (SEGMENTS, "start_seconds >= 2"),
    ]:
        wanted = oracle.search(field, queries, 50, where)
        for copy in (index, mirror):
            found = copy.search(field, queries, 50, where)
            for one, expected in zip(found, wanted, strict=True):
                assert sorted(hit.key for hit in one) == sorted(hit.key for hit in expected)
                np.testing.assert_allclose(
                    [hit.score for hit in one], [hit.score for hit in expected], atol=1e-5
                )
    assert index.count() == 38
    assert index.count(SEGMENTS) == len(oracle.search(SEGMENTS, queries[:1], 1000)[0])


def test_scalars_come_back_as_they_went(index: MilvusIndex) -> None:
    scalars: dict[str, Scalar] = {
        "item_id": "a",
        "title": 'a "quoted" \\ title\n',
        "duration_seconds": 2.5,
        "tags": ("x", "y"),
        "has_audio": True,
        "attrs.n": 3,
        "attrs.t": "3",
        "attrs.odd:name": False,
    }
    vectors = {JOINT: unit_rows(np.ones(WIDTH)), "text_native": unit_rows(np.ones(4))}
    index.upsert([Record(key="a", vectors=vectors, scalars=scalars)])
    ((record,),) = list(index.records())
    assert dict(record.scalars) == scalars
    assert set(record.vectors) == {JOINT, "text_native"}
    np.testing.assert_array_equal(record.vectors["text_native"], vectors["text_native"])


@pytest.fixture(scope="module")
def mixed(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[MilvusIndex, list[dict[str, Scalar]]]]:
    """Every combination of odd values that the filter properties use."""
    rng = np.random.default_rng(5)
    table: list[dict[str, Scalar]] = [
        {
            "duration_seconds": [None, -2, 0, 1.5, 3][n % 5],
            "lang": [None, "", *WORDS][n % (len(WORDS) + 2)],
            "has_audio": [None, True, False][n % 3],
            "tags": tuple(rng.choice(WORDS, n % 3, replace=False).tolist()),
            "attrs.mixed": [None, 2, -1.5, "en", 'quo"te', True, False][n % 7],
        }
        for n in range(60)
    ]
    path = tmp_path_factory.mktemp("lite") / "milvus.db"
    with MilvusIndex(str(path), "g1", {JOINT: WIDTH}) as opened:
        vector = unit_rows(np.ones(WIDTH))
        opened.upsert(
            [Record(key=f"{n:02}", vectors={JOINT: vector}, scalars=r) for n, r in enumerate(table)]
        )
        yield opened, table


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(trees)
def test_a_rendered_filter_selects_the_rows_of_the_mask(
    mixed: tuple[MilvusIndex, list[dict[str, Scalar]]], tree: Expression
) -> None:
    index, table = mixed
    mask = evaluate(tree, columns_of(table), len(table))
    rows = index._client.query(
        index._name(JOINT), filter=to_milvus(tree, _path), output_fields=["key"], limit=100
    )
    assert sorted(int(row["key"]) for row in rows) == np.flatnonzero(mask).tolist()


def test_generations_stand_side_by_side(tmp_path: Path) -> None:
    path = str(tmp_path / "milvus.db")
    vector = unit_rows(np.ones(WIDTH))
    old = MilvusIndex(path, "g1", WIDTHS)
    new = MilvusIndex(path, "g2", WIDTHS | {JOINT: 4})
    old.upsert([item("a", vector)])
    assert (old.count(), new.count()) == (1, 0)
    new.drop()
    new.close()
    assert old.count() == 1
    old.close()
    old.close()
    with pytest.raises(IndexUnavailableError, match=r"8 wide, and these encoders make 16.*reembed"):
        MilvusIndex(path, "g1", WIDTHS | {JOINT: 16})
    with MilvusIndex(path, "g1", WIDTHS) as again:
        assert again.search(JOINT, vector[None], 1)[0][0].key == "a"


def test_what_cannot_be_opened_is_named(tmp_path: Path) -> None:
    old = tmp_path / "old.db"
    old.write_bytes(b"SQLite format 3\x00")
    with pytest.raises(IndexUnavailableError, match="Milvus Lite 2"):
        MilvusIndex(str(old), "g1", WIDTHS)
    with pytest.raises(IndexUnavailableError, match="cannot be used"):
        MilvusIndex(str(old / "milvus.db"), "g1", WIDTHS)
    damaged = tmp_path / "damaged.db"
    with MilvusIndex(str(damaged), "g1", WIDTHS) as index:
        index.upsert([item("a", unit_rows(np.ones(WIDTH)))])
    for schema in damaged.rglob("schema.json"):
        schema.write_text("{")
    with pytest.raises(IndexUnavailableError, match=r"damaged\.db cannot be used.*index again"):
        MilvusIndex(str(damaged), "g1", WIDTHS)


def test_a_server_that_is_not_there_is_named(capfd: pytest.CaptureFixture[str]) -> None:
    uri = "http://user:secret@127.0.0.1:9"
    with pytest.raises(IndexUnavailableError, match="does not answer") as caught:
        MilvusIndex(uri, "g1", WIDTHS)
    assert "secret" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


WRITES = """
import resource, sys
import numpy as np
from retrieval.base import IndexUnavailableError
from retrieval.milvus import MilvusIndex
from support.records import item
index = MilvusIndex(sys.argv[1], "g1", {"joint": 256})
vectors = np.eye(256, dtype=np.float32)
index.upsert([item("kept", vectors[0])])
print("ready", flush=True)
if len(sys.argv) > 2:
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), -1))
try:
    for start in range(10_000):
        index.upsert([item(f"{start}-{n}", vectors[n]) for n in range(256)])
except IndexUnavailableError as error:
    print(error, flush=True)
"""


STARTS = """
import signal, subprocess, sys
import numpy as np
from retrieval.milvus import MilvusIndex
from support.records import item
with MilvusIndex(sys.argv[1], "g1", {"joint": 8}) as index:
    index.upsert([item("one", np.eye(8, dtype=np.float32)[0])])
    block = lambda: signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    for _ in range(int(sys.argv[2])):
        subprocess.run(["true"], preexec_fn=block, check=True)
"""


def test_programs_start_beside_an_open_store(tmp_path: Path) -> None:
    """Each start has about one chance in a hundred to fail where gRPC's fork handlers run."""
    command = [sys.executable, "-W", "ignore", "-c", STARTS, str(tmp_path / "milvus.db"), "300"]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_full_disk_is_one_sentence_and_keeps_what_was(tmp_path: Path) -> None:
    path = str(tmp_path / "milvus.db")
    command = [sys.executable, "-W", "ignore", "-c", WRITES, path, "1000000"]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[1:] == [
        f"no room left to write the index in {path}; "
        "free some space and run again; what was written before is kept"
    ]
    with MilvusIndex(path, "g1", {JOINT: 256}) as index:
        best = index.search(JOINT, np.eye(256, dtype=np.float32)[:1], 1)
        assert best[0][0].score == pytest.approx(1)


def test_a_second_process_waits_for_a_killed_writer_that_lost_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = str(tmp_path / "milvus.db")
    command = [sys.executable, "-W", "ignore", "-c", WRITES, path]
    with subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
        with pytest.raises(IndexUnavailableError) as caught:
            MilvusIndex(path, "g1", {JOINT: 256})
        writer.send_signal(signal.SIGKILL)
    assert str(caught.value).startswith(f"the index in {path} is open in another process; wait")
    assert capfd.readouterr() == ("", "")
    with MilvusIndex(path, "g1", {JOINT: 256}) as index:
        assert "kept" in {key for keys, _, _ in index.scan(JOINT) for key in keys}
