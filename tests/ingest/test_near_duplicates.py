"""Copies are found however they were made; clips that share an intro are not copies."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ingest.decode import DecodeOptions, decode
from ingest.item import Medium, Modality
from ingest.near_duplicates import NearDuplicateConfig, NearDuplicates
from ingest.pictures import frame_hash
from support.media import Picture, picture, write_video

SIZE = (192, 128)


def scenes(*seeds: int, seconds_each: float = 1.0, fps: int = 10) -> list[Picture]:
    """Scenes with a slow pan, one per seed."""
    frames = []
    for seed in seeds:
        wide = picture(seed, (SIZE[0] + 40, SIZE[1]))
        steps = range(round(seconds_each * fps))
        frames += [wide[:, 2 * step : 2 * step + SIZE[0]] for step in steps]
    return frames


def hashes(path: Path, frames: list[Picture], crf: int = 20, gop: int = 10) -> np.ndarray:
    write_video(path, frames, sound=False, keyframe_every=gop, options={"crf": str(crf)})
    medium = Medium(uri=str(path), modality=Modality.VIDEO, content_hash="h", size_bytes=1)
    found = decode(medium, DecodeOptions()).frame_hashes
    assert found is not None
    return found


def recode(frames: list[Picture]) -> list[Picture]:
    small = (SIZE[0] // 2, SIZE[1] // 2)
    return [np.asarray(Image.fromarray(f).resize(small, Image.Resampling.BICUBIC)) for f in frames]


def crop(frames: list[Picture]) -> list[Picture]:
    return [np.ascontiguousarray(f[2:-2, 4:-4]) for f in frames]


COPIES: dict[str, tuple[Callable[[list[Picture]], list[Picture]], dict[str, int]]] = {
    "recoded": (lambda f: f, {"crf": 38, "gop": 7}),
    "long-gop": (lambda f: f, {"gop": 250}),
    "rescaled": (recode, {}),
    "cropped": (crop, {}),
    "head-trimmed": (lambda f: f[15:], {}),
    "tail-trimmed": (lambda f: f[:-20], {}),
}


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> dict[int, np.ndarray]:
    folder = tmp_path_factory.mktemp("originals")
    return {n: hashes(folder / f"{n}.mp4", scenes(*range(100 * n, 100 * n + 8))) for n in range(4)}


@pytest.mark.parametrize("copy", COPIES)
def test_copies_are_linked_to_their_original(
    tmp_path: Path, originals: dict[int, np.ndarray], copy: str
) -> None:
    index = NearDuplicates()
    assert [index.add(str(n), found) for n, found in originals.items()] == [None] * 4
    change, options = COPIES[copy]
    for n in originals:
        frames = change(scenes(*range(100 * n, 100 * n + 8)))
        assert index.add("copy", hashes(tmp_path / f"{n}.mp4", frames, **options)) == str(n)


def test_clips_that_share_intro_outro_and_black_are_not_copies(tmp_path: Path) -> None:
    black = [np.zeros((SIZE[1], SIZE[0], 3), np.uint8)] * 10
    index = NearDuplicates()
    for n in range(6):
        own = scenes(*range(1000 + 10 * n, 1004 + 10 * n))
        frames = [*black, *scenes(1, 2), *own, *scenes(3), *black]
        assert index.add(str(n), hashes(tmp_path / f"{n}.mp4", frames)) is None


def test_the_same_scenes_in_another_order_are_another_clip(tmp_path: Path) -> None:
    index = NearDuplicates()
    index.add("a", hashes(tmp_path / "a.mp4", scenes(1, 2, 3, 4, 5, 6)))
    assert index.add("b", hashes(tmp_path / "b.mp4", scenes(6, 5, 4, 3, 2, 1))) is None


def test_stills_have_to_be_close() -> None:
    index = NearDuplicates()
    for seed in range(40):
        assert index.add(str(seed), np.array([frame_hash(picture(seed, (300, 200)))])) is None
    for seed in range(40):
        small = Image.fromarray(picture(seed, (300, 200))).resize((150, 100))
        darker = (np.asarray(small) * 0.8).astype(np.uint8)
        assert index.add("copy", np.array([frame_hash(darker)])) == str(seed)


def test_vectors_are_a_second_witness() -> None:
    index = NearDuplicates()
    one = np.array([frame_hash(picture(1))])
    east, north = np.eye(2)
    assert index.add("a", one, east) is None
    assert index.add("b", one, north) is None
    assert index.add("c", one, (0.995 * north + 0.0998 * east)) == "b"
    assert index.add("d", one) == "a"


def test_a_still_is_no_copy_of_a_clip_and_nothing_is_a_copy_of_nothing() -> None:
    index = NearDuplicates()
    run = np.array([frame_hash(picture(n)) for n in range(4)])
    assert index.add("clip", run) is None
    assert index.add("still", run[:1]) is None
    assert index.add("blank", run[:0]) is None
    assert index.add("also blank", run[:0]) is None


def test_candidates_within_seven_bits_are_never_missed() -> None:
    rng = np.random.default_rng(3)
    known = rng.integers(0, 1 << 63, 2000, dtype=np.uint64)
    index = NearDuplicates(NearDuplicateConfig(still_bits=7))
    for number, value in enumerate(known):
        assert index.add(str(number), known[number : number + 1]) is None, value
    for number in range(300):
        bits = rng.choice(63, 7, replace=False)
        turned = known[number] ^ np.uint64(sum(1 << int(bit) for bit in bits))
        assert index.add("copy", np.array([turned])) == str(number)


@pytest.mark.parametrize(
    "wrong",
    [
        partial(NearDuplicateConfig, still_bits=20),
        partial(NearDuplicateConfig, frame_bits=40),
        partial(NearDuplicateConfig, min_share=0.0),
    ],
)
def test_config_is_checked(wrong: partial[NearDuplicateConfig]) -> None:
    with pytest.raises(ValueError, match="expected"):
        wrong()
