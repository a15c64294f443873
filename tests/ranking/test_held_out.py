"""Held-out events: nobody's last liking is learnt from, and everything else is."""

from __future__ import annotations

import numpy as np

from ranking.held_out import hold_out
from ranking.sequences import Sequences
from support.histories import histories_of


def test_the_last_event_of_those_who_can_spare_it_is_held_out() -> None:
    found = hold_out(Sequences(histories=histories_of("abcd", "ab", "cba")), seed=0)
    assert found.learnt.histories.lengths.tolist() == [3, 2, 2]
    assert found.validation.histories.lengths.tolist() == [4, 0, 3]
    assert [case.user for case in found.part.cases] == [0, 2]
    assert [case.targets.tolist() for case in found.part.cases] == [[3], [0]]
    assert found.part.cases[1].history.items.tolist() == [2, 1]
    assert found.part.fit is found.learnt.histories


def test_what_came_after_the_last_liking_is_nobodys() -> None:
    """Small letters were liked; of each user the last of them is asked for."""
    texts = ("aBcDeF", "abC", "ABc", "abcA")
    liked = np.array([letter.islower() for letter in "".join(texts)])
    sequences = Sequences(
        histories=histories_of(*texts), actions=(~liked).astype(np.int64), liked=liked
    )
    found = hold_out(sequences, seed=0)

    def told(part: Sequences) -> list[str]:
        names, events = part.histories.item_ids, part.histories
        return ["".join(names[n] for n in events.history(u).items) for u in range(len(events))]

    assert told(found.learnt) == ["aBcD", "abC", "ABc", "ab"]
    assert told(found.validation) == ["aBcDe", "", "", "abc"]
    assert [case.user for case in found.part.cases] == [0, 3]
    likings = Sequences(histories=found.part.fit)
    assert told(likings) == ["ac", "ab", "c", "ab"]
    ids = sequences.histories.item_ids
    assert [ids[case.targets[0]] for case in found.part.cases] == ["e", "c"]
    plain = found.of_likings
    assert (told(plain.learnt), told(plain.validation)) == (told(likings), ["ace", "", "", "abc"])
    assert plain.part is found.part


def test_few_of_many_users_judge_and_the_seed_says_which() -> None:
    sequences = Sequences(histories=histories_of(*["abc"] * 40), actions=np.arange(120) % 2)
    found = hold_out(sequences, seed=1, most=10)
    asked = [case.user for case in found.part.cases]
    assert len(asked) == 10
    assert asked == [case.user for case in hold_out(sequences, seed=1, most=10).part.cases]
    assert asked != [case.user for case in hold_out(sequences, seed=2, most=10).part.cases]
    assert found.learnt.histories.lengths.sum() == 110
    assert found.learnt.actions is not None
    kept = np.ones(120, bool)
    kept[np.array(asked) * 3 + 2] = False
    np.testing.assert_array_equal(found.learnt.actions, (np.arange(120) % 2)[kept])
