"""Pre-training of lifecycles: it learns, repeats itself, and finds rare topics."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ranking.lifecycle import Kind
from ranking.lifecycle_masking import Masking
from ranking.lifecycle_network import LifecycleNetwork
from ranking.pretrain import Hider, Pretrained, Pretraining, pretrain, vectors_of
from support.lifecycles import LEXICON, laid_out, small_shape, tail_world


def learnt(power: float, epochs: int, users: int = 500, seed: int = 0) -> Pretrained:
    people = laid_out(tail_world(users, seed), users=users)
    config = Pretraining(
        masking=Masking(power=power),
        epochs=epochs,
        patience=epochs,
        batch_size=32,
        learning_rate=3e-3,
        seed=seed,
    )
    return pretrain(people, small_shape(), config)


def test_learning_guesses_what_was_hidden_and_repeats_itself() -> None:
    people = laid_out(tail_world(150), users=150)
    one, other = (learnt(0.75, 6, users=150) for _ in range(2))
    assert one.rounds == other.rounds
    assert one.rounds[-1].loss < one.rounds[0].loss - 0.3
    vectors = vectors_of(one.network, people)
    np.testing.assert_array_equal(vectors, vectors_of(other.network, people))
    assert vectors.shape == (150, 32)
    # Who is asked for beside whom makes no difference but for the order of sums.
    alone = vectors_of(one.network, people.rows(np.array([7])))
    np.testing.assert_allclose(alone[0], vectors[7], atol=1e-5)


@pytest.mark.slow
def test_rare_masking_finds_more_of_the_tail_for_little_of_the_rest() -> None:
    pairs = [(learnt(0.75, 12, seed=seed), learnt(0.0, 12, seed=seed)) for seed in range(3)]
    macro = np.mean([rare.best.macro - even.best.macro for rare, even in pairs])
    micro = np.mean([rare.best.micro - even.best.micro for rare, even in pairs])
    assert macro > 0
    assert micro > -0.05


def test_no_token_gives_away_what_is_hidden() -> None:
    people = laid_out(tail_world(300), users=300)
    hider = Hider(people, small_shape(), Masking())
    hidden = hider.hide(people, np.random.default_rng(0))
    num_pairs, found = LEXICON.num_pairs, 0
    for row in range(len(people)):
        for place in np.flatnonzero(hidden.asked[row]).tolist():
            if people.kinds[row, place] == Kind.LOST:
                continue
            pair, last = people.ids[row, place], people.last_bins[row, place]
            own = (people.ids[row] == pair + num_pairs) & (people.first_bins[row] == last)
            unasked = own & ~hidden.asked[row]
            assert (hidden.ids[row][unasked] == LEXICON.hidden).all()
            found += int(unasked.sum())
    assert found > 50
    shown = people.some & ~hidden.asked & (hidden.ids != LEXICON.hidden)
    assert (hidden.ids[shown] == people.ids[shown]).all()
    assert shown.sum() > 0.6 * people.some.sum()


def test_nobody_has_a_vector_without_tokens_and_the_rest_is_read_in_both_directions() -> None:
    people = laid_out(tail_world(20), users=21)
    torch.manual_seed(0)
    network = LifecycleNetwork(small_shape())
    vectors = vectors_of(network, people)
    assert np.isfinite(vectors).all()
    assert not vectors[20].any()
    assert vectors[:20].any(axis=1).all()
    some = people.rows(np.array([0]))
    network.eval()
    with torch.no_grad():
        before = network(torch.from_numpy(some.ids), some)
        changed = some.ids.copy()
        changed[0, -1] = (changed[0, -1] + 1) % 24
        after = network(torch.from_numpy(changed), some)
    assert not torch.allclose(before[0, 0], after[0, 0])


def test_nobody_to_learn_from_is_refused() -> None:
    with pytest.raises(ValueError, match="people with tokens"):
        learnt(0.75, 1, users=1)
