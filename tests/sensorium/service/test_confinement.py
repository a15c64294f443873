"""Which files a client may make the service read: below a root, with links resolved."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from ingest.errors import DecodeError
from sensorium.service.confinement import ConfinementError, confined, permits


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "media"
    (root / "holiday").mkdir(parents=True)
    (root / "holiday" / "a.png").write_bytes(b"a")
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "media-private").mkdir()
    (root / "link.txt").symlink_to(tmp_path / "secret.txt")
    (root / "out").symlink_to(tmp_path / "media-private")
    (root / "up").symlink_to(tmp_path)
    (root / "near.png").symlink_to(root / "holiday" / "a.png")
    (tmp_path / "alias").symlink_to(root)
    return root


def taken(source: str, root: Path) -> str:
    return confined(source, [root, "s3://bucket/photos/"])


def test_what_lies_below_a_root_is_taken_by_its_own_name(root: Path) -> None:
    assert taken(str(root), root) == str(root)
    assert taken(f"file://{root}/holiday/", root) == str(root / "holiday")
    assert taken(str(root / "near.png"), root) == str(root / "near.png")
    alias = str(root.parent / "alias" / "holiday")
    assert taken(alias, root) == alias
    assert taken("s3://bucket/photos/2024", root) == "s3://bucket/photos/2024"
    assert taken("s3://bucket/photos", root) == "s3://bucket/photos"


@pytest.mark.parametrize(
    "source",
    [
        "", "/", ".", "/etc/passwd", "~/.ssh", "{root}/../media-private", "{root}-private",
        "{root}/holiday/../../secret.txt", "{root}/holiday/../holiday", "{root}/out", "{root}/up",
        "{root}/link.txt", "{root}/up/secret.txt", "{root}/a\0b", "\0",
        "file:///etc/passwd", "local:///etc", "memory://a", "ftp://10.0.0.1/a",
        "http://169.254.169.254/latest", "simplecache::http://10.0.0.1/a",
        "s3://bucket/photos-private", "s3://bucket/photos/../other", "s3://bucket/other",
        "s3://bucket/photos/%2e%2e/other", "s3://evil@bucket/photos/a", "s3://bucket",
        "s3://bucket/photos/a.zip::file:///etc", "http://bucket/photos/a",
    ],
)  # fmt: skip
def test_what_lies_elsewhere_is_refused(root: Path, source: str) -> None:
    with pytest.raises(ConfinementError) as refused:
        taken(source.format(root=root), root)
    assert (refused.value.status, refused.value.code) == (403, "outside_roots")
    assert "service.roots" in refused.value.hint


def test_a_path_that_is_not_there_is_told_at_once(root: Path) -> None:
    with pytest.raises(DecodeError, match="nowhere"):
        taken(str(root / "nowhere"), root)
    with pytest.raises(DecodeError):
        taken(str(root / ("a" * 5_000)), root)


def test_without_roots_nothing_may_be_read(root: Path) -> None:
    with pytest.raises(ConfinementError):
        confined(str(root), [])


def test_what_is_absent_outside_is_told_like_what_is_there(root: Path) -> None:
    told = []
    for path in ("/etc/passwd", "/etc/no-such-file"):
        with pytest.raises(ConfinementError) as caught:
            taken(path, root)
        told.append(caught.value.sentence.replace(path, ""))
    assert told[0] == told[1]


def test_permission_travels_to_workers(root: Path) -> None:
    allowed = pickle.loads(pickle.dumps(permits([root])))
    assert allowed(str(root / "holiday" / "a.png"))
    assert not allowed(str(root / "link.txt"))
    assert not allowed("http://127.0.0.1:9/a.txt")
