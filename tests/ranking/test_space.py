"""Items and words side by side: blocks, missing ones, and parts of a library."""

from __future__ import annotations

import numpy as np
import pytest

from encoders.base import unit
from ranking.space import AspectSpace, Block, ItemViews


def _views(rng: np.random.Generator) -> ItemViews:
    joint = unit(rng.normal(size=(10, 6)) + 1)
    sounds = unit(rng.normal(size=(4, 5)))
    return ItemViews(
        num_items=10,
        blocks={
            "joint": Block(np.arange(10), joint),
            "audio_native": Block(np.array([1, 4, 5, 9]), sounds),
        },
    )


def test_items_are_centred_blocks_of_equal_length_and_a_missing_block_is_zero() -> None:
    rng = np.random.default_rng(0)
    views = _views(rng)
    space = AspectSpace.fit(views, {"joint": unit(rng.normal(size=(3, 6)))})
    items = space.items(views)
    joint, sounds = space.slices["joint"], space.slices["audio_native"]
    np.testing.assert_allclose(np.linalg.norm(items, axis=1), 1, atol=1e-5)
    assert not items[0, sounds].any()
    np.testing.assert_allclose(np.linalg.norm(items[4, sounds]), np.sqrt(0.5), atol=1e-5)
    mean = views.blocks["joint"].vectors.mean(axis=0)
    np.testing.assert_allclose(
        items[0, joint], unit(views.blocks["joint"].vectors[:1] - mean)[0], atol=1e-5
    )


def test_a_field_without_words_tells_items_apart_but_gives_no_score() -> None:
    rng = np.random.default_rng(1)
    views = _views(rng)
    space = AspectSpace.fit(views, {"joint": unit(rng.normal(size=(3, 6)))})
    assert not space.anchors[:, space.slices["audio_native"]].any()


def test_scores_of_every_block_have_the_same_spread() -> None:
    rng = np.random.default_rng(2)
    joint, sounds = rng.normal(size=(200, 16)), rng.normal(size=(200, 16)) + 9
    every = np.arange(200)
    views = ItemViews(
        num_items=200,
        blocks={"joint": Block(every, unit(joint)), "image_native": Block(every, unit(sounds))},
    )
    words = {name: unit(rng.normal(size=(8, 16))) for name in views.blocks}
    space = AspectSpace.fit(views, words)
    for name, place in space.slices.items():
        centred = unit(views.blocks[name].vectors - space.means[name])
        assert (centred @ space.anchors[:, place].T).std() == pytest.approx(1, abs=1e-3)


def test_a_part_of_the_items_keeps_only_their_vectors() -> None:
    views = _views(np.random.default_rng(3))
    part = views.part(np.array([4, 5, 7]))
    assert part.num_items == 3
    np.testing.assert_array_equal(part.blocks["audio_native"].rows, [0, 1])
    np.testing.assert_array_equal(
        part.blocks["audio_native"].vectors, views.blocks["audio_native"].vectors[1:3]
    )
    np.testing.assert_array_equal(
        part.blocks["joint"].vectors, views.blocks["joint"].vectors[[4, 5, 7]]
    )


def test_an_item_reads_the_same_alone_and_among_others() -> None:
    rng = np.random.default_rng(4)
    views = _views(rng)
    space = AspectSpace.fit(views, {"joint": unit(rng.normal(size=(3, 6)))})
    alone = space.items(views.part(np.array([5])))
    np.testing.assert_allclose(alone[0], space.items(views)[5], atol=1e-6)


def test_the_span_holds_the_words_and_no_more() -> None:
    rng = np.random.default_rng(5)
    space = AspectSpace.fit(_views(rng), {"joint": unit(rng.normal(size=(3, 6)))})
    basis = space.span
    assert basis.shape[1] == 2  # three centred words
    np.testing.assert_allclose(space.words @ basis @ basis.T, space.words, atol=1e-5)


def test_items_that_share_no_field_with_the_words_are_refused() -> None:
    with pytest.raises(ValueError, match="no field"):
        AspectSpace.fit(_views(np.random.default_rng(6)), {"text_native": np.eye(3, 4, dtype="f4")})
