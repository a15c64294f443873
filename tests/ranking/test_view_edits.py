"""Edits do what they say and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from ranking.view_edits import merge, parts_of, pin, rename, split, unpin
from ranking.views import Cluster, Members, View, ViewError
from support.albums import members, view


def placed(one: View, who: Members) -> dict[str, str]:
    names = {cluster.cluster_id: cluster.name for cluster in one.clusters}
    return {key: names[int(c)] for key, c in zip(who.item_ids, who.clusters, strict=True)}


def part(name: str) -> Cluster:
    return Cluster(cluster_id=0, name=name, words=(name,))


def test_renaming_moves_nobody() -> None:
    renamed = rename(view(), "red", "warm  ones")

    assert [c.name for c in renamed.clusters] == ["warm ones", "green", "blue"]
    assert renamed.ids.tolist() == [1, 2, 3]
    assert rename(view(), "red", "RED").clusters[0].name == "RED"


@pytest.mark.parametrize("new", ["green", "Green", "", "  ", "x" * 81, "a\x00b"])
def test_a_name_that_is_taken_or_empty_is_refused(new: str) -> None:
    with pytest.raises(ViewError):
        rename(view(), "red", new)


def test_merging_moves_the_members_of_the_others_and_no_one_else() -> None:
    who = members([1, 2, 3, 2], pinned=[1])

    merged, after = merge(view(), who, ["blue", "red"], "cold and warm")

    assert [(c.cluster_id, c.name) for c in merged.clusters] == [(2, "green"), (3, "cold and warm")]
    assert placed(merged, after) == {
        "0": "cold and warm", "1": "green", "2": "cold and warm", "3": "green"
    }  # fmt: skip
    assert after.pinned.tolist() == who.pinned.tolist()
    assert set(merged.cluster("cold and warm").words) == {"red", "blue", "bright"}
    assert merge(view(), who, ["blue", "red"], "")[0].clusters[1].name == "blue"
    assert merge(view(), who, ["blue", "red"], "Red")[0].clusters[1].name == "Red"


@pytest.mark.parametrize(
    ("names", "new", "said"),
    [
        (["red"], "", "two different clusters"),
        (["red", "RED"], "", "they are red, green, blue"),
        (["red", "purple"], "", "no cluster 'purple'"),
        (["red", "blue"], "green", "already"),
    ],
)
def test_a_merge_that_makes_no_sense_is_refused(names: list[str], new: str, said: str) -> None:
    with pytest.raises(ViewError, match=said):
        merge(view(), members([1, 2, 3]), names, new)


def test_splitting_divides_one_cluster_and_the_largest_part_goes_on() -> None:
    who = members([1, 2, 1, 1, 3], pinned=[0])

    done, after = split(view(), who, "red", np.array([1, 0, 0]), [part("pink"), part("rose")])

    assert [(c.cluster_id, c.name) for c in done.clusters] == [
        (1, "red"), (4, "rose"), (2, "green"), (3, "blue")
    ]  # fmt: skip
    assert placed(done, after) == {"0": "rose", "1": "green", "2": "red", "3": "red", "4": "blue"}
    assert after.pinned.tolist() == who.pinned.tolist()
    assert done.next_id == 5


def test_parts_never_share_a_name_and_numbers_are_never_given_twice() -> None:
    parts = [part("red"), part("green"), part("green")]
    done, after = split(view(), members([1] * 4), "red", np.array([0, 0, 1, 2]), parts)
    merged, after = merge(done, after, ["red", "green 2", "green 3"], "")
    again, _ = split(merged, after, "red", np.array([0, 0, 0, 1]), [part("a"), part("b")])

    assert [c.name for c in done.clusters] == ["red", "green 2", "green 3", "green", "blue"]
    assert [c.cluster_id for c in again.clusters] == [1, 6, 2, 3]


def test_pinning_moves_one_item_and_unpinning_lets_it_go() -> None:
    who = members([1, 2, 3])

    pinned = pin(view(), who, "2", "red")
    free = unpin(view(), pinned, "2")

    assert pinned.clusters.tolist() == [1, 2, 1]
    assert pinned.pinned.tolist() == [False, False, True]
    assert not free.pinned.any()
    assert free.clusters.tolist() == [1, 2, 0]
    assert who.clusters.tolist() == [1, 2, 3]
    with pytest.raises(ViewError, match="not pinned"):
        unpin(view(), who, "2")
    with pytest.raises(ViewError, match="no item '9'"):
        pin(view(), who, "9", "red")


def test_parts_tell_what_clusters_are_made_of() -> None:
    before, who = view(), members([1, 2, 3, 3, 3])
    merged, placed_anew = merge(before, who, ["blue", "red"], "loud")
    assert parts_of(before, merged, "blue") == {2: (2,), 3: (3, 1)}
    parts = np.array([0, 1, 1, 1])
    divided, _ = split(merged, placed_anew, "loud", parts, [part("a"), part("b")])
    found = parts_of(merged, divided, "loud")
    assert found == {2: (2,), 3: (3,), 4: (3,)}
    assert parts_of(before, rename(before, "red", "warm"), "red") == {1: (1,), 2: (2,), 3: (3,)}
