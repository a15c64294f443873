"""Objects over a socket between the driver and a worker process; arrays are not copied on the way.

Pickle protocol 5 hands arrays over as separate buffers, which are sent as they are and received
into their final memory: a decoded video is megabytes, and the driver's time is the encoder's.
"""

from __future__ import annotations

import pickle
import socket
import struct
from typing import Any

_COUNT = struct.Struct("<I")
_LENGTH = struct.Struct("<Q")


def send(wire: socket.socket, value: Any) -> None:
    """Send one object.

    Raises:
        OSError: the other side is gone.
    """
    buffers: list[pickle.PickleBuffer] = []
    head = pickle.dumps(value, protocol=5, buffer_callback=buffers.append)
    parts = [memoryview(head), *(buffer.raw() for buffer in buffers)]
    wire.sendall(_COUNT.pack(len(parts)) + b"".join(_LENGTH.pack(p.nbytes) for p in parts))
    for part in parts:
        wire.sendall(part)


def receive(wire: socket.socket) -> Any:
    """Wait for one object, as long as the socket's time-out says.

    Raises:
        TimeoutError: it did not come in time.
        OSError: the other side is gone; ``EOFError`` where it closed in good order.
    """
    (count,) = _COUNT.unpack(_receive(wire, _COUNT.size))
    lengths = [_LENGTH.unpack(_receive(wire, _LENGTH.size))[0] for _ in range(count)]
    head, *buffers = [_receive(wire, length) for length in lengths]
    return pickle.loads(head, buffers=buffers)  # noqa: S301 - the other end is our own process


def _receive(wire: socket.socket, length: int) -> bytearray:
    data = bytearray(length)
    rest = memoryview(data)
    while rest:
        count = wire.recv_into(rest)
        if count == 0:
            raise EOFError("the other side closed")
        rest = rest[count:]
    return data
