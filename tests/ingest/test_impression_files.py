"""MIND's files, row by row."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from ingest.errors import DecodeError
from ingest.impression_files import ImpressionFileError, read_impressions, read_news

BEHAVIOURS = (
    "1\tU1\t11/12/2019 2:14:46 PM\tN3 N1\tN2-0 N4-1 N5-0\n"
    "\n"
    "2\tU2\t11/09/2019 9:01:00 AM\t\tN2-1 N4-0\n"
)
NEWS = (
    "N1\tsports\tgolf\tA round\tEighteen holes.\thttps://x\t[]\t[]\n"
    'N2\tnews\tnewsworld\tA "quote" alone\t\thttps://y\t[]\t[]\n'
)


def test_behaviours_stay_whole(tmp_path: Path) -> None:
    path = tmp_path / "behaviors.tsv"
    path.write_text(BEHAVIOURS)
    first, second = read_impressions(str(path))
    assert (first.user_id, first.history) == ("U1", ("N3", "N1"))
    assert first.shown == ("N2", "N4", "N5")
    assert first.clicked == (False, True, False)
    assert first.shown_at == datetime(2019, 11, 12, 14, 14, 46, tzinfo=UTC)
    assert second.history == ()
    assert second.clicked == (True, False)


def test_news_keep_their_words(tmp_path: Path) -> None:
    path = tmp_path / "news.tsv"
    path.write_text(NEWS)
    first, second = read_news(str(path))
    assert (first.category, first.subcategory, first.title) == ("sports", "golf", "A round")
    assert first.abstract == "Eighteen holes."
    assert (second.title, second.abstract) == ('A "quote" alone', "")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("1\tU1\t11/12/2019 2:14:46 PM\tN1", "4"),
        ("1\tU1\tyesterday\tN1\tN2-0", "a time"),
        ("1\tU1\t11/12/2019 2:14:46 PM\tN1\tN2 N3", "N1-0"),
    ],
)
def test_what_is_no_impression_is_named_with_its_line(tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / "behaviors.tsv"
    path.write_text(BEHAVIOURS + line + "\n")
    with pytest.raises(ImpressionFileError, match="line 4") as caught:
        list(read_impressions(str(path)))
    assert said in str(caught.value)
    with pytest.raises(DecodeError):
        list(read_news(str(tmp_path / "none.tsv")))
