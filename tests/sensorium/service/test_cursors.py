"""Cursors: what is written is read again, and nothing else is."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensorium.service.cursors import Cursor, Page
from sensorium.service.problems import ServiceError

ROWS = Cursor("rows", str, int)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@given(TEXTS, st.integers(-(2**63) + 1, 2**63 - 1))
def test_keys_come_back_as_they_were(text: str, number: int) -> None:
    assert ROWS.read(ROWS.write(text, number)) == (text, number)


def test_no_cursor_is_the_first_page() -> None:
    assert ROWS.read(None) is None
    assert ROWS.read("") is None


@given(st.text())
def test_words_of_others_are_refused(text: str) -> None:
    if text:
        with pytest.raises(ServiceError) as refused:
            ROWS.read(text)
        assert (refused.value.status, refused.value.code) == (422, "cursor")


GOOD = ROWS.write("photos/chelsea", 7)


@pytest.mark.parametrize(
    "bad",
    [
        GOOD[:-1],
        GOOD[1:],
        GOOD + "A",
        GOOD + "=",
        " " + GOOD,
        GOOD.swapcase(),
        Cursor("others", str, int).write("photos/chelsea", 7),
        Cursor("rows", int, str).write(7, "photos/chelsea"),
        ROWS.write("photos/chelsea"),
        ROWS.write("a\0b", 7),
        ROWS.write("a", 2**63),
        Cursor("rows", str, str).write("a", "b"),
        base64.urlsafe_b64encode(b"[" * 5_000).decode(),
        base64.urlsafe_b64encode(b'......["\\ud800",1]').decode(),
        base64.urlsafe_b64encode(b'......{"a":1}').decode(),
        base64.urlsafe_b64encode(b"......7").decode(),
    ],
)
def test_what_was_cut_changed_or_is_of_another_list_is_refused(bad: str) -> None:
    with pytest.raises(ServiceError) as refused:
        ROWS.read(bad)
    assert refused.value.hint


def test_a_page_knows_whether_more_follow() -> None:
    page = Page(n=2, cursor=None)
    assert page.cut([1, 2, 3]) == ([1, 2], 2)
    assert page.cut([1, 2]) == ([1, 2], None)
    assert page.cut([]) == ([], None)
