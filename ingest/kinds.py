"""Kinds of file: what an extension promises, and what the first bytes say."""

from __future__ import annotations

from dataclasses import dataclass

from ingest.errors import DecodeError
from ingest.item import Modality

_NAMES = {
    Modality.IMAGE: "jpg jpeg jpe jfif png webp avif gif bmp dib tif tiff heic heif",
    Modality.VIDEO: "mp4 m4v mov mkv webm avi mpg mpeg ts mts m2ts flv wmv asf 3gp 3g2 ogv",
    Modality.AUDIO: "wav wave mp3 flac ogg oga opus m4a m4b aac aif aiff au caf wma mka",
    Modality.TEXT: "txt",
}
EXTENSIONS = {name: modality for modality, names in _NAMES.items() for name in names.split()}
"""Modality that a lower-case extension promises."""

SNIFF_BYTES = 4096
"""How much of a file ``sniff`` wants to see."""


def extension(name: str) -> str:
    """Lower-case extension without its dot; empty for a name without one."""
    stem, dot, last = name.rpartition("/")[2].rpartition(".")
    return last.lower() if dot and stem else ""


@dataclass(frozen=True, slots=True)
class Kind:
    """What a file's first bytes look like."""

    name: str
    """What to call it to a person."""
    modalities: frozenset[Modality] = frozenset()
    """What it may hold; empty for what no decoder here reads."""


def _kind(name: str, *modalities: Modality) -> Kind:
    return Kind(name, frozenset(modalities))


_BOTH = (Modality.VIDEO, Modality.AUDIO)
_PREFIXES: tuple[tuple[bytes, Kind], ...] = (
    (b"\xff\xd8\xff", _kind("a JPEG picture", Modality.IMAGE)),
    (b"\x89PNG\r\n\x1a\n", _kind("a PNG picture", Modality.IMAGE)),
    (b"GIF8", _kind("a GIF picture", Modality.IMAGE)),
    (b"II*\0", _kind("a TIFF picture", Modality.IMAGE)),
    (b"MM\0*", _kind("a TIFF picture", Modality.IMAGE)),
    (b"\x1aE\xdf\xa3", _kind("a Matroska file", *_BOTH)),
    (b"FLV\x01", _kind("a Flash video", *_BOTH)),
    (b"0&\xb2u\x8ef\xcf\x11", _kind("a Windows Media file", *_BOTH)),
    (b"\0\0\x01\xba", _kind("an MPEG video", *_BOTH)),
    (b"\0\0\x01\xb3", _kind("an MPEG video", *_BOTH)),
    (b"OggS", _kind("an Ogg file", *_BOTH)),
    (b"fLaC", _kind("a FLAC sound", Modality.AUDIO)),
    (b"ID3", _kind("an MP3 sound", Modality.AUDIO)),
    (b".snd", _kind("an AU sound", Modality.AUDIO)),
    (b"caff", _kind("a CAF sound", Modality.AUDIO)),
    (b"%PDF", _kind("a PDF document")),
    (b"PK\x03\x04", _kind("a ZIP archive")),
    (b"\x1f\x8b", _kind("a gzip archive")),
    (b"Rar!", _kind("a RAR archive")),
    (b"\x7fELF", _kind("a program")),
    (b"MZ", _kind("a program")),
)
_RIFF = {
    b"WAVE": _kind("a WAV sound", Modality.AUDIO),
    b"AVI ": _kind("an AVI video", *_BOTH),
    b"WEBP": _kind("a WebP picture", Modality.IMAGE),
}
_MP4 = _kind("an MP4 file", *_BOTH)
_HEIF = _kind("a HEIF picture", Modality.IMAGE)
HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1"})
"""Brands of still pictures that Pillow does not read alone."""
AVIF_BRANDS = frozenset({b"avif", b"avis"})
"""Brands of still pictures in AV1."""
_MP4_BOXES = {b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"}


def sniff(head: bytes) -> Kind | None:
    """Tell a file's kind from its first bytes.

    Args:
        head: the first ``SNIFF_BYTES`` bytes, or all of a shorter file.

    Returns:
        The kind, or None where nothing known fits.
    """
    for prefix, kind in _PREFIXES:
        if head.startswith(prefix):
            return kind
    if head[:4] in (b"RIFF", b"RF64"):
        return _RIFF.get(head[8:12])
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return _kind("an AIFF sound", Modality.AUDIO)
    if head[4:8] == b"ftyp":
        return _HEIF if head[8:12] in HEIC_BRANDS | AVIF_BRANDS else _MP4
    if head[4:8] in _MP4_BOXES:
        return _MP4
    return _weak_kind(head)


def _weak_kind(head: bytes) -> Kind | None:
    """Kinds told by a byte or two, or by having no mark at all."""
    if head[:2] == b"BM" and head[6:10] == b"\0\0\0\0":
        return _kind("a BMP picture", Modality.IMAGE)
    for packet in (188, 192):
        lead = packet - 188
        if len(head) > 2 * packet + lead and {head[lead + step * packet] for step in range(3)} == {
            0x47
        }:
            return _kind("an MPEG transport stream", *_BOTH)
    # Eleven set bits start a frame of MPEG sound; layer bits 11 are a byte order mark as a rule.
    if len(head) > 4 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0 and head[1] & 6 != 6:
        return _kind("an MP3 or AAC sound", Modality.AUDIO)
    if not head.lstrip(b"\0") and head:
        return _kind("nothing but zero bytes")
    return _text_kind(head)


def _text_kind(head: bytes) -> Kind | None:
    if b"\0" in head or sum(byte < 9 or 13 < byte < 32 for byte in head) > len(head) // 50:
        return None
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 3:
            return None
        text = head[: error.start].decode("utf-8")
    start = text.lstrip("\ufeff \t\r\n")[:100].lower()
    if start.startswith(("<!doctype html", "<html")):
        return _kind("an HTML page", Modality.TEXT)
    if start.startswith("<?xml") or "<svg" in start:
        return _kind("an XML or SVG file", Modality.TEXT)
    return _kind("a text file", Modality.TEXT)


def check_kind(head: bytes, promised: Modality, name: str) -> Kind:
    """Compare first bytes with what the name promises.

    A picture of another picture format passes, and so do containers that hold both pictures and
    sound: their content is what counts.

    Raises:
        DecodeError: ``empty`` or ``mismatch``, naming what the file looks like.
    """
    if not head:
        raise DecodeError("empty", f"{name} has no bytes", "copy or download it again")
    kind = sniff(head)
    if kind is None:
        raise DecodeError(
            "mismatch",
            f"{name} does not begin like any kind of {promised} known here",
            "check that it was copied or downloaded whole",
        )
    if promised not in kind.modalities:
        raise DecodeError(
            "mismatch", f"{name} is named as {promised}, but looks like {kind.name}", "rename it"
        )
    return kind
