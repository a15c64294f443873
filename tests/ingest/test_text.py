"""Words: one form, whatever wrote them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.errors import DecodeError
from ingest.text import clean, clean_line, read_text, shorten, split_title


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        ("cafe\u0301", "caf\u00e9"),
        ("  a \t b\u00a0c  \r\n\r\n\r\n\r\n d ", "a b c\n\nd"),
        ("Tom &amp; Jerry &#8211; &quot;run&quot;", 'Tom & Jerry \u2013 "run"'),
        ("<p>One</p><p>Two<br/>three</p>", "One\nTwo\nthree"),
        ("<style>p {}</style><b>bold</b><!-- no --> text</b>", "bold text"),
        ("if a < b and c > d", "if a < b and c > d"),
        ("bell\x07 and \x00null", "bell and null"),
        ("\U0001f469\u200d\U0001f680 flies", "\U0001f469\u200d\U0001f680 flies"),
    ],
)
def test_clean(raw: str, wanted: str) -> None:
    assert clean(raw) == wanted


@given(st.text(max_size=300), st.integers(1, 50))
def test_clean_is_bounded_and_settled(raw: str, most: int) -> None:
    once = clean(raw, most)
    assert len(once) <= most
    assert "\r" not in once
    assert "\x00" not in once


def test_long_text_is_cut_at_a_space() -> None:
    assert shorten("alpha beta gamma", 12) == "alpha beta"
    assert shorten("a" * 50, 12) == "a" * 12


def test_a_title_is_one_line() -> None:
    assert clean_line(" A\n title ") == "A title"


def test_a_short_first_line_is_the_title() -> None:
    assert split_title("Boat\nA red boat.") == ("Boat", "A red boat.")
    assert split_title("x" * 200 + "\ny") == ("", "x" * 200 + "\ny")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings(encoding: str) -> None:
    assert read_text("na\u00efve caf\u00e9".encode(encoding), "a.txt") == "na\u00efve caf\u00e9"


@pytest.mark.parametrize(
    ("data", "code"), [(b"", "empty"), (b" \n", "empty"), (b"a\0b", "mismatch")]
)
def test_bytes_that_are_no_text(data: bytes, code: str) -> None:
    with pytest.raises(DecodeError) as caught:
        read_text(data, "a.txt")
    assert caught.value.code == code
