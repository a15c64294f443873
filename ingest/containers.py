"""Whether a file is all there, told from its container's own sizes before any decoder opens it.

A native decoder meets a cut file by guessing: it repeats frames, ends early, or hangs. RIFF (WAV,
AVI, WebP) and MP4 say how long their parts are, so a missing end is found in microseconds.
Matroska says it for its one segment, unless it was written as a live stream.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import IO

from ingest.errors import DecodeError
from ingest.kinds import AVIF_BRANDS, HEIC_BRANDS

UNKNOWN_SIZE = 0x7FFF_F000
"""A RIFF size from here on, or 0, means "not known when writing began"."""
_EBML = b"\x1aE\xdf\xa3"
_SEGMENT = b"\x18S\x80g"
_STILLS = HEIC_BRANDS | AVIF_BRANDS
_MEDIA_BOXES = {b"moov", b"mdat", b"moof"}


def check_whole(path: Path) -> None:
    """Refuse a WAV, AVI, WebP, Matroska or MP4 file that ends before it says; others pass.

    Raises:
        DecodeError: ``truncated`` or ``corrupt``.
    """
    size = path.stat().st_size
    with path.open("rb") as stream:
        head = stream.read(12)
        if head[:4] == b"RIFF":
            declared = int.from_bytes(head[4:8], "little")
            # One byte of grace: odd chunks are often left without their padding.
            if 0 < declared < UNKNOWN_SIZE and declared + 8 > size + 1:
                raise _truncated(path, declared + 8, size)
        elif head[:4] == _EBML:
            stream.seek(0)
            end = _segment_end(stream.read(4096))
            if end > size:
                raise _truncated(path, end, size)
        elif head[4:8] in _MEDIA_BOXES or (head[4:8] == b"ftyp" and head[8:12] not in _STILLS):
            _check_boxes(path, stream, size)


def _segment_end(head: bytes) -> int:
    """Where the segment of a Matroska file ends by its own word; 0 where it does not say."""
    start = head.find(_SEGMENT)
    if start < 0 or start + 5 > len(head) or head[start + 4] == 0:
        return 0
    width = 9 - head[start + 4].bit_length()
    field = head[start + 4 : start + 4 + width]
    unknown = (1 << 7 * width) - 1
    length = int.from_bytes(field, "big") & unknown
    return 0 if length == unknown else start + 4 + width + length


def _check_boxes(path: Path, stream: IO[bytes], size: int) -> None:
    """Walk the boxes of the top level; junk after a complete movie is forgiven."""
    offset, found = 0, set[bytes]()
    while offset + 8 <= size:
        stream.seek(offset)
        header = stream.read(16)
        length, name = struct.unpack(">I4s", header[:8])
        if length == 1 and len(header) == 16:
            length = struct.unpack(">Q", header[8:])[0]
        elif length == 0:
            length = size - offset
        if length < 8 or not name.isalnum():
            break
        found.add(name)
        if offset + length > size and name in _MEDIA_BOXES:
            raise _truncated(path, offset + length, size)
        offset += length
    if not found & {b"moov", b"moof"}:
        if offset + 8 > size:
            raise DecodeError(
                "truncated",
                f"{path.name} ends before the index that it needs",
                "copy or download it again",
            )
        raise DecodeError("corrupt", f"{path.name} has no index after its header")


def _truncated(path: Path, declared: int, size: int) -> DecodeError:
    return DecodeError(
        "truncated",
        f"{path.name} should be {declared} bytes long, but has {size}",
        "copy or download it again",
    )
