"""Events padded for a sequence model, and rows of items."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from ranking.sequences import ItemRows, Sequences, rows_learnt_from, rows_of_catalogue
from support.histories import histories_of

HISTORIES = histories_of("abcd", "b", "ca", step_us=2_000_000)


def test_the_latest_events_are_padded_on_the_right() -> None:
    sequences = Sequences(histories=HISTORIES, actions=np.array([1, 0, 1, 2, 0, 1, 0]))
    padded = sequences.latest(np.array([2, 0, 1]), 3)
    some = np.arange(3) < padded.lengths[:, None]
    assert padded.lengths.tolist() == [2, 3, 1]
    assert padded.items[some].tolist() == [2, 0, 1, 2, 3, 1]
    assert padded.actions[some].tolist() == [1, 0, 0, 1, 2, 0]
    assert padded.times[some].tolist() == [0, 2, 2, 4, 6, 0]
    before = padded.before_last()
    assert before.items.shape == (3, 2)
    assert before.lengths.tolist() == [1, 2, 0]


def test_users_without_events_give_no_columns() -> None:
    empty = HISTORIES.only(np.zeros(7, bool))
    padded = Sequences(histories=empty).latest(np.array([0, 1]), 3)
    assert padded.items.shape == (2, 0)
    assert padded.lengths.tolist() == [0, 0]


def test_the_digest_knows_actions() -> None:
    plain = Sequences(histories=HISTORIES)
    acted = dataclasses.replace(plain, actions=np.zeros(7, np.int64))
    other = dataclasses.replace(plain, actions=np.arange(7))
    assert len({plain.digest, acted.digest, other.digest}) == 3
    assert plain.digest == Sequences(histories=HISTORIES).digest


def test_only_items_in_the_events_get_rows() -> None:
    rows = rows_learnt_from(HISTORIES.only(np.array([0, 1, 0, 1, 0, 0, 0], bool)))
    assert rows.id_rows.tolist() == [-1, 0, -1, 1]
    assert rows.known.tolist() == [1, 3]
    assert len(rows) == 4


def test_what_content_tells_needs_more_events_for_a_row() -> None:
    content = np.ones((4, 2), np.float32)
    content[3] = 0  # nothing is known of d
    assert rows_learnt_from(HISTORIES, content, fewest=2).id_rows.tolist() == [0, 1, 2, 3]
    assert rows_learnt_from(HISTORIES, content, fewest=3).id_rows.tolist() == [-1, -1, -1, 0]
    assert rows_learnt_from(HISTORIES, None, fewest=3).id_rows.tolist() == [0, 1, 2, 3]


def test_likings_are_counted_from_the_end() -> None:
    liked = np.array([1, 0, 1, 0, 1, 0, 0], bool)
    some = Sequences(histories=HISTORIES, liked=liked)
    assert some.likings_from_end.tolist() == [2, 1, 1, 0, 1, 0, 0]
    assert some.likings.lengths.tolist() == [2, 1, 0]
    every = Sequences(histories=HISTORIES)
    assert every.likings_from_end.tolist() == [4, 3, 2, 1, 1, 2, 1]
    assert every.likings is HISTORIES
    with pytest.raises(ValueError, match="tell of no actions"):
        _ = some.told


def test_a_catalogue_finds_its_rows_in_any_order() -> None:
    rows = rows_of_catalogue(["x", "b", "a"], {"a": 0, "b": 1})
    assert rows.id_rows.tolist() == [-1, 1, 0]
    assert rows.known.tolist() == [2, 1]


def test_what_does_not_match_is_refused() -> None:
    with pytest.raises(ValueError, match="one action per event"):
        Sequences(histories=HISTORIES, actions=np.zeros(3, np.int64))
    with pytest.raises(ValueError, match="one vector per item"):
        ItemRows(id_rows=np.zeros(3, np.int64), content=np.zeros((2, 4), np.float32))
