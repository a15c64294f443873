"""What goes over a socket comes out equal, and a side that is gone is noticed."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from ray_jobs.wire import receive, send

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    left, right = socket.socketpair()
    with left, right:
        yield left, right


def transfer(pair: Pair, value: Any) -> Any:
    sender = threading.Thread(target=send, args=(pair[0], value))
    sender.start()
    result = receive(pair[1])
    sender.join()
    return result


@given(
    st.lists(
        arrays(
            st.sampled_from([np.uint8, np.float32, np.int64]),
            array_shapes(min_dims=0, max_dims=4, min_side=0),
            elements=st.integers(0, 100),
        )
    )
)
def test_arrays_arrive_as_they_were(values: list[Any]) -> None:
    left, right = socket.socketpair()
    with left, right:
        for sent, received in zip(values, transfer((left, right), values), strict=True):
            assert received.dtype == sent.dtype
            np.testing.assert_array_equal(received, sent)


def test_large_arrays_are_writable_and_in_any_order_of_axes(pair: Pair) -> None:
    value = np.arange(6_000_000, dtype=np.uint8).reshape(1000, 2000, 3)
    received = transfer(pair, {"turned": value.transpose(1, 0, 2), "strided": value[::2]})
    np.testing.assert_array_equal(received["turned"], value.transpose(1, 0, 2))
    np.testing.assert_array_equal(received["strided"], value[::2])
    received["turned"][0] = 0


def test_objects_without_arrays_travel(pair: Pair) -> None:
    value = {"a": [1, "two", None], "b": b"bytes"}
    assert transfer(pair, value) == value


def test_a_closed_side_is_the_end(pair: Pair) -> None:
    pair[0].close()
    with pytest.raises(EOFError):
        receive(pair[1])


def test_a_side_that_dies_in_the_middle_is_the_end(pair: Pair) -> None:
    whole, sink = socket.socketpair()
    with whole, sink:
        send(whole, np.zeros(1000))
        data = sink.recv(100_000)
    pair[0].sendall(data[:-10])
    pair[0].close()
    with pytest.raises(EOFError):
        receive(pair[1])


def test_a_silent_side_times_out(pair: Pair) -> None:
    pair[1].settimeout(0.05)
    with pytest.raises(TimeoutError):
        receive(pair[1])
