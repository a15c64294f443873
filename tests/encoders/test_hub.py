"""The hub family on tiny models: the real loading, preprocessing and batching code."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from encoders.alignment import fit_ridge
from encoders.base import unit
from encoders.family import Family, FamilyConfig
from encoders.hub import HubOptions, hub_towers
from encoders.hub_image import OpenClipEncoder
from encoders.hub_sound import SAMPLE_RATE_HZ, ClapEncoder
from encoders.hub_text import SentenceEncoder
from encoders.hub_words import vocabulary
from ingest.decoded import Decoded, Frames, Segment, Waveform
from ingest.item import Modality
from support.media import picture
from support.tiny_models import tiny_clap, tiny_clip, tiny_sentence


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> HubOptions:
    folder: Path = tmp_path_factory.mktemp("hub")
    return HubOptions(
        image_model=tiny_clip(folder / "clip"),
        sound_model=tiny_clap(folder / "clap"),
        text_model=tiny_sentence(folder / "sentence"),
        device="cpu",
    )


@pytest.fixture(scope="module")
def family(options: HubOptions) -> Family:
    return Family(FamilyConfig(name="hub"), hub_towers(options))


def noise(seconds: float, seed: int = 0) -> Waveform:
    """White noise at CLAP's rate."""
    samples = np.random.default_rng(seed).normal(0, 0.1, int(seconds * SAMPLE_RATE_HZ))
    return Waveform(samples=samples.astype(np.float32), sample_rate_hz=SAMPLE_RATE_HZ)


def test_images_equal_the_plain_use_of_open_clip(options: HubOptions) -> None:
    import open_clip
    import torch
    from PIL import Image

    images = [picture(seed, (50 + seed, 40)) for seed in range(3)]
    encoder = OpenClipEncoder(options.image_model, "cpu")

    vectors = encoder.encode(images)

    network, _, transform = open_clip.create_model_and_transforms(
        f"local-dir:{options.image_model.folder}"
    )
    network.eval()
    for image, vector in zip(images, vectors, strict=True):
        with torch.inference_mode():
            expected = network.encode_image(transform(Image.fromarray(image))[None]).numpy()
        np.testing.assert_allclose(vector, unit(expected)[0], atol=1e-5)
    assert vectors.shape == (3, encoder.width)
    assert encoder.encode([]).shape == (0, encoder.width)


def test_images_beyond_one_pass_keep_their_order(options: HubOptions) -> None:
    encoder = OpenClipEncoder(options.image_model, "cpu")
    images = [picture(seed, (40, 40)) for seed in range(70)]

    together = encoder.encode(images)

    np.testing.assert_allclose(
        together[[0, 63, 64, 69]],
        encoder.encode([images[0], images[63], images[64], images[69]]),
        atol=1e-5,
    )


def test_sounds_are_heard_in_pieces(options: HubOptions) -> None:
    encoder = ClapEncoder(options.sound_model, "cpu")
    short, long, rest = noise(3), noise(24, 1), noise(10.5, 2)

    heard = encoder.hear([short, long, rest])

    assert [len(one.vectors) for one in heard] == [1, 3, 1]
    np.testing.assert_allclose(heard[1].centres_seconds, [5, 15, 22])
    alone = np.concatenate([encoder.encode([sound]) for sound in (short, long, rest)])
    np.testing.assert_allclose(encoder.encode([short, long, rest]), alone, atol=1e-5)
    with pytest.raises(ValueError, match="expected 48000 Hz"):
        encoder.hear([Waveform(samples=np.zeros(9, np.float32), sample_rate_hz=16_000)])


def test_words_of_clap_equal_one_by_one(options: HubOptions) -> None:
    encoder = ClapEncoder(options.sound_model, "cpu")
    texts = ["a dog", "the sound of rain", "a cat"]

    together = encoder.encode_words(texts)

    alone = np.concatenate([encoder.encode_words([text]) for text in texts])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    assert together.shape == (3, encoder.width)


