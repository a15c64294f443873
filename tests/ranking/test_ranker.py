"""The sequence model: causal, candidates isolated, time and cold items as its settings say."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from ranking.ranker import Items, request_times
from ranking.sequences import Padded
from support.sequences import (
    CONTENT_WIDTH,
    NUM_ITEMS,
    small_config,
    small_network,
    some_history,
    some_items,
    taken,
)

BLOCKS = ["plain", "gated", "pointwise"]
LENGTHS = torch.tensor([7, 4, 1])


@pytest.mark.parametrize("time", ["none", "gaps", "request"])
@pytest.mark.parametrize("block", BLOCKS)
def test_a_state_knows_nothing_of_what_comes_later(block: str, time: str) -> None:
    network = small_network(block=block, time=time, num_actions=3)
    history = some_history(2, 7, 3)
    later = some_history(2, 7, 3, seed=9)
    mixed = {
        part: torch.cat([getattr(history, part)[:, :4], getattr(later, part)[:, 4:]], dim=1)
        for part in ("actions", "times", "next_times")
    }
    ids = torch.cat([history.items.ids[:, :4], later.items.ids[:, 4:]], dim=1)
    changed = dataclasses.replace(history, items=Items(ids=ids, content=None), **mixed)
    before, after = network.states(history), network.states(changed)
    assert torch.equal(before[:, :4], after[:, :4])
    assert not torch.equal(before[:, 4], after[:, 4])


@pytest.mark.parametrize("temperature", [None, 0.1])
@pytest.mark.parametrize("num_actions", [1, 3])
def test_a_candidate_does_not_depend_on_the_others(
    num_actions: int, temperature: float | None
) -> None:
    network = small_network(
        num_actions=num_actions, content_width=CONTENT_WIDTH, temperature=temperature
    )
    history, candidates = some_history(3, 7, num_actions), some_items(3, 6, seed=1)
    scores = network.scores(history, LENGTHS, candidates)
    assert scores.shape == (3, 6, num_actions)
    order = np.array([5, 0, 3, 1, 4, 2])
    torch.testing.assert_close(
        network.scores(history, LENGTHS, taken(candidates, order)), scores[:, order]
    )
    others = some_items(3, 6, seed=2)
    assert others.content is not None
    assert candidates.content is not None
    replaced = Items(
        ids=torch.cat([candidates.ids[:, :2], others.ids[:, 2:]], dim=1),
        content=torch.cat([candidates.content[:, :2], others.content[:, 2:]], dim=1),
    )
    found = network.scores(history, LENGTHS, replaced)
    torch.testing.assert_close(found[:, :2], scores[:, :2])
    assert ((found - scores)[:, 2:].abs() > 1e-4).all()
    alone = network.scores(history, LENGTHS, taken(candidates, np.array([4])))
    torch.testing.assert_close(alone, scores[:, 4:5])


def test_shared_candidates_score_as_given_one_by_one() -> None:
    network = small_network(num_actions=2)
    history, candidates = some_history(3, 7, 2), some_items(5, seed=1)
    each = Items(ids=candidates.ids.expand(3, 5), content=None)
    torch.testing.assert_close(
        network.scores(history, LENGTHS, candidates), network.scores(history, LENGTHS, each)
    )


@pytest.mark.parametrize("block", BLOCKS)
def test_request_time_counts_only_where_settings_say_so(block: str) -> None:
    for time, counts in (("none", False), ("gaps", False), ("request", True)):
        network = small_network(block=block, time=time)
        history = some_history(2, 5)
        asked_later = dataclasses.replace(history, next_times=history.next_times + 10**7)
        changed = not torch.equal(network.states(history), network.states(asked_later))
        assert changed == counts


@pytest.mark.parametrize("block", BLOCKS)
def test_past_times_count_where_settings_say_so(block: str) -> None:
    for time in ("none", "gaps", "request"):
        network = small_network(block=block, time=time)
        history = some_history(2, 5)
        times = history.times.clone()
        times[:, :3] -= 10**7
        moved = dataclasses.replace(history, times=times)
        changed = not torch.equal(network.states(history)[:, 4], network.states(moved)[:, 4])
        assert changed == (time != "none")


def test_actions_of_the_history_count() -> None:
    network = small_network(num_actions=3)
    history = some_history(2, 5, 3)
    other = dataclasses.replace(history, actions=(history.actions + 1) % 3)
    assert not torch.allclose(network.states(history), network.states(other))


def test_a_cold_item_is_its_content_alone() -> None:
    network = small_network(content_width=CONTENT_WIDTH)
    items = some_items(4)
    cold = dataclasses.replace(items, ids=torch.full_like(items.ids, -1))
    assert network.content is not None
    assert items.content is not None
    torch.testing.assert_close(network.items(cold), items.content @ network.content.weight.T)
    assert not torch.allclose(network.items(cold), network.items(items))
    unknown = small_network().items(cold)
    assert torch.equal(unknown, torch.zeros(4, 16))


def test_content_alone_reads_no_ids() -> None:
    network = small_network(num_ids=0, content_width=CONTENT_WIDTH)
    items = some_items(4)
    renumbered = dataclasses.replace(items, ids=(items.ids + 1) % NUM_ITEMS)
    assert network.ids is None
    assert torch.equal(network.items(items), network.items(renumbered))


def test_cosines_are_bounded_by_the_temperature() -> None:
    network = small_network(temperature=0.05)
    scores = network.scores(some_history(3, 7), LENGTHS, some_items(3, 6))
    assert scores.abs().max() <= 1 / 0.05 + 1e-3
    assert scores.abs().max() > 1


def test_the_request_follows_the_last_event() -> None:
    zeros = np.zeros((2, 3), np.int64)
    times = np.array([[5, 6, 8], [7, 0, 0]])
    events = Padded(items=zeros, actions=zeros, times=times, lengths=np.array([3, 1]))
    found = request_times(events, np.array([10, 20]))
    assert found[0].tolist() == [6, 8, 10]
    assert found[1, 0] == 20
    assert events.times[1].tolist() == [7, 0, 0]


@pytest.mark.parametrize(
    "changes",
    [{"num_heads": 3}, {"num_ids": 0}, {"num_actions": 0}, {"temperature": 0.0}, {"length": 0}],
)
def test_a_shape_that_cannot_be_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"expected|heads|temperature"):
        small_config(**changes)
