"""Learnt profiles in service: kept and read again, asked as a signal and as a scorer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from ingest.histories import History
from ranking.profile_model import ProfileModel, ProfileScorer, ProfileSignal
from ranking.profile_network import ProfileNetwork, ProfileShape
from ranking.signals import Deeds, Signal
from retrieval.fitted import FittedError
from support.profiles import planted

WORLD = planted(num_users=4, num_items=9)
NOTHING = np.zeros(0, np.int64)


@pytest.fixture
def model() -> ProfileModel:
    torch.manual_seed(0)
    network = ProfileNetwork(ProfileShape(width=16, hidden=8)).eval()
    return ProfileModel(network=network, items=WORLD.items, space="here")


def deeds(user_id: str) -> Deeds:
    return Deeds(user_id=user_id, items=NOTHING, types=(), times_us=NOTHING, asked_us=0)


def test_what_is_kept_answers_alike(model: ProfileModel, tmp_path: Path) -> None:
    model.save(tmp_path / "profiles.safetensors")
    read = ProfileModel.load(tmp_path / "profiles.safetensors", WORLD.items)
    assert (read.space, read.fingerprint) == ("here", model.fingerprint)
    assert np.array_equal(read.score(WORLD.profiles), model.score(WORLD.profiles))
    assert np.allclose(read.weights(WORLD.profiles).sum(axis=1), 1)
    (tmp_path / "profiles.safetensors").write_bytes(b"no")
    with pytest.raises(FittedError, match="no profiles"):
        ProfileModel.load(tmp_path / "profiles.safetensors", WORLD.items)


def test_a_signal_rates_candidates_one_by_one_and_strangers_alike(model: ProfileModel) -> None:
    people = {"anna": WORLD.profiles[0]}
    signal: Signal = ProfileSignal(model=model, known=lambda of: people.get(of.user_id))
    items = np.array([3, 1, 7], np.int64)
    rated = signal.rate(deeds("anna"), items)
    assert np.allclose(rated, model.score(WORLD.profiles[:1])[0, items], atol=1e-6)
    assert np.allclose(signal.rate(deeds("anna"), items[1:]), rated[1:], atol=1e-6)
    assert not signal.rate(deeds("bert"), items).any()
    assert not signal.rate(deeds(""), items).any()
    assert model.fingerprint in signal.name


def test_a_scorer_makes_profiles_of_histories_and_scores_empty_ones_alike(
    model: ProfileModel,
) -> None:
    def profiles_of(histories: list[History]) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        return np.stack([WORLD.profiles[0] * bool(len(one.items)) for one in histories])

    some = History(items=np.array([2]), times_us=np.array([5]), asked_us=5)
    none = History(items=NOTHING, times_us=NOTHING, asked_us=5)
    scorer = ProfileScorer(model=model, profiles_of=profiles_of)  # type: ignore[arg-type]
    scores = scorer.score([some, none])
    assert scores.shape == (2, 9)
    assert scores[0].std() > 0
    assert not scores[1].any()
