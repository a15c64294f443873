"""Learning: resumes exactly, never gets worse, and learns whom to trust, item by item."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from encoders.base import unit
from fusion.gated import gated_fusion
from fusion.judge import fused
from fusion.mean import MaskedMean
from fusion.network import FusionNetwork, network_of
from fusion.progress import Progress
from fusion.stored import StoredViews, write_views
from fusion.train import TrainConfig, start_of, train
from fusion.views import padded
from fusion.weights import FusionSettings, FusionWeights, NetworkConfig
from ingest.item import MODALITIES
from support.seeds import SEEDS

NO_PAIRS = np.zeros((0, 2), np.int64)
QUICK = TrainConfig(
    epochs=4, batch_size=32, num_steps=4, learning_rate=1e-2, held_out_ratio=0.2, patience=9
)


class KilledError(Exception):
    """The run ends here, as if killed."""


def silent(_: Progress) -> None:
    pass


def views_of(folder: Path, num_items: int = 150, width: int = 8) -> StoredViews:
    """Items whose words are a turned copy of their picture."""
    random = np.random.default_rng(0)
    turn = np.linalg.qr(random.normal(size=(width, width)))[0]
    pictures = unit(random.normal(size=(num_items, width)))
    words = unit(pictures @ turn + 0.1 * random.normal(size=pictures.shape))
    return write_views(
        folder,
        [[{"image": pictures[n, None], "text": words[n, None]} for n in range(num_items)]],
    )


def learn(
    views: StoredViews, pairs: NDArray[np.int64], config: TrainConfig, checkpoint: Path
) -> FusionWeights:
    return train(views, pairs, config, checkpoint, silent, small(views.width, config.seed))[0]


def small(width: int, seed: int = 0, *, gated: bool = True) -> FusionNetwork:
    torch.manual_seed(seed)
    return FusionNetwork(NetworkConfig(width=width, num_heads=2, gated=gated))


def test_views_learn_to_agree_without_labels(tmp_path: Path) -> None:
    views = views_of(tmp_path / "v")
    config = replace(QUICK, epochs=25)
    weights, report = train(views, NO_PAIRS, config, tmp_path / "c", silent, small(8))
    assert report.after.value > 2 * report.before.value
    assert report.after.words > report.before.words
    fuser = network_of(weights).eval()
    tokens, present = views.batch(np.arange(len(views)))
    image, text = (MODALITIES.index(name) for name in ("image", "text"))
    present[:, text] = False
    joint = fused(fuser, tokens, present)
    found = (joint @ tokens[:, text, 0].T).argmax(axis=1) == np.arange(len(views))
    alone = (tokens[:, image, 0] @ tokens[:, text, 0].T).argmax(axis=1) == np.arange(len(views))
    assert found.mean() > alone.mean() + 0.2


@pytest.mark.parametrize("with_pairs", [False, True])
def test_a_killed_run_goes_on_to_the_same_weights(tmp_path: Path, with_pairs: bool) -> None:
    views = views_of(tmp_path / "v")
    random = np.random.default_rng(1)
    pairs = random.integers(len(views), size=(300, 2)) if with_pairs else NO_PAIRS
    whole = learn(views, pairs, QUICK, tmp_path / "whole")

    def kill(progress: Progress) -> None:
        if progress.epoch == 2:
            raise KilledError

    seen: list[int] = []
    with pytest.raises(KilledError):
        train(views, pairs, QUICK, tmp_path / "cut", kill, small(8))
    resumed, _ = train(
        views, pairs, QUICK, tmp_path / "cut", lambda p: seen.append(p.epoch), small(8)
    )
    assert seen == [2, 3, 4]
    assert resumed.fingerprint == whole.fingerprint


def test_a_checkpoint_of_other_settings_is_not_gone_on_from(tmp_path: Path) -> None:
    views = views_of(tmp_path / "v")
    learn(views, NO_PAIRS, QUICK, tmp_path / "c")
    seen: list[int] = []
    other = replace(QUICK, seed=1)
    train(views, NO_PAIRS, other, tmp_path / "c", lambda p: seen.append(p.epoch), small(8))
    assert seen == [0, 1, 2, 3, 4]


def test_a_torn_checkpoint_is_not_gone_on_from(tmp_path: Path) -> None:
    views = views_of(tmp_path / "v")
    whole = learn(views, NO_PAIRS, QUICK, tmp_path / "c")
    torn = (tmp_path / "c").read_bytes()
    (tmp_path / "c").write_bytes(torn[: len(torn) // 2])
    assert learn(views, NO_PAIRS, QUICK, tmp_path / "c").fingerprint == whole.fingerprint


def test_where_learning_only_spoils_the_mean_is_kept(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    rows = unit(random.normal(size=(150, 1, 8)))
    views = write_views(tmp_path / "v", [[{"image": row, "text": row} for row in rows]])
    config = replace(QUICK, learning_rate=1.0, epochs=3)
    weights, report = train(views, NO_PAIRS, config, tmp_path / "c", silent, small(8))
    assert report.best_epoch == 0
    assert report.after == report.before
    tokens, present = views.batch(np.arange(len(views)))
    expected, _ = MaskedMean().fuse(tokens, present)
    joint = fused(network_of(weights).eval(), tokens, present)
    np.testing.assert_allclose(joint, expected, atol=1e-6)


def test_a_state_that_loses_words_is_never_the_best(tmp_path: Path) -> None:
    """Pairs that pull items together whatever their words say."""
    views = views_of(tmp_path / "v")
    random = np.random.default_rng(1)
    pairs = random.permutation(np.array([(a, b) for a in range(150) for b in range(a % 3, 150, 3)]))
    config = replace(QUICK, epochs=6, learning_rate=0.05, agreement_weight=0.0, anchor_weight=0.0)
    _, report = train(views, pairs, config, tmp_path / "c", silent, small(8))
    assert report.after.words >= report.before.least_words


def trusting_world(
    folder: Path, seed: int, num_items: int = 300, width: int = 16
) -> tuple[StoredViews, NDArray[np.int64], NDArray[np.int64]]:
    """Items of thirty kinds; of each item one view shows its kind and the other another kind.

    Which one misleads can be seen: it has a mark in a direction of its own.
    """
    random = np.random.default_rng(seed)
    kinds = random.integers(30, size=num_items)
    spoilt = random.integers(2, size=num_items)
    centres = unit(random.normal(size=(30, width)) * (np.arange(width) > 0))
    views = centres[kinds][:, None] + 0.1 * random.normal(size=(num_items, 2, width))
    misleading = centres[random.integers(30, size=num_items)] + np.eye(width)[0]
    views[np.arange(num_items), spoilt] = misleading
    tokens = unit(views)
    stored = write_views(folder, [[{"image": t[:1], "audio": t[1:]} for t in tokens]])
    events = [np.flatnonzero(kinds == kind) for kind in range(30)]
    pairs = np.array([(a, b) for same in events for a in same for b in same if a != b])
    return stored, kinds, random.permutation(pairs)[:6000]


def precision(joint: NDArray[np.float32], kinds: NDArray[np.int64]) -> float:
    """Share of nearest neighbours that are of the same kind."""
    scores = joint @ joint.T
    np.fill_diagonal(scores, -np.inf)
    return float((kinds[scores.argmax(axis=1)] == kinds).mean())


@pytest.mark.parametrize("seed", SEEDS)
def test_gates_learn_which_view_to_trust(tmp_path: Path, seed: int) -> None:
    views, kinds, pairs = trusting_world(tmp_path / "v", seed)
    config = TrainConfig(
        epochs=4, batch_size=64, num_steps=20, learning_rate=1e-2, patience=9, seed=seed
    )
    tokens, present = views.batch(np.arange(len(views)))
    mean, _ = MaskedMean().fuse(tokens, present)
    reached = {}
    for gated in (True, False):
        network = small(views.width, seed, gated=gated)
        train(views, pairs, config, tmp_path / f"{gated}", silent, network)
        reached[gated] = precision(fused(network.eval(), tokens, present), kinds)
        if gated:
            with torch.inference_mode():
                _, shares = network(torch.from_numpy(tokens), torch.from_numpy(present))
    assert reached[True] > precision(mean, kinds) + 0.05
    assert reached[True] > reached[False]
    marked = tokens[:, [1, 2], 0, 0].argmax(axis=1)  # image and audio; the mark is the first number
    spoilt_share = shares.numpy()[np.arange(len(views)), np.array([1, 2])[marked]]
    assert spoilt_share.mean() < 0.48


def test_a_learnt_fuser_is_what_was_learnt(tmp_path: Path) -> None:
    views = views_of(tmp_path / "v")
    weights = replace(learn(views, NO_PAIRS, QUICK, tmp_path / "c"), space="here")
    weights.save(tmp_path / "w.safetensors")
    fuser = gated_fusion(tmp_path / "w.safetensors", "here")
    assert fuser.fingerprint == f"gated/1 {weights.fingerprint}"
    items = [{"text": unit(np.ones((1, 8)))}, {"text": unit(np.eye(8)[:1])}]
    tokens, present = padded(items)
    joint, shares = fuser.fuse(tokens, present)
    np.testing.assert_array_equal(joint, fused(network_of(weights).eval(), tokens, present))
    np.testing.assert_array_equal(shares[:, 3], 1.0)
    assert gated_fusion(tmp_path / "w.safetensors", "elsewhere").fingerprint == "masked-mean/1"
    assert gated_fusion(None, "here").fingerprint == "masked-mean/1"


def test_attention_learns_which_view_to_trust_and_is_named_on_disk(tmp_path: Path) -> None:
    views, kinds, pairs = trusting_world(tmp_path / "v", 0)
    config = TrainConfig(epochs=6, batch_size=64, num_steps=20, learning_rate=1e-2, patience=9)
    tokens, present = views.batch(np.arange(len(views)))
    network = start_of(FusionSettings(kind="attentive").shape(views.width), 0)
    mean, _ = MaskedMean().fuse(tokens, present)
    np.testing.assert_allclose(fused(network.eval(), tokens, present), mean, atol=1e-6)
    weights, _ = train(views, pairs, config, tmp_path / "c", silent, network)
    replace(weights, space="here").save(tmp_path / "w")
    fuser = gated_fusion(tmp_path / "w", "here")
    joint, shares = fuser.fuse(tokens, present)
    assert (fuser.num_tokens, fuser.fingerprint[:12]) == (1, "attentive/1 ")
    assert precision(joint, kinds) > precision(mean, kinds) + 0.05
    marked = tokens[:, [1, 2], 0, 0].argmax(axis=1)
    assert shares[np.arange(len(views)), np.array([1, 2])[marked]].mean() < 0.48
    np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-5)
    assert (shares[:, [0, 3]] == 0).all()
