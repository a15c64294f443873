"""A family of encoders behind one setting: decoded contents in, embeddings out.

- Frames of all contents of a batch go through the image tower together, and so do sounds and texts.
- A family is made from its configuration alone, so that a worker process can make its own.
- Memory errors of a GPU pass through: whoever chose the batch size halves it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from encoders.base import Embedding, Fingerprint, unit
from encoders.onnx import Threads
from encoders.pooling import (
    WordView,
    sound_embedding,
    still_embedding,
    video_embedding,
    word_embedding,
)
from encoders.towers import Heard, Towers, WordEncoder, fingerprint_of_words, may_be_speech
from ingest.decoded import Decoded
from ingest.errors import DecodeError

if TYPE_CHECKING:
    from encoders.screen import ScreenReader
    from encoders.speech import Transcriber

BundledTextModel = Literal["minilm-l6", "bge-small-en", "multilingual-e5-small"]
HubImageModel = Literal["siglip2-b16", "vit-b32", "vit-b16"]
Kept = Sequence[tuple[int, Decoded]]

DRAWN_PHRASES = 2
"""Phrases of a candidate word that are drawn: the image tower takes its time, and more of them name
no better."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyConfig:
    """Which encoders, and what of the machine they may use."""

    name: Literal["bundled", "hub"] = "bundled"
    """bundled: weights from the package index; hub: OpenCLIP, CLAP and a sentence encoder from a
    model hub."""
    text_model: BundledTextModel = "minilm-l6"
    """Sentence encoder of the bundled family; its space is the joint one."""
    image_model: HubImageModel = "siglip2-b16"
    """OpenCLIP model of the hub family; its space is the joint one."""
    speech: bool = False
    """Whether words heard in clips and sounds become a text view."""
    screen: bool = False
    """Whether words seen in pictures become a text view; needs sensorium[ocr]."""
    threads: int = 0
    """Threads per encoder; 0 for every core."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where the hub family runs; auto takes a GPU where there is one."""
    compile: bool = False
    """Whether the hub family's image tower is compiled: slower start, faster long runs."""
    alignment_dir: str = ""
    """Folder of learnt maps into the joint space that replace the shipped ones; empty for none."""

    def __post_init__(self) -> None:
        if self.threads < 0:
            raise ValueError(f"expected 0 or more threads, got {self.threads = }")

    @property
    def weights(self) -> tuple[str, ...]:
        """Names of the packaged weights that these settings use."""
        towers = ("clip-vit-b16", "yamnet", self.text_model) if self.name == "bundled" else ()
        return towers + (("whisper-base",) if self.speech else ())

    @property
    def sample_rate_hz(self) -> int:
        """Rate at which sounds must be decoded."""
        return 16_000 if self.name == "bundled" else 48_000


