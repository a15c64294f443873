"""Graphs cut into tasks, and filtered ranks."""

from __future__ import annotations

import numpy as np

from retrieval.relation_graph import NONE, RelationGraph
from retrieval.relation_tasks import (
    RelationTask,
    drawn_episode,
    filtered_ranks,
    held_pairs,
    tasks_of,
)

GRAPH = RelationGraph.of(
    [("a", "r", "b"), ("a", "r", "c"), ("d", "r", "b"), ("b", "s", "d"), ("a", "r", "b")]
)


def test_names_are_numbered_and_triples_stand_once() -> None:
    assert (GRAPH.entities, GRAPH.relations) == (("a", "b", "c", "d"), ("r", "s"))
    assert GRAPH.triples.tolist() == [[0, 0, 1], [0, 0, 2], [1, 1, 3], [3, 0, 1]]
    assert GRAPH.counts.tolist() == [3, 1]
    part = GRAPH.only(np.array([False, True]))
    assert (part.entities, part.relations) == (GRAPH.entities, ("s",))
    assert part.triples.tolist() == [[1, 0, 3]]


def test_neighbours_are_met_both_ways_and_padded() -> None:
    table = GRAPH.neighbours(3, np.random.default_rng(0))
    assert sorted(table[1].tolist()) == [[1, 3], [2, 0], [2, 3]]
    assert table[2].tolist() == [[2, 0], [NONE, NONE], [NONE, NONE]]
    few = GRAPH.neighbours(1, np.random.default_rng(0))
    assert few.shape == (4, 1, 2)
    drawn = {tuple(GRAPH.neighbours(1, np.random.default_rng(n))[1, 0]) for n in range(20)}
    assert len(drawn) == 3  # where there are too many, each has its turn


def test_a_relation_is_a_task_in_each_direction() -> None:
    forth, back = tasks_of(GRAPH, [0])
    assert (forth.name, back.name) == ("r", "~r")
    assert back.pairs.tolist() == forth.pairs[:, ::-1].tolist()
    assert forth.candidates.tolist() == [1, 2]
    assert tasks_of(GRAPH, [0], np.array([3]))[0].candidates.tolist() == [1, 2, 3]


def task() -> RelationTask:
    pairs = np.array([[0, 1], [0, 2], [5, 3]])
    return RelationTask(name="r", pairs=pairs, candidates=np.array([1, 2, 3, 4]))


def test_known_tails_do_not_compete() -> None:
    scores = np.array([[0.5, 0.9, 0.7, 0.1]], np.float32)
    assert filtered_ranks(task(), np.array([[0, 1]]), scores).tolist() == [2]  # 2 is known, 3 not
    more = RelationTask(
        name="r",
        pairs=np.array([[0, 1], [0, 2], [0, 3], [5, 3]]),
        candidates=np.array([1, 2, 3, 4]),
    )
    assert filtered_ranks(more, np.array([[0, 1]]), scores).tolist() == [1]


def test_a_known_tail_among_the_candidates_changes_no_rank() -> None:
    without = RelationTask(name="r", pairs=task().pairs, candidates=np.array([1, 3, 4]))
    scores = np.array([[0.5, 0.9, 0.7, 0.1]], np.float32)
    one = filtered_ranks(task(), np.array([[0, 1]]), scores)
    assert one == filtered_ranks(without, np.array([[0, 1]]), scores[:, [0, 2, 3]])


def test_equal_scores_share_the_mean_of_their_places() -> None:
    level = np.zeros((1, 4), np.float32)
    assert filtered_ranks(task(), np.array([[5, 3]]), level).tolist() == [2.5]


def test_wrong_tails_are_wrong_and_references_are_not_asked_for() -> None:
    draw = np.random.default_rng(0)
    graph = RelationGraph.of((f"h{n}", "r", f"t{n % 7}") for n in range(40))
    [one] = tasks_of(graph, [0], back=False)
    true = {tuple(pair) for pair in one.pairs.tolist()}
    for shots in (1, 3, 5):
        episode = drawn_episode(one, shots, (16, 3), draw)
        given = {tuple(pair) for pair in episode.references.tolist()}
        assert len(given) == shots
        for head, (first, *others) in zip(
            episode.heads.tolist(), episode.tails.tolist(), strict=True
        ):
            assert (head, first) in true - given
            assert all((head, other) not in true for other in others)


def test_held_pairs_are_divided_alike_and_apart() -> None:
    graph = RelationGraph.of((f"h{n}", "r", f"t{n % 7}") for n in range(40))
    tasks = tasks_of(graph, [0])
    one, other = held_pairs(tasks, 15, 3, seed=4), held_pairs(tasks, 15, 3, seed=4)
    for left, right in zip(one, other, strict=True):
        np.testing.assert_array_equal(left.asked, right.asked)
        np.testing.assert_array_equal(np.stack(left.draws), np.stack(right.draws))
        asked = {tuple(pair) for pair in left.asked.tolist()}
        assert len(asked) == 15
        for draw in left.draws:
            assert len(draw) == 5
            assert not asked & {tuple(pair) for pair in draw.tolist()}
