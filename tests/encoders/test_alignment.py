"""Maps into the joint space, against planted worlds where the right map is known."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from encoders.alignment import (
    IDENTITY,
    Alignment,
    AlignmentError,
    class_bridge,
    fit_ridge,
    shipped,
)
from encoders.alignment_fit import fit, fit_centre, reciprocal_rank_and_recall
from encoders.base import unit

Array = NDArray[np.float32]
WIDTH, SPACE, NOISE = 48, 24, 0.05


def world(seed: int, count: int) -> tuple[Array, Array, Array]:
    """Native vectors, titles at their linear image plus noise, and the true map."""
    rng = np.random.default_rng(seed)
    true = rng.normal(size=(WIDTH, SPACE)).astype(np.float32)
    native = unit(rng.normal(size=(count, WIDTH)) + 0.5)
    titles = unit(native @ true + NOISE * rng.normal(size=(count, SPACE)))
    return native, titles, true


def recall(alignment: Alignment, native: Array, titles: Array) -> float:
    own = np.arange(len(native))
    return reciprocal_rank_and_recall(titles, alignment.apply(native), own)[0]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_ridge_recovers_the_planted_map(seed: int) -> None:
    native, titles, _ = world(seed, 600)
    learnt = fit_ridge(native[:400], titles[:400], 0.1)
    assert recall(learnt, native[400:], titles[400:]) > 0.95
    shuffled = fit_ridge(native[:400], np.roll(titles[:400], 1, axis=0), 0.1)
    assert recall(shuffled, native[400:], titles[400:]) < 0.2


def test_ridge_without_prior_is_the_textbook_solution() -> None:
    native, titles, _ = world(3, 60)
    rows = np.hstack([native, np.ones((60, 1))])
    penalty = 2.0 * np.eye(WIDTH + 1)
    penalty[-1, -1] = 0.0
    expected = np.linalg.solve(rows.T @ rows + penalty, rows.T @ titles)
    learnt = fit_ridge(native, titles, 2.0)
    np.testing.assert_allclose(learnt.weight, expected[:-1], atol=1e-4)
    np.testing.assert_allclose(learnt.bias, expected[-1], atol=1e-4)


def test_counted_rows_stand_for_repeated_pairs() -> None:
    native, titles, true = world(11, 40)
    counts = np.arange(40) % 3 + 1
    prior = Alignment(weight=true)
    repeated = fit_ridge(np.repeat(native, counts, 0), np.repeat(titles, counts, 0), 2.0, prior)
    counted = fit_ridge(native, titles, 2.0, prior, counts)
    np.testing.assert_allclose(counted.weight, repeated.weight, atol=1e-4)
    np.testing.assert_allclose(counted.bias, repeated.bias, atol=1e-4)


def test_a_strong_prior_is_kept_and_a_weak_one_yields() -> None:
    native, titles, true = world(4, 400)
    prior = Alignment(weight=true + np.float32(0.5))
    kept = fit_ridge(native, titles, 1e9, prior)
    np.testing.assert_allclose(kept.apply(native), prior.apply(native), atol=1e-4)
    assert recall(fit_ridge(native, titles, 0.1, prior), native, titles) > 0.95


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_few_pairs_leave_the_prior_as_it_is(seed: int) -> None:
    native, titles, true = world(seed, 200)
    learnt, report = fit(native[:5], titles[:5], np.arange(5), Alignment(weight=true))
    assert report.strength == np.inf
    assert report.recall_after == report.recall_before
    assert recall(learnt, native[5:], titles[5:]) == recall(
        Alignment(weight=true), native[5:], titles[5:]
    )


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_many_pairs_improve_a_poor_prior(seed: int) -> None:
    native, titles, true = world(seed, 700)
    rng = np.random.default_rng(100 + seed)
    poor = Alignment(weight=true + 2 * rng.normal(size=true.shape).astype(np.float32))
    owners = np.repeat(np.arange(300), 2)
    learnt, report = fit(native[:300], titles[owners], owners, poor)
    assert report.num_items == 300
    assert report.num_titles == 600
    assert report.recall_after >= report.recall_before
    before = recall(poor, native[300:], titles[300:])
    assert recall(learnt, native[300:], titles[300:]) > before + 0.2


def test_titles_without_meaning_change_nothing() -> None:
    native, _, true = world(5, 200)
    noise = unit(np.random.default_rng(5).normal(size=(200, SPACE)))
    prior = Alignment(weight=true)
    titles = prior.apply(native)
    titles[100:] = noise[100:]
    learnt, report = fit(native, titles, np.arange(200), prior)
    assert report.recall_after >= report.recall_before
    assert recall(learnt, native[:100], titles[:100]) > 0.9


def test_the_text_centre_follows_many_titles() -> None:
    rng = np.random.default_rng(0)
    titles = unit(rng.normal(size=(5000, SPACE)) + 0.5)
    moved = fit_centre(titles, IDENTITY).apply(titles)
    assert np.linalg.norm(titles.mean(axis=0)) > 0.3
    assert np.linalg.norm(moved.mean(axis=0)) < 0.05
    one = fit_centre(titles[:1], IDENTITY)
    assert np.linalg.norm(one.centre) < 0.02


def test_applying_gives_unit_rows_in_single_precision() -> None:
    native, _, true = world(6, 10)
    given = Alignment(weight=true, bias=np.ones(SPACE, np.float32)).apply(7 * native)
    assert given.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(given, axis=1), 1.0, atol=1e-5)
    np.testing.assert_allclose(given, unit(native @ true + 1), atol=1e-5)


def test_centring_takes_the_mean_off() -> None:
    native, _, true = world(7, 500)
    plain = Alignment(weight=true, bias=np.full(SPACE, 3, np.float32))
    centred = plain.centred(plain.apply(native).mean(axis=0))
    assert np.linalg.norm(plain.apply(native).mean(axis=0)) > 0.5
    assert np.linalg.norm(centred.apply(native).mean(axis=0)) < 0.1
    assert centred.fingerprint != plain.fingerprint


def test_identity_passes_unit_rows_through() -> None:
    native, _, _ = world(8, 4)
    np.testing.assert_allclose(IDENTITY.apply(3 * native), native, atol=1e-6)


def test_class_bridge_adds_names_by_their_scores() -> None:
    names = np.eye(3, dtype=np.float32)
    bridge = class_bridge(names, 5)
    scores = np.array([[9, 9, 1, 0, 0], [9, 9, 0, 1, 1]], np.float32)
    expected = unit(np.array([[2, -1, -1], [-2, 1, 1]], np.float32) / 3)
    np.testing.assert_allclose(bridge.apply(scores), expected, atol=1e-6)


def test_fingerprints_change_with_any_number() -> None:
    _, _, true = world(9, 1)
    first = Alignment(weight=true)
    again = Alignment(weight=true.copy())
    other = true.copy()
    other[3, 3] += 1e-3
    assert first.fingerprint == again.fingerprint
    assert len({first.fingerprint, Alignment(weight=other).fingerprint, IDENTITY.fingerprint}) == 3
    assert dataclasses.replace(first, bias=true[0]).fingerprint != first.fingerprint


def test_a_saved_map_comes_back(tmp_path: Path) -> None:
    native, titles, _ = world(10, 300)
    learnt = fit_ridge(native, titles, 1.0).centred(titles.mean(axis=0))
    learnt.save(tmp_path / "a.safetensors")
    loaded = Alignment.load(tmp_path / "a.safetensors")
    assert (learnt.apply(native) * loaded.apply(native)).sum(axis=1).min() > 0.999
    loaded.save(tmp_path / "b.safetensors")
    assert Alignment.load(tmp_path / "b.safetensors").fingerprint == loaded.fingerprint


def test_unusable_files_and_widths_are_refused(tmp_path: Path) -> None:
    (tmp_path / "text.safetensors").write_text("no map")
    with pytest.raises(AlignmentError, match="is not an alignment"):
        Alignment.load(tmp_path / "text.safetensors")
    with pytest.raises(AlignmentError, match="is not an alignment"):
        Alignment.load(tmp_path / "missing.safetensors")
    with pytest.raises(AlignmentError, match="takes vectors of 4 numbers, got 5"):
        Alignment(weight=np.ones((4, 2), np.float32)).apply(np.ones((1, 5), np.float32))
    with pytest.raises(ValueError, match="bias has 3 numbers"):
        Alignment(weight=np.ones((4, 2), np.float32), bias=np.ones(3, np.float32))
    with pytest.raises(AlignmentError, match="no alignment from"):
        shipped("clip-vit-b16", "unknown")


@pytest.mark.parametrize("text_model", ["minilm-l6", "bge-small-en", "multilingual-e5-small"])
@pytest.mark.parametrize(("tower", "width"), [("clip-vit-b16", 512), ("yamnet", 1545)])
def test_shipped_maps_fit_their_towers(text_model: str, tower: str, width: int) -> None:
    rows = unit(np.random.default_rng(0).normal(size=(3, width)))
    assert shipped(tower, text_model).apply(rows).shape == (3, 384)


def test_shipped_maps_are_small() -> None:
    folder = Path(__file__).parents[2] / "encoders" / "data"
    assert sum(file.stat().st_size for file in folder.glob("*-to-*.safetensors")) < 3_000_000


@pytest.mark.realdata
def test_words_find_photographs_that_no_caption_was_learnt_from() -> None:
    root = os.environ.get("SENSORIUM_TEST_DATA")
    folder = Path(root or "") / "flickr8k-1k"
    if not root or not folder.is_dir():
        pytest.skip("SENSORIUM_TEST_DATA names no folder with flickr8k-1k")
    from PIL import Image

    from encoders.image import ClipImageEncoder
    from encoders.text import OnnxTextEncoder

    rows = (folder / "captions.txt").read_text().splitlines()[1:501]
    names, captions = zip(*(row.split(",", 1) for row in rows), strict=True)
    files = list(dict.fromkeys(names))
    pictures = [np.asarray(Image.open(folder / "images" / f).convert("RGB")) for f in files]
    images = shipped("clip-vit-b16", "minilm-l6").apply(ClipImageEncoder().encode(pictures))
    queries = shipped("minilm-l6", "minilm-l6").apply(OnnxTextEncoder().encode(captions))
    own = np.array([files.index(name) for name in names])
    assert len(files) == 100
    assert reciprocal_rank_and_recall(queries, images, own)[1] > 0.85
