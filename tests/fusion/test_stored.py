"""Views on disk: what is read is what was written, in any order and of any length."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from encoders.base import unit
from fusion.engagement import co_engaged, log_frequency
from fusion.stored import StoredViews, write_views
from fusion.views import Tokens, padded
from ingest.item import MODALITIES


def made(num_items: int) -> list[Tokens]:
    random = np.random.default_rng(0)
    items = []
    for _ in range(num_items):
        held = [str(m) for m in MODALITIES if random.random() < 0.5] or ["text"]
        items.append({m: unit(random.normal(size=(random.integers(1, 5), 6))) for m in held})
    return items


def test_a_batch_is_the_tokens_side_by_side(tmp_path: Path) -> None:
    items = made(40)
    views = write_views(tmp_path / "v", [items[:15], items[15:]])
    assert (len(views), views.width) == (40, 6)
    chosen = np.array([7, 31, 7, 0])
    tokens, present = views.batch(chosen)
    expected, there = padded([items[number] for number in chosen])
    np.testing.assert_array_equal(present, there)
    np.testing.assert_allclose(tokens, expected, atol=2e-3)
    _, every = padded(items)
    np.testing.assert_array_equal(views.present, every[:, :, 0])


def test_views_are_found_again_and_known_by_their_numbers(tmp_path: Path) -> None:
    items = made(10)
    first = write_views(tmp_path / "v", [items]).digest
    assert StoredViews(tmp_path / "v").digest == first
    items[3]["text"] = unit(np.ones((1, 6)))
    assert write_views(tmp_path / "v", [items]).digest != first


def test_no_items_are_no_items(tmp_path: Path) -> None:
    assert len(write_views(tmp_path / "v", [])) == 0


def test_pairs_are_what_one_person_liked_within_the_window() -> None:
    users = np.array([1, 2, 1, 1, 2, 1])
    items = np.array([10, 20, 11, 12, 21, 11])
    times = np.array([1, 1, 3, 2, 2, 4])
    pairs = co_engaged(users, items, times, window=2)
    # In order of time the first person liked 10, 12, 11 and 11 again.
    there = [(10, 12), (10, 11), (12, 11), (12, 11), (20, 21)]
    expected = sorted(there + [(b, a) for a, b in there])
    assert sorted(map(tuple, pairs.tolist())) == expected


def test_without_times_the_order_of_events_counts() -> None:
    users, items = np.zeros(4, int), np.array([3, 1, 2, 0])
    pairs = co_engaged(users, items, window=1)
    assert sorted(map(tuple, pairs.tolist())) == [(0, 2), (1, 2), (1, 3), (2, 0), (2, 1), (3, 1)]
    assert co_engaged(users[:0], items[:0]).shape == (0, 2)


def test_log_frequency_is_of_the_second_of_a_pair() -> None:
    pairs = np.array([[0, 1], [2, 1], [1, 0], [1, 2]])
    np.testing.assert_allclose(np.exp(log_frequency(pairs, 4)), [0.25, 0.5, 0.25, 0.25])
