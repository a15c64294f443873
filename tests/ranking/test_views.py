"""What a view is: names that are found or near, and a watch on what arrives."""

from __future__ import annotations

import numpy as np
import pytest

from ranking.views import DriftConfig, ViewError, Watch, view_name
from support.albums import members, view

CONFIG = DriftConfig(quantile=0.1, most_doubtful=0.3, least_items=10)


@pytest.mark.parametrize(
    ("given", "aspect", "expected"),
    [
        ("", "Colour", "colour"),
        ("", "kind of  animal?", "kind-of-animal"),
        ("", "Größe & Form", "größe-form"),
        ("warm albums", "colour", "warm albums"),
    ],
)
def test_a_view_is_called_after_its_aspect(given: str, aspect: str, expected: str) -> None:
    assert view_name(given, aspect) == expected


@pytest.mark.parametrize("given", ["/etc", "a/b", "-x", " ", "x" * 81, "a\nb"])
def test_a_name_that_would_cause_trouble_is_refused(given: str) -> None:
    with pytest.raises(ViewError, match="cannot be the name of a view"):
        view_name(given, "colour")
    with pytest.raises(ViewError, match="cannot be the name of a view"):
        view_name("", "?!")


def test_a_cluster_is_found_in_any_case_and_an_unknown_one_names_its_neighbours() -> None:
    assert view().cluster("GREEN").cluster_id == 2
    both = view(names=("red", "Red", "blue"))
    assert both.cluster("Red").cluster_id == 2
    with pytest.raises(ViewError, match=r"did you mean green\?; its clusters: red, green, blue"):
        view().cluster("gren")
    with pytest.raises(ViewError, match="no cluster 'RED'"):
        both.cluster("RED")


def test_a_tenth_of_its_own_items_are_doubtful() -> None:
    confidence = np.linspace(0, 1, 101, dtype=np.float32)

    assert Watch.start(confidence, CONFIG).doubt == pytest.approx(0.1)


def test_arrivals_like_its_own_are_no_drift_and_unlike_ones_are() -> None:
    random = np.random.default_rng(3)
    own = random.uniform(0.5, 1.0, 1000).astype(np.float32)
    watch = Watch.start(own, CONFIG)

    alike = watch.seen(random.uniform(0.5, 1.0, 500).astype(np.float32))
    unlike = watch.seen(random.uniform(0.3, 0.7, 500).astype(np.float32))

    assert not alike.has_drifted(CONFIG)
    assert unlike.has_drifted(CONFIG)


def test_few_arrivals_conclude_nothing_until_they_add_up() -> None:
    watch = Watch(doubt=0.5)
    nine = watch.seen(np.full(9, 0.1, np.float32))

    assert not nine.has_drifted(CONFIG)
    assert nine.seen(np.full(1, 0.1, np.float32)).has_drifted(CONFIG)


@pytest.mark.parametrize("wrong", [{"quantile": 0.0}, {"quantile": 0.5}, {"least_items": 0}])
def test_settings_that_would_always_or_never_see_drift_are_refused(
    wrong: dict[str, float],
) -> None:
    with pytest.raises(ValueError, match="quantile < most_doubtful"):
        DriftConfig(**wrong)  # type: ignore[arg-type]


def test_members_are_taken_and_joined_with_all_they_have() -> None:
    everyone = members([1, 2, 3, 1], pinned=[3])

    again = everyone.taken(np.array([0, 1])).joined(everyone.taken(np.array([2, 3])))

    assert again.item_ids == everyone.item_ids
    assert again.digests == everyone.digests
    assert again.pinned.tolist() == [False, False, False, True]
    with pytest.raises(ViewError, match="no item '7'"):
        everyone.row(view(), "7")
