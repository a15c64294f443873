"""Learning interests: next topics are found, runs resume exactly, stages follow each other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ranking.interest_config import InterestConfig, InterestTraining, Kind
from ranking.interest_network import InterestNetwork
from ranking.interest_progress import InterestProgress
from ranking.interest_recommender import InterestRecommender
from ranking.interest_training import InterestData, train_interests
from ranking.interest_validation import Held
from ranking.sequences import Sequences, rows_learnt_from
from retrieval.scoring import top_k
from support.interests import TOPIC_SIZE, TopicWorld, topic_world

WAYS = 6
"""Topics that may follow each."""
QUICK = InterestTraining(
    epochs=16,
    warm_epochs=8,
    patience=20,
    batch_size=64,
    learning_rate=2e-2,
    drawn="all",
    own_ratio=0.5,
    free_ratio=0.0,
)
SHORT = replace(QUICK, epochs=4, warm_epochs=2, drawn="uniform", num_drawn=16)


class KilledError(Exception):
    """The run ends here, as if killed."""


def silent(_: InterestProgress) -> None:
    pass


def data_of(world: TopicWorld, content_width: int = 0) -> InterestData:
    fit = world.fit
    draw = np.random.default_rng(0)
    content = draw.normal(size=(fit.num_items, content_width)).astype(np.float32)
    return InterestData(
        sequences=Sequences(histories=fit),
        validation=world.validation,
        rows=rows_learnt_from(fit, content if content_width else None),
    )


def network_for(data: InterestData, seed: int = 0, /, **changes: object) -> InterestNetwork:
    content = data.rows.content
    settings: dict[str, object] = {
        "num_ids": len(data.rows.known),
        "content_width": 0 if content is None else content.shape[1],
        "width": 12,
        "num_layers": 1,
        "num_heads": 1,
        "length": 10,
        "dropped_ratio": 0.0,
        "sizes": (24,),
        "num_interests": WAYS,
    }
    torch.manual_seed(seed)
    return InterestNetwork(InterestConfig(**(settings | changes)))  # type: ignore[arg-type]


def new_topic_recall(world: TopicWorld, kind: Kind, path: Path, seed: int) -> float:
    """Share of the items of a next, new topic found among as many as the topics that may be it."""
    data = data_of(world)
    network = network_for(data, seed, kind=kind)
    train_interests(data, network, replace(QUICK, seed=seed), path, silent)
    scorer = InterestRecommender(
        network=network,
        item_ids=tuple(world.fit.item_ids[number] for number in data.rows.known),
        rows=data.rows,
    )
    best = top_k(scorer.score([case.history for case in world.test]), WAYS * TOPIC_SIZE)
    pairs = zip(world.test, best, strict=True)
    return float(np.mean([np.isin(case.targets, line).mean() for case, line in pairs]))


def test_interests_find_topics_that_were_not_met_before(tmp_path: Path) -> None:
    """Six topics may follow each; one vector is too narrow to point at six and at no other."""
    world = topic_world(700, WAYS)
    one = new_topic_recall(world, "one", tmp_path / "one", 0)
    interests = new_topic_recall(world, "interests", tmp_path / "interests", 0)
    assert interests > one + 0.02
    assert interests > 0.65


@pytest.mark.slow
def test_interests_find_more_new_topics_in_several_worlds(tmp_path: Path) -> None:
    kinds: tuple[Kind, ...] = ("one", "attention", "interests")
    for seed in range(2):
        world = topic_world(1_500, WAYS, seed=seed)
        one, attention, interests = (
            new_topic_recall(world, kind, tmp_path / f"{kind}{seed}", seed) for kind in kinds
        )
        assert interests > 0.9
        assert interests > one + 0.02
        assert one > 1.5 * attention


@pytest.mark.parametrize(("kind", "hidden"), [("interests", 0.3), ("attention", 0.0)])
def test_a_killed_run_goes_on_to_the_same_weights(
    tmp_path: Path, kind: Kind, hidden: float
) -> None:
    data = data_of(topic_world(150), content_width=4)
    config = replace(SHORT, id_dropped_ratio=hidden, own_ratio=0.5, free_ratio=0.2)

    def learnt(path: Path) -> tuple[bytes, list[int]]:
        network, seen = network_for(data, kind=kind, dropped_ratio=0.2), list[int]()
        train_interests(data, network, config, path, lambda p: seen.append(p.epoch))
        return weights(network), seen

    def kill(progress: InterestProgress) -> None:
        if progress.epoch == at:
            raise KilledError

    whole, _ = learnt(tmp_path / "whole")
    for at in (2, 3):
        network = network_for(data, kind=kind, dropped_ratio=0.2)
        with pytest.raises(KilledError):
            train_interests(data, network, config, tmp_path / str(at), kill)
        torch.manual_seed(99)
        resumed, seen = learnt(tmp_path / str(at))
        assert seen == list(range(at, 5))
        assert resumed == whole


def weights(network: InterestNetwork) -> bytes:
    return b"".join(value.numpy().tobytes() for value in network.state_dict().values())


def test_stages_follow_each_other_and_the_best_state_has_interests(tmp_path: Path) -> None:
    data, seen = data_of(topic_world(150)), list[InterestProgress]()
    network = network_for(data)
    progress = train_interests(data, network, SHORT, tmp_path / "c", seen.append)
    assert [one.warm for one in seen] == [True, True, True, False, False]
    assert [one.code_loss > 0 for one in seen] == [False, False, False, True, True]
    assert [bool(one.perplexity) for one in seen] == [False, False, False, True, True]
    assert network.has_interests
    assert progress.best_epoch > 2
    held = Held(cases=data.validation, rows=data.rows)
    assert held.recall(network) == progress.best == max(one.last for one in seen[3:])


def test_a_dictionary_stays_as_it_was_learnt(tmp_path: Path) -> None:
    data, kept = data_of(topic_world(150)), list[torch.Tensor]()
    network = network_for(data)

    def keep(progress: InterestProgress) -> None:
        if not progress.warm and network.quantiser is not None:
            kept.append(torch.cat([network.quantiser.levels[0].flatten().detach().clone()]))

    train_interests(data, network, SHORT, tmp_path / "c", keep)
    assert len(kept) == 2
    assert torch.equal(kept[0], kept[1])


def test_learning_ends_where_validation_no_longer_gains(tmp_path: Path) -> None:
    data = data_of(topic_world(150))
    config = replace(SHORT, epochs=30, patience=2, learning_rate=0.1)
    progress = train_interests(data, network_for(data, kind="one"), config, tmp_path / "c", silent)
    assert progress.epoch == progress.best_epoch + 2 < 30


def test_neither_other_settings_nor_other_data_are_gone_on_from(tmp_path: Path) -> None:
    config, seen = replace(SHORT, epochs=1), list[int]()

    def learn(users: int, config: InterestTraining) -> list[int]:
        seen.clear()
        data = data_of(topic_world(users))
        network = network_for(data, kind="one")
        train_interests(data, network, config, tmp_path / "c", lambda p: seen.append(p.epoch))
        return list(seen)

    assert learn(100, config) == [0, 1]
    assert learn(100, config) == [1]
    assert learn(100, replace(config, seed=4)) == [0, 1]
    assert learn(101, replace(config, seed=4)) == [0, 1]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_a_gpu_learns_the_same_task(tmp_path: Path) -> None:
    data = data_of(topic_world(), content_width=4)
    config = replace(QUICK, device="cuda", id_dropped_ratio=0.1)
    for kind in ("attention", "interests"):
        progress = train_interests(
            data, network_for(data, 0, kind=kind), config, tmp_path / kind, silent
        )
        assert progress.best > 0.5


def test_what_cannot_be_learnt_is_refused(tmp_path: Path) -> None:
    data = data_of(topic_world(100))
    with pytest.raises(ValueError, match="other items"):
        train_interests(data, network_for(data, 0, num_ids=7), SHORT, tmp_path / "c", silent)
    late = replace(SHORT, warm_epochs=4)
    with pytest.raises(ValueError, match="no rounds"):
        train_interests(data, network_for(data), late, tmp_path / "c", silent)
    with pytest.raises(ValueError, match="shares"):
        replace(SHORT, own_ratio=0.9, free_ratio=0.2)
    with pytest.raises(ValueError, match="counts"):
        replace(SHORT, patience=0)
