"""Rules: a little language of conditions, the one listed last holding."""

from __future__ import annotations

import pytest

from ingest.event import EventType
from ingest.event_rules import EventRules, parse_condition

RULES = EventRules()


@pytest.mark.parametrize(
    ("condition", "meets", "fails"),
    [
        ("watch_time>=0.6", (0.6, 3.0), (0.59, None)),
        ("watch_time > 0.6", (0.61,), (0.6, None)),
        ("rating<=2", (2.0, -1.0), (2.5, None)),
        ("rating<2", (1.9,), (2.0,)),
        ("rating=3", (3.0,), (2.0, None)),
        ("like", (None, 0.0, 5.0), ()),
    ],
)
def test_conditions(
    condition: str, meets: tuple[float | None, ...], fails: tuple[float | None, ...]
) -> None:
    parsed = parse_condition(condition)
    assert [parsed.holds(value) for value in meets] == [True] * len(meets)
    assert [parsed.holds(value) for value in fails] == [False] * len(fails)


@pytest.mark.parametrize(
    "text", ["", "watch_time>=", ">=3", "a b", "a>=x", "a>=nan", "a==1", "a:1"]
)
def test_what_is_no_condition_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"condition|number"):
        EventRules(positives=(text,))


@pytest.mark.parametrize("text", ["like", "like:", "like:x", "like:inf", ":1", "like>=2"])
def test_what_is_no_weight_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"weight|number|condition"):
        EventRules(weights=(text,))


def test_no_positives_at_all_are_refused() -> None:
    with pytest.raises(ValueError, match="positives"):
        EventRules(positives=())


def test_every_type_has_a_rule_and_no_other_word() -> None:
    assert all(RULES.knows(event_type) for event_type in EventType)
    assert not RULES.knows("swipe")
    assert RULES.weight("swipe") == 0.0
    assert not RULES.is_positive("swipe")


def test_positives_weigh_more_than_nothing_and_negatives_far_more() -> None:
    values: list[float | None] = [None, *(step / 4 for step in range(25))]
    liked = [
        RULES.weight(event_type, value)
        for event_type in EventType
        for value in values
        if RULES.is_positive(event_type, value)
    ]
    assert min(liked) > 0
    disliked = [RULES.weight(kind) for kind in ("dislike", "not_interested", "report")]
    assert max(disliked) <= -10 * max(liked)
    assert RULES.weight("rating", 1.0) < 0 < RULES.weight("rating", 5.0)
    assert RULES.weight("rating", 3.0) == RULES.weight("rating") == 0.0


def test_a_change_holds_over_what_is_built_in_and_leaves_the_rest() -> None:
    changed = EventRules(weights=("swipe:0.5", "Rating >= 5: 9", "like:2"))
    assert changed.weight("swipe") == 0.5
    assert changed.weight("rating", 5.0) == 9.0
    assert changed.weight("rating", 4.0) == RULES.weight("rating", 4.0)
    assert changed.weight("like") == 2.0
    assert changed.weight("dislike") == RULES.weight("dislike")
    assert changed.knows("swipe")