def test_sentences_equal_the_mean_of_their_tokens(options: HubOptions) -> None:
    import torch
    from transformers import AutoModel, AutoTokenizer

    encoder = SentenceEncoder(options.text_model, "cpu")
    texts = ["a dog", "the sound of rain"]

    vectors = encoder.encode(texts)

    network = AutoModel.from_pretrained(options.text_model.folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(options.text_model.folder)
    for text, vector in zip(texts, vectors, strict=True):
        ids = tokenizer(f"query: {text}", add_special_tokens=False)["input_ids"]
        ids = torch.tensor([[tokenizer.cls_token_id, *ids, tokenizer.sep_token_id]])
        with torch.inference_mode():
            expected = network(ids).last_hidden_state[0].mean(dim=0).numpy()
        np.testing.assert_allclose(vector, unit(expected), atol=1e-5)
    alone = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in texts]
    assert encoder.count_tokens(texts) == sum(map(len, alone))


def test_the_end_of_a_long_text_counts(options: HubOptions) -> None:
    encoder = SentenceEncoder(options.text_model, "cpu")
    start = "a dog " * 40

    one, other = encoder.encode([start + "rain " * 20, start + "photo " * 20])

    assert one @ other < 0.9999


def test_a_clip_has_views_in_its_towers_spaces(family: Family, options: HubOptions) -> None:
    frames = Frames(data=np.stack([picture(i) for i in range(4)]), pts_seconds=np.arange(4.0))
    content = Decoded(
        content_hash="c",
        frames=frames,
        waveform=noise(4),
        duration_seconds=4.0,
        segments=(Segment(start_seconds=0, end_seconds=2), Segment(start_seconds=2, end_seconds=4)),
    )

    (views,) = family.embed([content])

    assert isinstance(views, list)
    assert [(v.modality, v.source) for v in views] == [
        (Modality.VIDEO, "frames"),
        (Modality.AUDIO, "sound"),
    ]
    rows = OpenClipEncoder(options.image_model, "cpu").encode(list(frames.data))
    np.testing.assert_allclose(views[0].vector, unit(rows.mean(axis=0)), atol=1e-5)
    np.testing.assert_allclose(views[0].segment_vectors[1], unit(rows[2:].mean(axis=0)), atol=1e-5)
    for view in views:
        aligned = family.align(view.source, view.vector[None])
        assert aligned.shape == (1, family.space_width)


def test_words_are_asked_in_three_spaces(family: Family, options: HubOptions) -> None:
    vectors = family.query_text(["a dog", "rain"])

    assert {name: rows.shape for name, rows in vectors.items()} == {
        **dict.fromkeys(("joint", "video", "image", "audio", "text"), (2, 24)),
        "audio_native": (2, 20),
        "text_native": (2, 16),
    }
    clip = OpenClipEncoder(options.image_model, "cpu").encode_words(["a dog", "rain"])
    np.testing.assert_allclose(vectors["joint"], clip, atol=1e-5)


def test_candidate_words_are_said_in_the_space_of_each_tower(family: Family) -> None:
    words = [["a dog", "dogs"], ["rain"], ["a cat"]]

    fields = family.word_fields(words)

    assert set(fields) == {"joint", "audio_native", "text_native"}
    for name, rows in fields.items():
        said = [family.query_text(phrases)[name].mean(axis=0) for phrases in words]
        np.testing.assert_allclose(rows, unit(np.stack(said)), atol=1e-5)


def test_towers_meet_through_words(family: Family, options: HubOptions) -> None:
    clap = ClapEncoder(options.sound_model, "cpu").encode_words(vocabulary())
    clip = OpenClipEncoder(options.image_model, "cpu").encode_words(vocabulary())

    expected = fit_ridge(clap, clip, 1.0).apply(clap[:5])

    np.testing.assert_allclose(family.align("sound", clap[:5]), expected, atol=1e-4)


def test_what_a_family_is_is_known_before_it_loads(options: HubOptions) -> None:
    family = Family(FamilyConfig(name="hub"), hub_towers(options))

    digests = {print_.digest for print_ in family.fingerprints.values()}
    assert len(digests) == 3
    assert len(family.alignment_digest) == 16
    assert "_loaded" not in vars(family.towers.image)


def test_the_vocabulary_is_said_once() -> None:
    phrases = vocabulary()

    assert 400 < len(phrases) == len(set(phrases))
    assert "a photo of a dog" in phrases
