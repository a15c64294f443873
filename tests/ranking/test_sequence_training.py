"""Learning sequences: finds what was planted, resumes exactly, keeps the best."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from ranking import sequence_loss, sequence_step
from ranking.ranker import SequenceNetwork
from ranking.ranker_config import RankerConfig
from ranking.sequence_draws import SequenceTraining
from ranking.sequence_progress import Progress
from ranking.sequence_step import like_lengths
from ranking.sequence_training import SequenceData, train_ranker
from ranking.sequence_validation import Validation
from ranking.sequences import Sequences, rows_learnt_from
from support.histories import walks

RINGS, SIZE, USERS = 6, 8, 400
BEST = 0.9 * 0.8 + 0.1 / (RINGS * SIZE)
"""Share of next items that whoever knows the rings names at once: no noise, no step missed."""
QUICK = SequenceTraining(
    epochs=6, batch_size=64, learning_rate=1e-2, drawn="all", patience=10, seed=3
)


class KilledError(Exception):
    """The run ends here, as if killed."""


def silent(_: Progress) -> None:
    pass


def world(seed: int = 0, *, content_width: int = 0, num_actions: int = 1) -> SequenceData:
    """Walks on rings: the last event is for the test, the one before for validation."""
    histories = walks(USERS, RINGS, SIZE, seed)
    draw = np.random.default_rng(seed)
    actions = draw.integers(num_actions, size=len(histories.items))

    def without(places: int) -> Sequences:
        kept = histories.places_from_end >= places
        return Sequences(histories=histories.only(kept), actions=actions[kept])

    content = draw.normal(size=(histories.num_items, content_width)).astype(np.float32)
    learnt = without(2)
    rows = rows_learnt_from(learnt.histories, content if content_width else None)
    return SequenceData(sequences=learnt, validation=without(1), rows=rows)


def network_for(data: SequenceData, seed: int = 0, /, **changes: object) -> SequenceNetwork:
    content = data.rows.content
    settings: dict[str, object] = {
        "num_ids": len(data.rows.known),
        "content_width": 0 if content is None else content.shape[1],
        "width": 24,
        "num_layers": 1,
        "expansion": 2,
        "length": 6,
        "dropped_ratio": 0.1,
    }
    torch.manual_seed(seed)
    return SequenceNetwork(RankerConfig(**(settings | changes)))  # type: ignore[arg-type]


def test_what_was_planted_is_found_and_no_more(tmp_path: Path) -> None:
    for seed in range(3):
        data = world(seed)
        network = network_for(data, seed)
        progress = train_ranker(data, network, QUICK, tmp_path / str(seed), silent)
        tested = Sequences(histories=walks(USERS, RINGS, SIZE, seed))
        ranks = Validation(sequences=tested, rows=data.rows).ranks(network)
        first = float((ranks <= 1).mean())
        assert 0.5 < first < BEST + 3 * math.sqrt(BEST * (1 - BEST) / USERS)
        assert progress.best.hits_at_10 > 2.5 * popular(data, tested)


def popular(data: SequenceData, tested: Sequences) -> float:
    """Share of users whose next item is among the ten that occur most often."""
    counts = np.bincount(data.sequences.histories.items, minlength=len(data.rows))
    ends = tested.histories.offsets[1:] - 1
    return float(np.isin(tested.histories.items[ends], np.argsort(-counts)[:10]).mean())


@pytest.mark.parametrize(
    ("settings", "shape"),
    [
        ({}, {"block": "plain"}),
        ({}, {"block": "pointwise", "temperature": 0.05}),
        ({"drawn": "uniform", "num_drawn": 16}, {}),
        ({"precision": "bfloat16"}, {}),
        ({"averaged_steps": 5, "event_dropped_ratio": 0.1}, {}),
        ({"drawn": "uniform", "num_drawn": 16, "shared": False, "corrected": False}, {}),
        ({"drawn": "popular", "num_drawn": 16}, {"time": "gaps"}),
        ({"drawn": "batch"}, {"time": "request"}),
        ({"drawn": "uniform", "num_drawn": 16, "loss": "binary", "epochs": 9}, {}),
    ],
)
def test_every_way_of_learning_finds_it(
    tmp_path: Path, settings: dict[str, object], shape: dict[str, object]
) -> None:
    data = world()
    config = replace(QUICK, **settings)  # type: ignore[arg-type]
    progress = train_ranker(data, network_for(data, 0, **shape), config, tmp_path / "c", silent)
    assert progress.best.ndcg_at_10 > 0.6


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_a_gpu_learns_the_same_task(tmp_path: Path) -> None:
    data = world(content_width=4, num_actions=2)
    config = replace(QUICK, device="cuda", drawn="uniform", num_drawn=16, id_dropped_ratio=0.1)
    network = network_for(data, 0, num_actions=2, time="request")
    progress = train_ranker(data, network, config, tmp_path / "c", silent)
    assert progress.best.ndcg_at_10 > 0.4


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"id_dropped_ratio": 0.5, "event_dropped_ratio": 0.2},
        {"averaged_steps": 9},
        {"averaged_steps": 9, "keep": "last"},
    ],
)
def test_a_killed_run_goes_on_to_the_same_weights(
    tmp_path: Path, settings: dict[str, object]
) -> None:
    data = world(content_width=4, num_actions=2)
    config = replace(QUICK, epochs=4, drawn="uniform", num_drawn=16)
    config = replace(config, **settings)  # type: ignore[arg-type]

    def learnt(path: Path) -> tuple[bytes, list[int]]:
        network, seen = network_for(data, num_actions=2), list[int]()
        train_ranker(data, network, config, path, lambda p: seen.append(p.epoch))
        return weights(network), seen

    def kill(progress: Progress) -> None:
        if progress.epoch == 2:
            raise KilledError

    whole, _ = learnt(tmp_path / "whole")
    with pytest.raises(KilledError):
        train_ranker(data, network_for(data, num_actions=2), config, tmp_path / "cut", kill)
    torch.manual_seed(99)
    resumed, seen = learnt(tmp_path / "cut")
    assert seen == [2, 3, 4]
    assert resumed == whole


def weights(network: SequenceNetwork) -> bytes:
    return b"".join(value.numpy().tobytes() for value in network.state_dict().values())


def test_neither_other_settings_nor_a_torn_file_are_gone_on_from(tmp_path: Path) -> None:
    data, config, seen = world(), replace(QUICK, epochs=1), list[int]()

    def learn(config: SequenceTraining) -> list[int]:
        seen.clear()
        path = tmp_path / "c"
        train_ranker(data, network_for(data), config, path, lambda p: seen.append(p.epoch))
        return list(seen)

    assert learn(config) == [0, 1]
    assert learn(config) == [1]
    assert learn(replace(config, seed=4)) == [0, 1]
    torn = (tmp_path / "c").read_bytes()
    (tmp_path / "c").write_bytes(torn[: len(torn) // 2])
    assert learn(replace(config, seed=4)) == [0, 1]


def test_learning_ends_and_keeps_the_best_where_validation_no_longer_gains(tmp_path: Path) -> None:
    data = world()
    config = replace(QUICK, learning_rate=0.1, epochs=40, patience=3)
    network, found = network_for(data), list[Progress]()
    progress = train_ranker(data, network, config, tmp_path / "c", found.append)
    assert progress.epoch == progress.best_epoch + 3 < 40
    assert progress.best.ndcg_at_10 == max(each.last.ndcg_at_10 for each in found)
    judge = Validation(sequences=data.validation, rows=data.rows)
    assert judge.measure(network) == progress.best


@pytest.mark.parametrize(
    "settings",
    [{}, {"loss": "binary"}, {"drawn": "uniform", "num_drawn": 16, "shared": False}],
)
def test_parts_computed_twice_give_the_same_loss_and_gradient(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, object]
) -> None:
    data = world(content_width=4)
    config = replace(QUICK, epochs=1, num_steps=1, **settings)  # type: ignore[arg-type]
    states = []
    for most in (2**25, 48 * 20):
        for module in (sequence_step, sequence_loss):
            monkeypatch.setattr(module, "MOST_SCORES", most)
        network = network_for(data, dropped_ratio=0.0)
        progress = train_ranker(data, network, config, tmp_path / str(most), silent)
        states.append((progress.loss, torch.cat([w.flatten() for w in network.parameters()])))
    assert states[0][0] == pytest.approx(states[1][0], rel=1e-5)
    # The first step of the optimiser is as long for a tiny gradient as for a large one.
    close = (states[0][1] - states[1][1]).abs() < 1e-4
    assert close.float().mean() > 0.99


def test_the_average_of_the_weights_is_what_is_judged_and_kept(tmp_path: Path) -> None:
    data = world()
    config = replace(QUICK, epochs=3, averaged_steps=30)
    network, found = network_for(data), list[Progress]()
    progress = train_ranker(data, network, config, tmp_path / "c", found.append)
    judge = Validation(sequences=data.validation, rows=data.rows)
    assert judge.measure(network) == progress.best
    plain = network_for(data)
    train_ranker(data, plain, replace(config, averaged_steps=0), tmp_path / "d", silent)
    assert weights(plain) != weights(network)
    assert progress.loss > 0


def test_the_last_state_is_kept_where_nothing_is_judged(tmp_path: Path) -> None:
    data = world()
    config = replace(QUICK, epochs=3, patience=1, keep="last")
    network = network_for(data)
    progress = train_ranker(data, network, config, tmp_path / "c", silent)
    assert (progress.epoch, progress.best_epoch, progress.best.ndcg_at_10) == (3, 3, 0)
    judged = network_for(data)
    train_ranker(data, judged, replace(config, keep="best", patience=9), tmp_path / "d", silent)
    judge = Validation(sequences=data.validation, rows=data.rows)
    assert judge.measure(network) == judge.measure(judged)


def test_hiding_ids_teaches_content_to_stand_for_items(tmp_path: Path) -> None:
    """Items show their ring and place; a fifth of them never occurs in what is learnt from."""
    data = world()
    histories = data.validation.histories
    number = np.array([int(item_id[1:]) for item_id in histories.item_ids])
    content = np.concatenate([np.eye(RINGS)[number // SIZE], np.eye(SIZE)[number % SIZE]], axis=1)
    cold = number % 5 == 0
    learnt = data.sequences.histories
    learnt = learnt.only(~cold[learnt.items])
    rows = rows_learnt_from(learnt, content.astype(np.float32) / math.sqrt(2))
    ends = histories.offsets[1:] - 1
    asked = np.isin(histories.user_of_event, np.flatnonzero(cold[histories.items[ends]]))
    colds = Validation(sequences=Sequences(histories=histories.only(asked)), rows=rows)
    found = []
    for hidden in (0.0, 0.3):
        warm = replace(data, sequences=Sequences(histories=learnt), rows=rows)
        network = network_for(warm)
        config = replace(QUICK, id_dropped_ratio=hidden)
        train_ranker(warm, network, config, tmp_path / str(hidden), silent)
        found.append(colds.measure(network).hits_at_10)
    assert found[1] > 0.5
    assert found[1] > found[0]


@pytest.mark.parametrize("changes", [{"num_ids": 7}, {"content_width": 3}])
def test_a_network_for_other_items_is_refused(tmp_path: Path, changes: dict[str, object]) -> None:
    data = world(content_width=4)
    network = network_for(data, 0, **changes)
    with pytest.raises(ValueError, match="other items"):
        train_ranker(data, network, QUICK, tmp_path / "c", silent)


def test_groups_hold_histories_of_like_length() -> None:
    lengths: NDArray[np.int64] = np.random.default_rng(0).integers(1, 60, size=200)
    users = np.random.default_rng(1).permutation(200)[:150]
    groups = list(like_lengths(users, lengths))
    assert sorted(np.concatenate(groups)) == sorted(users)
    assert all(lengths[group].max() <= 2 * lengths[group].min() for group in groups)


@pytest.mark.parametrize("changes", [{"batch_size": 0}, {"calibration": 2.0}, {"patience": 0}])
def test_settings_that_cannot_be_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="expected"):
        replace(QUICK, **changes)  # type: ignore[arg-type]
