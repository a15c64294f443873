"""The decode and encode stages: what is wanted goes through, what fails says why."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from encoders.base import Embedding, unit
from encoders.wheels import ModelUnavailableError
from ingest.decode import DecodeOptions, decode
from ingest.decoded import Decoded
from ingest.errors import DecodeError
from ingest.item import Medium, Modality
from ray_jobs import local
from ray_jobs.stage import Failure, StageError
from ray_jobs.stages import ContentTask, EncodedContent, decode_stage, encode_stage
from support.media import write_image, write_video


def medium(path: Path, modality: Modality) -> Medium:
    size = path.stat().st_size
    return Medium(uri=str(path), modality=modality, content_hash=path.name, size_bytes=size)


def task(path: Path, modality: Modality, *sources: str) -> ContentTask:
    source = medium(path, modality)
    return ContentTask(content_hash=path.name, sources=frozenset(sources), medium=source)


class Means:
    """Encodes frames by their mean colour; refuses red pictures."""

    def embed(self, contents: Sequence[Decoded]) -> list[list[Embedding] | DecodeError]:
        return [self._one(content) for content in contents]

    def _one(self, content: Decoded) -> list[Embedding] | DecodeError:
        assert content.frames is not None
        colour = content.frames.data.mean(axis=(0, 1, 2))
        if colour[0] > 200 > colour[1]:
            return DecodeError("encode_failed", "red is refused")
        part = Embedding(
            modality=Modality.IMAGE,
            source="frames",
            fingerprint="means/1",
            vector=unit(colour),
            segment_vectors=np.zeros((0, 3), np.float32),
            segment_bounds=np.zeros((0, 2)),
        )
        return [part]


class Unloadable:
    """Its weights are not to be had, which shows at the first content."""

    def embed(self, contents: Sequence[Decoded]) -> list[list[Embedding] | DecodeError]:
        raise ModelUnavailableError(f"no weights for {len(contents)} contents", "pull them")


def decoder() -> partial[Decoded]:
    return partial(decode, options=DecodeOptions())


def test_only_what_is_wanted_leaves_the_decoder(tmp_path: Path) -> None:
    clip = write_video(tmp_path / "clip.mp4", seconds=2.0)
    work = decode_stage(decoder, workers=1, timeout_seconds=None).build()
    [all_of_it, pictures, sound, words] = work(
        [
            task(clip, Modality.VIDEO, "frames", "sound"),
            task(clip, Modality.VIDEO, "frames"),
            task(clip, Modality.VIDEO, "sound"),
            ContentTask(content_hash="w", sources=frozenset({"text"}), text="hello"),
        ]
    )
    assert all_of_it.frames is not None
    assert all_of_it.waveform is not None
    assert pictures.waveform is None
    assert sound.frames is None
    assert sound.frame_hashes is not None
    assert (words.text, words.frames) == ("hello", None)


def test_a_broken_file_is_a_failure_with_its_code(tmp_path: Path) -> None:
    path = tmp_path / "empty.jpg"
    path.write_bytes(b"")
    work = decode_stage(decoder, workers=1, timeout_seconds=None).build()
    [failure] = work([task(path, Modality.IMAGE, "frames")])
    assert isinstance(failure, Failure)
    assert failure.code == "empty"


def test_encoding_drops_the_arrays_and_keeps_refusals(tmp_path: Path) -> None:
    red = write_image(tmp_path / "red.png", np.full((64, 64, 3), (250, 0, 0), np.uint8))
    blue = write_image(tmp_path / "blue.png", np.full((64, 64, 3), (0, 9, 250), np.uint8))
    decodes = decode_stage(decoder, workers=1, timeout_seconds=None).build()
    encodes = encode_stage(Means, workers=1).build()
    refused, kept = encodes(decodes([task(p, Modality.IMAGE, "frames") for p in (red, blue)]))
    assert refused == Failure(code="encode_failed", message="red is refused")
    assert isinstance(kept, EncodedContent)
    assert kept.decoded.frames is None
    assert kept.decoded.thumbnail
    assert int(kept.embeddings[0].vector.argmax()) == 2


def test_a_model_that_cannot_be_loaded_ends_the_run_and_blames_no_file(tmp_path: Path) -> None:
    tasks = [
        (str(n), task(write_image(tmp_path / f"{n}.png", n), Modality.IMAGE, "frames"))
        for n in range(4)
    ]
    stages = [
        decode_stage(decoder, workers=1, timeout_seconds=30.0),
        encode_stage(Unloadable, workers=1, batch_size=2),
    ]
    with pytest.raises(StageError, match=r"no weights for \d contents; pull them"):
        list(local.run(stages, tasks))
