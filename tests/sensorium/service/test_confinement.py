"""Which files a client may make the service read."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from sensorium.service.confinement import ConfinementError, confined, permits


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "media"
    (root / "deep").mkdir(parents=True)
    (root / "deep" / "a.png").write_bytes(b"a")
    (tmp_path / "secret.txt").write_text("secret")
    (root / "link.txt").symlink_to(tmp_path / "secret.txt")
    (root / "up").symlink_to(tmp_path, target_is_directory=True)
    (root / "near.png").symlink_to(root / "deep" / "a.png")
    (root / "loop").symlink_to(root / "loop")
    (tmp_path / "media2").mkdir()
    return root


@pytest.mark.parametrize(
    "name", ["deep/a.png", "deep", ".", "not/yet/there.png", "~/a.png", "loop"]
)
def test_what_lies_below_a_root_is_given(root: Path, name: str) -> None:
    assert confined(name, [root]).is_relative_to(root.resolve())
    assert confined(str(root / name), [root]) == confined(name, [root])


@pytest.mark.parametrize(
    "path",
    [
        "", "/", "/etc/passwd", "../secret.txt", "deep/../../secret.txt", "link.txt", "up",
        "up/secret.txt", "up/media2", "file:///etc/passwd", "http://169.254.169.254/latest",
        "local:///etc/passwd", "simplecache::http://10.0.0.1/a", "s3://bucket/key",
        "memory://a", "a\0b", "deep/\0/../../../etc/passwd", "\udcff/../../x",
    ],
)  # fmt: skip
def test_what_leads_out_is_refused(root: Path, path: str) -> None:
    with pytest.raises(ConfinementError) as caught:
        confined(path, [root])
    assert (caught.value.status, caught.value.code) == (403, "outside")


def test_a_folder_with_a_longer_name_is_another(root: Path) -> None:
    with pytest.raises(ConfinementError):
        confined(str(root) + "2", [root])


def test_links_that_stay_inside_are_resolved(root: Path) -> None:
    assert confined("near.png", [root]) == (root / "deep" / "a.png").resolve()


def test_names_are_looked_up_root_by_root(root: Path, tmp_path: Path) -> None:
    (tmp_path / "media2" / "b.png").write_bytes(b"b")
    roots = [root, tmp_path / "media2"]
    assert confined("b.png", roots) == (tmp_path / "media2" / "b.png").resolve()


def test_without_roots_nothing_may_be_read(root: Path) -> None:
    with pytest.raises(ConfinementError):
        confined(str(root), [])


def test_a_name_that_no_disk_holds_is_refused_and_not_a_fault(root: Path) -> None:
    with pytest.raises(ConfinementError):
        confined("a" * 5000, [root])


def test_an_absent_path_outside_is_told_like_a_present_one(root: Path) -> None:
    told = []
    for path in ("/etc/passwd", "/etc/no-such-file"):
        with pytest.raises(ConfinementError) as caught:
            confined(path, [root])
        told.append(caught.value.sentence.replace(path, ""))
    assert told[0].replace("''", "") == told[1].replace("''", "")


def test_permission_travels_to_workers(root: Path) -> None:
    allowed = pickle.loads(pickle.dumps(permits([root])))
    assert allowed(str(root / "deep" / "a.png"))
    assert not allowed(str(root / "link.txt"))


def test_uris_are_permitted_below_those_that_were_named(root: Path) -> None:
    allowed = permits(["s3://bucket/media/", root])
    assert allowed("s3://bucket/media/a.png")
    assert allowed(str(root / "deep" / "a.png"))
    for uri in (
        "s3://bucket/media2/a.png", "s3://bucket/media/../keys", "http://bucket/media/a.png",
        "simplecache::s3://bucket/media/a.png", "s3://bucket/media/a.png::http://10.0.0.1",
        "s3://bucket/media/%2e%2e/keys", "s3://evil@bucket/media/a", "file:///etc/passwd",
    ):  # fmt: skip
        assert not allowed(uri), uri
