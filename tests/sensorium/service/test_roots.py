"""Sources that callers may name: below a root, with links resolved."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.errors import DecodeError
from sensorium.service.problems import ServiceError
from sensorium.service.roots import confined


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "media" / "holiday").mkdir(parents=True)
    (tmp_path / "media-private").mkdir()
    (tmp_path / "media" / "out").symlink_to(tmp_path / "media-private")
    (tmp_path / "alias").symlink_to(tmp_path / "media")
    return tmp_path / "media"


def taken(source: str, root: Path) -> str:
    return confined(source, [str(root), "s3://bucket/photos"])


def test_what_lies_below_a_root_is_taken_by_its_own_name(root: Path) -> None:
    assert confined(str(root), [str(root)]) == str(root)
    assert confined(f"file://{root}/holiday/", [str(root)]) == str(root / "holiday")
    alias = str(root.parent / "alias" / "holiday")
    assert taken(alias, root) == alias
    assert taken("s3://bucket/photos/2024", root) == "s3://bucket/photos/2024"


@pytest.mark.parametrize(
    "source",
    [
        "/etc",
        "{root}/../media-private",
        "{root}-private",
        "{root}/out",
        "local:///etc",
        "s3://bucket/photos-private",
        "s3://bucket/photos/../other",
        "s3://bucket/photos/a.zip::file:///etc",
        "http://169.254.169.254/latest",
    ],
)
def test_what_lies_elsewhere_is_refused(root: Path, source: str) -> None:
    with pytest.raises(ServiceError) as refused:
        taken(source.format(root=root), root)
    assert (refused.value.status, refused.value.code) == (403, "outside_roots")
    assert "service.roots" in refused.value.hint


def test_a_path_that_is_not_there_is_told_at_once(root: Path) -> None:
    with pytest.raises(DecodeError, match="nowhere"):
        confined(str(root / "nowhere"), [str(root)])
