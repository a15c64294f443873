"""Multipart bodies, however they are cut into pieces."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensorium.service.multipart import MOST_HEADER_BYTES, MOST_PARTS, Multipart, Part
from sensorium.service.problems import ServiceError

TYPE = "multipart/form-data; boundary=edge"
BODY = (
    b'--edge\r\nContent-Disposition: form-data; name="title"\r\n\r\nA lake\r\n'
    b'--edge\r\nContent-Disposition: form-data; name="file"; filename="a \xc3\xa4.png"\r\n'
    b"Content-Type: image/PNG\r\n\r\n\x00\r\n--edg\r\n--edge--\r\n"
)


class Heard:
    """What a body was taken apart into."""

    def __init__(self, content_type: str = TYPE) -> None:
        self.parts: list[tuple[Part, bytearray]] = []
        self.body = Multipart(content_type, self._part, self._data)

    def _part(self, part: Part) -> None:
        self.parts.append((part, bytearray()))

    def _data(self, data: bytes) -> None:
        self.parts[-1][1].extend(data)


@given(st.lists(st.integers(0, len(BODY)), max_size=6))
def test_it_makes_no_difference_where_a_body_is_cut(cuts: list[int]) -> None:
    heard, edges = Heard(), [0, *sorted(cuts), len(BODY)]
    for start, end in pairwise(edges):
        heard.body.feed(BODY[start:end])
    heard.body.finish()
    (title, words), (file, data) = heard.parts
    assert (title.name, title.filename, bytes(words)) == ("title", None, b"A lake")
    assert (file.name, file.filename, file.content_type) == ("file", "a ä.png", "image/png")
    assert bytes(data) == b"\x00\r\n--edg"


def test_a_body_that_was_cut_short_is_refused() -> None:
    heard = Heard()
    heard.body.feed(BODY[:-6])
    with pytest.raises(ServiceError, match="ends before"):
        heard.body.finish()


@pytest.mark.parametrize(
    "body",
    [
        b"no boundary at all",
        b"--edge\r\nName: " + b"x" * (MOST_HEADER_BYTES + 1),
        b'--edge\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n' * (MOST_PARTS + 1),
    ],
)
def test_a_body_that_makes_no_sense_is_a_fault_of_the_caller(body: bytes) -> None:
    with pytest.raises(ServiceError) as refused:
        Heard().body.feed(body)
    assert refused.value.status == 422


@pytest.mark.parametrize("kind", ["", "application/json", "multipart/form-data"])
def test_another_type_is_refused(kind: str) -> None:
    with pytest.raises(ServiceError) as refused:
        Heard(kind)
    assert refused.value.status == 415
