"""The two stages of indexing that run on workers: decode a content, then encode it.

A task names one content and the sources (frames, sound, speech, screen, text) still to be encoded;
what is not wanted is dropped right after decoding, so that a new sound model costs no image
forward pass. Only paths go in and only small arrays come out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol

from encoders.base import Embedding
from ingest.decoded import Decoded
from ingest.errors import DecodeError
from ingest.item import Medium
from ray_jobs.stage import Failure, Stage, Work

Decode = Callable[[Medium], Decoded]


class Embedder(Protocol):
    """What the encode stage asks of a family of encoders."""

    def embed(self, contents: Sequence[Decoded]) -> list[list[Embedding] | DecodeError]:
        """Encode every view of each content, in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentTask:
    """One content to decode and encode."""

    content_hash: str
    """Key of the content, whatever the file is called; see ``Medium.content_key``."""
    sources: frozenset[str]
    """Views still to be encoded: frames, sound, speech, screen, text."""
    medium: Medium | None = None
    """Where the bytes are; none for words."""
    text: str = ""
    """The words, where there is no medium."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedContent:
    """One content with its embeddings; the heavy arrays are gone."""

    decoded: Decoded
    """Times, sizes, thumbnail and hashes, without frames and waveform."""
    embeddings: tuple[Embedding, ...]
    """One per view; empty where the content has none of the wanted views."""


DECODER_BYTES = 4 << 30
"""Memory that one decoder may take; a file that wants more is set aside."""


def decode_stage(build: Callable[[], Decode], workers: int, timeout_seconds: float | None) -> Stage:
    """Make the decode stage.

    Args:
        build: picklable; gives the decode function once per worker.
        workers: how many decode at once.
        timeout_seconds: most seconds per content.
    """
    return Stage(
        name="decode",
        build=partial(_build_decode, build),
        workers=workers,
        isolated=True,
        timeout_seconds=timeout_seconds,
        memory_bytes=DECODER_BYTES,
        failure_code="corrupt",
    )


def encode_stage(build: Callable[[], Embedder], **settings: Any) -> Stage:
    """Make the encode stage.

    Args:
        build: picklable; loads the encoders once per worker.
        settings: further fields of ``Stage``: workers, batch size, share of a GPU.
    """
    return Stage(name="encode", build=partial(_build_encode, build), **settings)


def _build_decode(build: Callable[[], Decode]) -> Work:
    decode = build()
    return lambda tasks: [_decode_one(decode, task) for task in tasks]


def _decode_one(decode: Decode, task: ContentTask) -> Decoded | Failure:
    if task.medium is None:
        return Decoded(content_hash=task.content_hash, text=task.text)
    try:
        decoded = decode(task.medium)
    except DecodeError as error:
        return Failure(code=error.code, message=str(error))
    wants_sound = bool(task.sources & {"sound", "speech"})
    return replace(
        decoded,
        content_hash=task.content_hash,
        frames=decoded.frames if "frames" in task.sources else None,
        page_frames=decoded.page_frames if "screen" in task.sources else None,
        waveform=decoded.waveform if wants_sound else None,
    )


def _build_encode(build: Callable[[], Embedder]) -> Work:
    return partial(_encode, build())


def _encode(embedder: Embedder, contents: Sequence[Decoded]) -> list[EncodedContent | Failure]:
    return [
        Failure(code=views.code, message=str(views))
        if isinstance(views, DecodeError)
        else EncodedContent(
            decoded=replace(content, frames=None, page_frames=None, waveform=None),
            embeddings=tuple(views),
        )
        for content, views in zip(contents, embedder.embed(contents), strict=True)
    ]