class Family:
    """The encoders of one configuration.

    Args:
        config: which encoders.
        towers: the encoders themselves; none for those of the configuration.
    """

    def __init__(self, config: FamilyConfig, towers: Towers | None = None) -> None:
        self.config = config
        self._towers = towers

    @cached_property
    def towers(self) -> Towers:
        """The encoders; each loads its weights at first use.

        Raises:
            AlignmentError: a learnt map that the configuration needs is not there.
        """
        if self._towers is not None:
            return self._towers
        threads = Threads(count=self.config.threads)
        if self.config.name == "bundled":
            from encoders.bundled import bundled_towers

            return bundled_towers(self.config.text_model, threads, self.config.alignment_dir)
        from encoders.hub import IMAGE_MODELS, HubOptions, hub_towers

        options = HubOptions(
            image_model=IMAGE_MODELS[self.config.image_model],
            device=self.config.device,
            compiled=self.config.compile,
        )
        return hub_towers(options)

    @cached_property
    def fingerprints(self) -> dict[str, Fingerprint]:
        """What makes the views of each source in use: frames, sound, text, speech, screen."""
        towers = self.towers
        prints = {
            "frames": towers.image.fingerprint,
            "sound": towers.sound.fingerprint,
            "text": towers.text.fingerprint,
        }
        if self._transcriber:
            heard = self._transcriber.fingerprint
            prints["speech"] = fingerprint_of_words(heard, towers.text.fingerprint)
        if self._reader:
            read = self._reader.fingerprint
            prints["screen"] = fingerprint_of_words(read, towers.text.fingerprint)
        return prints

    @cached_property
    def alignment_digest(self) -> str:
        """Sixteen hex digits that change with any map into the joint space."""
        parts = [f"{name} {a.fingerprint}" for name, a in sorted(self.towers.aligners.items())]
        return hashlib.blake2b("\n".join(parts).encode(), digest_size=8).hexdigest()

    @property
    def space_width(self) -> int:
        """Width D of the joint space."""
        return self.towers.space_width

    def align(self, source: str, native: NDArray[np.floating]) -> NDArray[np.float32]:
        """Bring native vectors into the joint space.

        Args:
            source: source of the views: frames, sound, text, speech or screen.
            native: rows of that source's tower, (B, D_m).

        Returns:
            Unit rows, (B, D).
        """
        return self.towers.aligner(source).apply(native)

    def query_text(self, texts: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """Encode words to search by.

        Args:
            texts: B queries.

        Returns:
            Unit vectors (B, D_field) per field of the index that words can be compared in.
        """
        vectors: dict[str, NDArray[np.float32]] = {}
        for fields, encode in self.towers.words:
            rows = encode(texts)
            vectors |= dict.fromkeys(fields, rows)
        return vectors

    def word_fields(self, phrases: Sequence[Sequence[str]]) -> dict[str, NDArray[np.float32]]:
        """Encode candidate words, each through the mean of its phrases.

        Beside the spaces of ``query_text``, words are drawn where the family's image tower reads:
        by their first ``DRAWN_PHRASES`` phrases, and only where every word can be drawn, for a word
        without a drawing cannot be compared with those that have one.

        Args:
            phrases: per word (P of them) its phrases, at least one.

        Returns:
            Unit vectors (P, D_field) per field of the index that holds joint or native vectors and
            that words can be compared in.

        Raises:
            ValueError: there is no word, or one without a phrase.
        """
        if not phrases or not all(phrases):
            raise ValueError("expected words with a phrase each")
        native = self.towers.native_field
        vectors: dict[str, NDArray[np.float32]] = {}
        for fields, encode in self.towers.words:
            chosen = [name for name in fields if name == "joint" or name in native.values()]
            vectors |= dict.fromkeys(chosen, _word_means(encode, phrases))
        if self.towers.drawn is not None:
            drawn = _word_means(self.towers.drawn, [word[:DRAWN_PHRASES] for word in phrases])
            if drawn.any(axis=1).all():
                vectors[native["frames"]] = drawn
        return vectors

    def embed(self, contents: Sequence[Decoded]) -> list[list[Embedding] | DecodeError]:
        """Encode every view of each content.

        Args:
            contents: decoded media and texts.

        Returns:
            Per content its embeddings, or why it cannot be encoded; empty where it has no view.

        Raises:
            ModelUnavailableError: weights are not in the cache, or a hub is out of reach.
        """
        refused = {row: error for row, c in enumerate(contents) if (error := _refusal(c))}
        views: list[list[Embedding]] = [[] for _ in contents]
        kept = [(row, c) for row, c in enumerate(contents) if row not in refused]
        self._embed_frames(kept, views)
        heard = self._embed_sounds(kept, views)
        texts = [WordView(row=row, source="text", words=c.text) for row, c in kept if c.text]
        self._embed_words([*texts, *self._speech(kept, heard), *self._screen(kept)], views)
        return [refused.get(row, views[row]) for row in range(len(contents))]

    def _embed_frames(self, kept: Kept, views: list[list[Embedding]]) -> None:
        chosen = [(row, c, c.frames) for row, c in kept if c.frames is not None]
        if not chosen:
            return
        vectors = self.towers.image.encode([im for _, _, frames in chosen for im in frames.data])
        digest = self.fingerprints["frames"].digest
        start = 0
        for row, content, frames in chosen:
            rows = vectors[start : start + len(frames.data)]
            start += len(rows)
            moving = content.duration_seconds > 0 or bool(content.segments)
            views[row].append(
                video_embedding(rows, frames.pts_seconds, content.segments, digest)
                if moving
                else still_embedding(rows, digest)
            )

    def _embed_sounds(self, kept: Kept, views: list[list[Embedding]]) -> dict[int, Heard]:
        chosen = [(row, c, c.waveform) for row, c in kept if c.waveform is not None]
        if not chosen:
            return {}
        heard = self.towers.sound.hear([waveform for _, _, waveform in chosen])
        digest = self.fingerprints["sound"].digest
        for (row, content, _), one in zip(chosen, heard, strict=True):
            views[row].append(sound_embedding(one, content.segments, digest))
        return {row: one for (row, _, _), one in zip(chosen, heard, strict=True)}

    def _speech(self, kept: Kept, heard: dict[int, Heard]) -> list[WordView]:
        if self._transcriber is None:
            return []
        chosen = [
            (row, c.waveform, c.segments)
            for row, c in kept
            if c.waveform is not None and may_be_speech(heard[row])
        ]
        transcripts = self._transcriber.transcribe([waveform for _, waveform, _ in chosen])
        return [
            WordView(
                row=row,
                source="speech",
                words=transcript.text,
                stretches=transcript.by_segment(segments),
            )
            for (row, _, segments), transcript in zip(chosen, transcripts, strict=True)
            if transcript.text
        ]

    def _screen(self, kept: Kept) -> list[WordView]:
        if self._reader is None:
            return []
        read = [
            (row, self._reader.read(c.page_frames.data))
            for row, c in kept
            if c.page_frames is not None
        ]
        return [WordView(row=row, source="screen", words=words) for row, words in read if words]

    def _embed_words(self, words: Sequence[WordView], views: list[list[Embedding]]) -> None:
        if not words:
            return
        texts = [text for view in words for text in (view.words, *(t for _, t in view.stretches))]
        vectors = self.towers.text.encode(texts)
        start = 0
        for view in words:
            rows = vectors[start : start + 1 + len(view.stretches)]
            start += len(rows)
            digest = self.fingerprints[view.source].digest
            views[view.row].append(word_embedding(view, rows, digest))

    @cached_property
    def _transcriber(self) -> Transcriber | None:
        if not self.config.speech:
            return None
        from encoders.speech import Transcriber

        return Transcriber(Threads(count=self.config.threads))

    @cached_property
    def _reader(self) -> ScreenReader | None:
        if not self.config.screen:
            return None
        from encoders.screen import ScreenReader

        return ScreenReader(Threads(count=self.config.threads))


def _word_means(encode: WordEncoder, phrases: Sequence[Sequence[str]]) -> NDArray[np.float32]:
    rows = encode([phrase for word in phrases for phrase in word])
    ends = np.cumsum([len(word) for word in phrases])
    return unit(np.stack([part.mean(axis=0) for part in np.split(rows, ends[:-1])]))


def _refusal(content: Decoded) -> DecodeError | None:
    """Why a content cannot be encoded, where it cannot."""
    if content.waveform is not None and not np.isfinite(content.waveform.samples).all():
        return DecodeError("encode_failed", "the sound holds values that are no numbers")
    if content.frames is not None and 0 in content.frames.data.shape:
        return DecodeError("encode_failed", "the picture has no pixels")
    return None
