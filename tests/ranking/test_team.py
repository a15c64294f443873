"""A team learns what one process learns: two processes played by two threads that add up."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ranking.held_out import hold_out
from ranking.ranker_fit import start_network, training_of
from ranking.ranker_settings import RankerSettings
from ranking.sequence_training import SequenceData, train_ranker
from ranking.sequence_validation import Validation
from ranking.sequences import Sequences, rows_learnt_from
from ranking.team import Alone, share_of
from support.histories import walks

SETTINGS = RankerSettings(
    width=8, num_layers=1, length=4, epochs=3, batch_size=32, learning_rate=0.01, dropped_ratio=0.0
)


class Meeting:
    """Where the members of a team put what they share."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.barrier = threading.Barrier(size, timeout=60)
        self.given: dict[int, Any] = {}


class Member:
    """One member of a team of threads."""

    def __init__(self, meeting: Meeting, place: int) -> None:
        self._meeting, self.size, self.place = meeting, meeting.size, place

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        self._meeting.given[self.place] = [tensor.clone() for tensor in tensors]
        self._meeting.barrier.wait()
        for number, tensor in enumerate(tensors):
            parts = [self._meeting.given[place][number] for place in range(self.size)]
            tensor.copy_(torch.stack(parts).sum(dim=0))
        self._meeting.barrier.wait()

    def ask_first(self, make: Callable[[], Any]) -> Any:
        if self.place == 0:
            self._meeting.given[-1] = make()
        self._meeting.barrier.wait()
        found = self._meeting.given[-1]
        self._meeting.barrier.wait()
        return found


def world() -> SequenceData:
    held = hold_out(Sequences(histories=walks(90, 3)), seed=0)
    rows = rows_learnt_from(held.learnt.histories)
    return SequenceData(sequences=held.learnt, validation=held.validation, rows=rows)


def test_two_learn_what_one_learns(tmp_path: Path) -> None:
    data = world()
    networks = [start_network(data.rows, SETTINGS) for _ in range(3)]
    train_ranker(data, networks[0], training_of(SETTINGS, 90), tmp_path / "one", lambda _: None)
    meeting = Meeting(2)

    def learn(place: int) -> None:
        train_ranker(
            data,
            networks[1 + place],
            training_of(SETTINGS, 90),
            tmp_path / f"two-{place}",
            lambda _: None,
            Member(meeting, place),
        )

    threads = [threading.Thread(target=learn, args=(place,)) for place in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    states = [network.state_dict() for network in networks]
    for name in states[0]:
        torch.testing.assert_close(states[1][name], states[2][name], rtol=0, atol=0)
    # A key's bias does not matter to softmax: what moves it is how numbers are rounded.
    torch.testing.assert_close(states[1]["ids.weight"], states[0]["ids.weight"], rtol=0, atol=1e-4)
    of_each = [Validation(sequences=data.validation, rows=data.rows).ranks(n) for n in networks]
    np.testing.assert_array_equal(of_each[0], of_each[1])
    assert (tmp_path / "two-0").exists()
    assert not (tmp_path / "two-1").exists()


def test_shares_are_of_events_and_nobody_has_nothing() -> None:
    users, events = np.array([4, 7, 9]), np.array([1, 2, 3])
    meeting = Meeting(2)
    shares = [share_of(Member(meeting, place), users, events) for place in range(2)]
    assert [own.tolist() for own, _ in shares] == [[4, 9], [7]]
    assert [share for _, share in shares] == [4 / 6, 2 / 6]
    own, share = share_of(Member(meeting, 1), users[:1], events[:1])
    assert (own.tolist(), share) == ([4], 0.5)
    assert share_of(Alone(), users, events)[1] == 1.0
