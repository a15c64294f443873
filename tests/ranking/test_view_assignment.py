"""Places in a view come from stored vectors, and learning anew keeps what must stay."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from encoders.base import unit
from ranking.space import AspectSpace
from ranking.view_assignment import admitted, arrivals, learn_anew, shared_space, stored_views
from ranking.views import Members, ViewError
from retrieval.base import JOINT
from support.albums import WIDTH, learnt, mirror_of, planted, view
from support.records import item

GROUPS = [row % 3 for row in range(60)]
WORDS = {JOINT: np.eye(WIDTH, dtype=np.float32)[:3]}


def everyone(groups: list[int], **changes: object) -> Members:
    plain = Members(
        item_ids=tuple(f"item{row:03}" for row in range(len(groups))),
        clusters=np.array(groups, np.int64) + 1,
        confidence=np.ones(len(groups), np.float32),
        pinned=np.zeros(len(groups), np.bool_),
        digests=("",) * len(groups),
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def test_views_are_the_stored_vectors_of_the_rows_asked_for() -> None:
    mirror = mirror_of(planted(GROUPS))
    sound = unit(np.ones((1, 8)))[0]
    mirror.upsert([item("heard", sound, ("audio_native",)), item("item001", unit(np.ones(WIDTH)))])
    rows = admitted(mirror.items, None)

    chosen = sorted(rows[key] for key in ("item000", "item001", "item002", "heard"))
    views = stored_views(mirror.items, chosen)

    assert list(rows.values()) == sorted(rows.values())
    assert views.num_items == 4
    assert views.blocks["audio_native"].rows.tolist() == [2]
    assert views.blocks[JOINT].rows.tolist() == [0, 1, 3]
    assert np.array_equal(views.blocks[JOINT].vectors[2], unit(np.ones(WIDTH)))


def test_a_filter_says_who_may_be_there() -> None:
    mirror = mirror_of(planted(GROUPS))
    mirror.upsert([item("autre", unit(np.ones(WIDTH)), lang="fr")])

    assert list(admitted(mirror.items, 'lang == "fr"')) == ["autre"]
    assert len(admitted(mirror.items, None)) == 61


def test_arrivals_go_where_the_map_sends_them() -> None:
    vectors = planted(GROUPS, noise=0.1)
    table = mirror_of(vectors).items
    rows = admitted(table, None)
    known = learnt()
    space = AspectSpace(
        means={JOINT: known.space.means["joint"]},
        words=known.space.words[:, :WIDTH],
        anchors=known.space.anchors[:, :WIDTH],
    )
    readout = replace(
        known.readout, weights=known.readout.weights[:WIDTH], bias=np.zeros(3, np.float32)
    )

    came = arrivals(
        view(), replace(known, space=space, readout=readout), table, {"item003": "d"}, rows
    )

    by_hand = np.stack(list(vectors.values())) @ (8 * np.eye(WIDTH)[:, :3])
    shares = np.exp(by_hand) / np.exp(by_hand).sum(axis=1, keepdims=True)
    assert (came.clusters == np.array(GROUPS) + 1).all()
    assert came.confidence == pytest.approx(shares.max(axis=1), abs=1e-4)
    assert came.digests[3:5] == ("d", "")
    assert not came.pinned.any()


def test_learning_anew_keeps_those_who_stay_and_places_the_others() -> None:
    table = mirror_of(planted(GROUPS)).items
    rows = admitted(table, None)
    wrong = list(GROUPS)
    wrong[4], wrong[7], wrong[9], wrong[11] = 0, 2, 1, -1
    who = everyone(wrong, pinned=np.arange(60) == 7)
    stays = np.arange(60) != 4

    space = shared_space(table, rows, WORDS)
    known, after = learn_anew(view(), space, table, who, rows, stays)

    expected = list(wrong)
    expected[4], expected[11] = GROUPS[4], GROUPS[11]
    assert after.clusters.tolist() == [group + 1 for group in expected]
    assert after.pinned.tolist() == who.pinned.tolist()
    assert after.confidence[9] < 0.5 < np.median(after.confidence)
    assert known.readout.weights.shape == (WIDTH, 3)


def test_columns_follow_the_clusters_whatever_their_numbers() -> None:
    table = mirror_of(planted(GROUPS)).items
    rows = admitted(table, None)
    plain = view()
    numbers = np.array([9, 2, 5])
    other = replace(
        plain,
        next_id=10,
        clusters=tuple(
            replace(cluster, cluster_id=int(number))
            for cluster, number in zip(plain.clusters, numbers, strict=True)
        ),
    )
    who = everyone(GROUPS, clusters=numbers[GROUPS])

    space = shared_space(table, rows, WORDS)
    known, after = learn_anew(other, space, table, who, rows, np.zeros(60, np.bool_))
    came = arrivals(other, known, table, {}, rows)

    assert after.clusters.tolist() == numbers[GROUPS].tolist()
    assert came.clusters.tolist() == numbers[GROUPS].tolist()


def test_items_that_no_word_can_be_compared_with_are_refused() -> None:
    table = mirror_of(planted(GROUPS)).items

    with pytest.raises(ViewError, match="cannot be compared"):
        shared_space(table, admitted(table, None), {"image_native": WORDS[JOINT]})
