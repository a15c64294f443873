"""Popularity, of all time and lately, against counting by hand."""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from ingest.histories import gather_histories
from retrieval.popular import Popular, PopularLately, count_users
from support.histories import DAY_US, histories_of


def test_a_user_counts_once_for_an_item() -> None:
    histories = histories_of("aab", "ac", "a")
    assert count_users(histories).tolist() == [3, 1, 1]
    scores = Popular.fit(histories).score([histories.history(0), histories.history(1)])
    assert scores.tolist() == [[3, 1, 1], [3, 1, 1]]


def test_lately_counts_what_came_in_the_span_before_the_question() -> None:
    liked = [
        ("u", "old", 0),
        ("v", "old", 1),
        ("w", "old", 2),
        ("u", "new", 9 * DAY_US),
        ("v", "later", 11 * DAY_US),
    ]
    histories = gather_histories(liked)
    popular = PopularLately.fit(histories, timedelta(days=7))
    places = {item_id: number for number, item_id in enumerate(histories.item_ids)}
    [then, soon] = popular.score(
        [histories.history(0, asked_us=10 * DAY_US), histories.history(0, asked_us=3)]
    )
    assert np.argmax(then) == places["new"]
    assert then[places["later"]] < 1 <= then[places["new"]]
    assert soon[places["old"]] >= 3
    assert soon[places["new"]] < 1


def test_the_moment_of_asking_itself_is_not_known_yet() -> None:
    histories = gather_histories([("u", "a", 5), ("v", "b", 6)])
    popular = PopularLately.fit(histories, timedelta(days=1))
    [scores] = popular.score([histories.history(0, asked_us=6)])
    assert scores.tolist() == [1.5, 0.5]


def test_what_the_span_does_not_know_goes_by_all_time() -> None:
    histories = gather_histories([("u", "a", 5), ("v", "b", 6), ("w", "b", 7)])
    popular = PopularLately.fit(histories, timedelta(microseconds=1))
    [scores] = popular.score([histories.history(0, asked_us=DAY_US)])
    assert scores[1] > scores[0] > 0
