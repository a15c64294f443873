"""The network of interests: causal, deaf to padding, one scale for all, codes by content."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from ranking.interest_config import InterestConfig, InterestTraining, Kind
from ranking.interest_network import Asked, InterestNetwork
from ranking.ranker import Items
from support.interests import small_interests
from support.sequences import CONTENT_WIDTH, NUM_ITEMS, some_items

KINDS: tuple[Kind, ...] = ("one", "attention", "interests")


def tail(items: Items, start: int) -> Items:
    """The same items, others from a place on."""
    ids = items.ids.clone()
    ids[:, start:] = (ids[:, start:] + 7) % NUM_ITEMS
    return Items(ids=ids, content=items.content)


@pytest.mark.parametrize("kind", KINDS)
def test_no_place_sees_what_comes_after_it(kind: Kind) -> None:
    network, items = small_interests(kind=kind), some_items(2, 6)
    before, after = network.states(items), network.states(tail(items, 4))
    torch.testing.assert_close(before[0][:, :4], after[0][:, :4])
    one, other = network.pooled(*before), network.pooled(*after)
    torch.testing.assert_close(one[:, :4], other[:, :4])
    assert (one[:, 4:] - other[:, 4:]).abs().max() > 1e-3


@pytest.mark.parametrize("kind", KINDS)
def test_padding_says_nothing(kind: Kind) -> None:
    network, items = small_interests(kind=kind), some_items(2, 9)
    lengths = torch.tensor([4, 6])
    whole = network.ask(items, lengths, 3)
    other = network.ask(tail(items, 6), lengths, 3)
    alone = network.ask(Items(ids=items.ids[:1, :4], content=None), lengths[:1], 3)
    torch.testing.assert_close(whole.vectors, other.vectors)
    torch.testing.assert_close(whole.vectors[:1], alone.vectors)
    assert torch.equal(whole.codes, other.codes)


@pytest.mark.parametrize(("kind", "number", "levels"), [("one", 1, 0), ("attention", 3, 0)])
def test_other_kinds_have_the_vectors_they_have(kind: Kind, number: int, levels: int) -> None:
    asked = small_interests(kind=kind).ask(some_items(2, 5), torch.tensor([5, 2]), 7)
    assert asked.vectors.shape == (2, number, 8)
    assert asked.codes.shape == (2, number, levels)
    torch.testing.assert_close(asked.log_weights.exp().sum(dim=1), torch.ones(2))


def test_interests_are_as_many_as_asked_for_and_of_unit_length() -> None:
    asked = small_interests().ask(some_items(2, 5), torch.tensor([5, 2]), 5)
    assert asked.codes.shape == (2, 5, 2)
    torch.testing.assert_close(asked.vectors.norm(dim=-1), torch.ones(2, 5))
    torch.testing.assert_close(asked.log_weights.exp().sum(dim=1), torch.ones(2))
    assert (asked.log_weights.diff(dim=1) <= 0).all()
    assert (asked.vectors[:, 0] - asked.vectors[:, 1]).abs().max() > 1e-3


def test_merging_equal_vectors_is_as_one_vector() -> None:
    for merge in ("max", "chance"):
        network = small_interests(kind="one", merge=merge)
        targets = network.targets(some_items(20))
        one = network.ask(some_items(2, 5), torch.tensor([5, 2]), 1)
        four = Asked(
            vectors=one.vectors.expand(-1, 4, -1),
            log_weights=torch.full((2, 4), 0.25).log(),
            codes=one.codes.expand(-1, 4, -1),
        )
        torch.testing.assert_close(network.scores(one, targets), network.scores(four, targets))


def test_merging_takes_the_best_or_adds_chances_up() -> None:
    network, asked = small_interests(), None
    targets = network.targets(some_items(20))
    asked = network.ask(some_items(2, 5), torch.tensor([5, 2]), 3)
    each = torch.einsum("bkd,nd->bkn", asked.vectors, targets) / network.config.temperature
    torch.testing.assert_close(network.scores(asked, targets), each.amax(dim=1))
    network.config = replace(network.config, merge="chance")
    chance = (each.softmax(dim=-1) * asked.log_weights.exp()[..., None]).sum(dim=1)
    torch.testing.assert_close(network.scores(asked, targets).exp(), chance)


def test_items_have_unit_length_and_an_unknown_one_is_its_content() -> None:
    network = small_interests(content_width=CONTENT_WIDTH)
    items = some_items(6)
    unknown = Items(ids=torch.full((6,), -1), content=items.content)
    torch.testing.assert_close(network.targets(items).norm(dim=-1), torch.ones(6))
    assert network.content is not None
    assert items.content is not None
    torch.testing.assert_close(network.items(unknown), network.content(items.content))
    nothing = small_interests().targets(Items(ids=torch.tensor([-1]), content=None))
    assert not nothing.any()


def test_a_cold_item_gets_its_code_by_content_as_it_was_then() -> None:
    network = small_interests(content_width=CONTENT_WIDTH)
    items = some_items(6)
    assert torch.equal(network.codes(items), network.known_codes[items.ids])
    cold = Items(ids=torch.tensor([-1, 3, -1, 4, 5, -1]), content=items.content)
    before = network.codes(cold)
    assert torch.equal(before[1], network.known_codes[3])
    alone = network.targets(Items(ids=torch.full((6,), -1), content=items.content))
    assert network.quantiser is not None
    assert torch.equal(before[0], network.quantiser.codes(alone)[0])
    assert network.content is not None
    with torch.no_grad():
        network.content.weight.normal_()
    assert torch.equal(network.codes(cold), before)


def test_content_alone_is_enough() -> None:
    network = small_interests(num_ids=0, content_width=CONTENT_WIDTH)
    asked = network.ask(some_items(2, 5), torch.tensor([5, 2]), 3)
    assert asked.vectors.shape == (2, 3, 8)


def test_before_the_dictionary_it_is_a_network_of_one_vector() -> None:
    network = small_interests()
    network.ready.fill_(False)
    asked = network.ask(some_items(2, 5), torch.tensor([5, 2]), 3)
    assert asked.vectors.shape == (2, 1, 8)


def test_a_new_dictionary_leaves_what_is_found_as_it_was() -> None:
    torch.manual_seed(0)
    shape = InterestConfig(num_ids=NUM_ITEMS, width=8, sizes=(4, 3), dropped_ratio=0.0)
    network = InterestNetwork(shape).eval()
    items, lengths = some_items(2, 5), torch.tensor([5, 2])
    before = network.ask(items, lengths, 3).vectors
    everything = Items(ids=torch.arange(NUM_ITEMS), content=None)
    use = network.learn_dictionary(everything, InterestTraining())
    assert network.has_interests
    assert use.num_codes > 4
    after = network.ask(items, lengths, 3).vectors
    torch.testing.assert_close(after, before.expand(-1, 3, -1))


def test_what_has_no_interests_refuses_to_foretell_them() -> None:
    network = small_interests(kind="one")
    with pytest.raises(ValueError, match="no interests"):
        network.likely(torch.zeros(1, 8), 3)
    with pytest.raises(ValueError, match="no dictionary"):
        network.learn_dictionary(some_items(3), InterestTraining())


@pytest.mark.parametrize(
    "changes", [{"num_ids": 0}, {"temperature": 0.0}, {"num_interests": 0}, {"num_heads": 3}]
)
def test_shapes_that_cannot_be_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"expected|temperature"):
        InterestConfig(**({"num_ids": 1} | changes))
