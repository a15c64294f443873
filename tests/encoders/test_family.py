"""A family of encoders: batches over contents, views per content, words to search by."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from encoders.alignment import Alignment
from encoders.audio import YamnetEncoder
from encoders.base import Embedding, unit
from encoders.drawn import DrawnWords
from encoders.family import Family, FamilyConfig
from encoders.image import ClipImageEncoder
from encoders.text import OnnxTextEncoder
from ingest.decoded import Decoded, Frames, Segment, Waveform
from ingest.errors import DecodeError
from ingest.item import Modality
from support.media import picture

RATE = 16_000


def maps(folder: Path, seed: int = 0) -> str:
    """Random maps into the sentence space, where the real ones would be."""
    rng = np.random.default_rng(seed)
    folder.mkdir(exist_ok=True)
    for name, width in (("frames", 512), ("sound", YamnetEncoder.width), ("text", 384)):
        weight = rng.normal(0, 1 / np.sqrt(width), (width, 384)).astype(np.float32)
        Alignment(weight=weight).save(folder / f"{name}.safetensors")
    return str(folder)


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory, default_weights: None) -> Family:
    folder = tmp_path_factory.mktemp("maps")
    return Family(FamilyConfig(threads=2, alignment_dir=maps(folder)))


def still(seed: int) -> Decoded:
    """A photograph."""
    data = picture(seed)[None]
    return Decoded(
        content_hash=f"still{seed}",
        frames=Frames(data=data, pts_seconds=np.zeros(1)),
    )


def clip(seed: int, seconds: int = 4) -> Decoded:
    """A clip with sound and two stretches."""
    data = np.stack([picture(seed + i) for i in range(seconds)])
    half = seconds / 2
    return Decoded(
        content_hash=f"clip{seed}",
        frames=Frames(data=data, pts_seconds=np.arange(float(seconds))),
        waveform=sound(seed, seconds),
        segments=(
            Segment(start_seconds=0, end_seconds=half),
            Segment(start_seconds=half, end_seconds=seconds),
        ),
        duration_seconds=float(seconds),
    )


def sound(seed: int, seconds: float) -> Waveform:
    """Noise."""
    samples = np.random.default_rng(seed).normal(0, 0.1, int(seconds * RATE)).astype(np.float32)
    return Waveform(samples=samples, sample_rate_hz=RATE)


def views_of(result: Sequence[Embedding] | DecodeError) -> Sequence[Embedding]:
    assert not isinstance(result, DecodeError)
    return result


def test_each_content_gets_its_own_views(family: Family) -> None:
    text = Decoded(content_hash="t", text="a dog in the rain")
    nothing = Decoded(content_hash="n")

    results = family.embed([still(1), clip(2), text, nothing])

    kinds = [[(v.modality, v.source) for v in views_of(result)] for result in results]
    assert kinds == [
        [(Modality.IMAGE, "frames")],
        [(Modality.VIDEO, "frames"), (Modality.AUDIO, "sound")],
        [(Modality.TEXT, "text")],
        [],
    ]
    digests = {source: print_.digest for source, print_ in family.fingerprints.items()}
    for result in results:
        assert all(view.fingerprint == digests[view.source] for view in views_of(result))


def test_a_batch_equals_one_by_one(family: Family) -> None:
    contents = [clip(1, 3), still(5), clip(8, 2), Decoded(content_hash="t", text="words")]

    together = family.embed(contents)

    for content, result in zip(contents, together, strict=True):
        alone = views_of(family.embed([content])[0])
        for one, other in zip(views_of(result), alone, strict=True):
            np.testing.assert_array_equal(one.vector, other.vector)
            np.testing.assert_array_equal(one.segment_vectors, other.segment_vectors)


def test_a_clip_is_the_mean_of_its_frames(family: Family) -> None:
    content = clip(3)
    assert content.frames is not None

    frames, heard = views_of(family.embed([content])[0])

    rows = ClipImageEncoder().encode(list(content.frames.data))
    np.testing.assert_allclose(frames.vector, unit(rows.mean(axis=0)), atol=1e-6)
    expected = [unit(rows[:2].mean(axis=0)), unit(rows[2:].mean(axis=0))]
    np.testing.assert_allclose(frames.segment_vectors, expected, atol=1e-6)
    assert content.waveform is not None
    np.testing.assert_allclose(
        heard.vector, YamnetEncoder().encode([content.waveform])[0], atol=1e-6
    )


def test_what_cannot_be_encoded_is_set_apart(family: Family) -> None:
    broken = sound(0, 1)
    broken.samples[7] = np.nan

    results = family.embed([still(1), Decoded(content_hash="b", waveform=broken), still(2)])

    assert isinstance(results[1], DecodeError)
    assert results[1].code == "encode_failed"
    assert len(views_of(results[0])) == len(views_of(results[2])) == 1


def test_words_are_asked_in_the_joint_space(family: Family) -> None:
    vectors = family.query_text(["a dog", "rain"])

    assert set(vectors) == {"joint", "video", "image", "audio", "text"}
    native = OnnxTextEncoder().encode(["a dog", "rain"])
    for rows in vectors.values():
        np.testing.assert_allclose(rows, family.align("text", native), atol=1e-6)
    assert vectors["joint"].shape == (2, family.space_width)


def test_candidate_words_are_said_and_drawn(family: Family) -> None:
    words = [["a dog", "photo of a dog", "dogs"], ["rain", "rainy weather", "much rain", "wet"]]

    fields = family.word_fields(words)

    assert set(fields) == {"joint", "image_native"}
    said = [family.query_text(phrases)["joint"].mean(axis=0) for phrases in words]
    np.testing.assert_allclose(fields["joint"], unit(np.stack(said)), atol=1e-6)
    drawn = DrawnWords(ClipImageEncoder())
    seen = [drawn.encode(phrases[:2]).mean(axis=0) for phrases in words]
    np.testing.assert_allclose(fields["image_native"], unit(np.stack(seen)), atol=1e-6)


def test_a_word_that_cannot_be_drawn_leaves_drawings_out(family: Family) -> None:
    assert set(family.word_fields([["dog", "a dog"], ["犬"]])) == {"joint"}
    # One phrase with a drawing is enough for a word.
    assert "image_native" in family.word_fields([["dog", "犬"], ["cat"]])


@pytest.mark.parametrize("words", [[], [["dog"], []]])
def test_a_word_needs_a_phrase(family: Family, words: list[list[str]]) -> None:
    with pytest.raises(ValueError, match="a phrase each"):
        family.word_fields(words)


@pytest.mark.parametrize("source", ["text", "speech", "screen"])
def test_words_of_every_source_share_a_map(family: Family, source: str) -> None:
    native: NDArray[np.float32] = unit(np.random.default_rng(1).normal(size=(2, 384)))

    np.testing.assert_array_equal(family.align(source, native), family.align("text", native))


def test_words_heard_become_a_view(family: Family) -> None:
    speaking = Family(FamilyConfig(speech=True, alignment_dir=family.config.alignment_dir))

    assert set(speaking.fingerprints) == {"frames", "sound", "text", "speech"}
    assert speaking.fingerprints["speech"].digest != speaking.fingerprints["text"].digest
    # Noise is not worth a transcript, so the speech model is not even loaded.
    (views,) = speaking.embed([Decoded(content_hash="s", waveform=sound(1, 1))])
    assert [view.source for view in views_of(views)] == ["sound"]


@pytest.mark.slow
def test_words_on_screen_become_a_view(family: Family) -> None:
    pytest.importorskip("rapidocr", reason="the extra ocr is not installed")
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("RGB", (640, 240), "white")
    ImageDraw.Draw(image).text(
        (30, 30), "Breaking News", fill="black", font=ImageFont.load_default(48)
    )
    pages = Frames(data=np.asarray(image)[None], pts_seconds=np.zeros(1))
    reading = Family(FamilyConfig(screen=True, alignment_dir=family.config.alignment_dir))

    (views,) = reading.embed([Decoded(content_hash="s", page_frames=pages)])

    (view,) = views_of(views)
    assert (view.modality, view.source, view.words) == (Modality.TEXT, "screen", "Breaking News")
    np.testing.assert_array_equal(view.vector, OnnxTextEncoder().encode(["Breaking News"])[0])


def test_another_map_is_another_digest(tmp_path: Path, family: Family) -> None:
    other = Family(FamilyConfig(alignment_dir=maps(tmp_path / "other", seed=1)))

    assert other.alignment_digest != family.alignment_digest
    assert other.fingerprints == family.fingerprints


def test_a_search_by_words_loads_the_text_tower_alone(family: Family) -> None:
    fresh = Family(pickle.loads(pickle.dumps(family.config)))

    fresh.query_text(["a dog"])

    image, text = fresh.towers.image, fresh.towers.text
    assert isinstance(image, ClipImageEncoder)
    assert isinstance(text, OnnxTextEncoder)
    assert "_session" not in vars(image._model)
    assert "_session" in vars(text._onnx)


def test_settings_name_their_weights() -> None:
    assert FamilyConfig().weights == ("clip-vit-b16", "yamnet", "minilm-l6")
    assert FamilyConfig(text_model="bge-small-en", speech=True).weights == (
        "clip-vit-b16",
        "yamnet",
        "bge-small-en",
        "whisper-base",
    )
    assert FamilyConfig(name="hub").weights == ()
    assert FamilyConfig().sample_rate_hz == 16_000
    assert FamilyConfig(name="hub").sample_rate_hz == 48_000
    with pytest.raises(ValueError, match="threads"):
        FamilyConfig(threads=-1)


def test_the_configuration_imports_nothing_heavy() -> None:
    import subprocess

    code = (
        "import sys, encoders.family, encoders.weights; "
        "print([m for m in ('torch', 'onnxruntime', 'transformers', 'PIL') if m in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
