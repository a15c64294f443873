"""Protocols by hand, and that nothing asked for can be seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ingest.histories import Histories
from ranking.splits import PROTOCOLS, Case, Part, SplitConfig, split, tied_ratio
from support.histories import histories_of, walks


def letters(histories: Histories, items: np.ndarray) -> str:
    return "".join(histories.item_ids[item] for item in items)


def fitted(part: Part) -> list[str]:
    return [letters(part.fit, part.fit.history(user).items) for user in range(len(part.fit))]


def asked(part: Part) -> list[tuple[int, str, str]]:
    return [
        (case.user, letters(part.fit, case.history.items), letters(part.fit, case.targets))
        for case in part.cases
    ]


def test_leave_one_out_by_hand() -> None:
    histories = histories_of("abcd", "ab", "cba")
    found = split(histories, SplitConfig())
    assert fitted(found.validation) == fitted(found.test) == ["ab", "ab", "c"]
    assert asked(found.validation) == [(0, "ab", "c"), (2, "c", "b")]
    assert asked(found.test) == [(0, "abc", "d"), (2, "cb", "a")]
    refit = split(histories, SplitConfig(refit=True))
    assert fitted(refit.test) == ["abc", "ab", "cb"]
    assert fitted(refit.validation) == ["ab", "ab", "c"]


def test_a_time_split_by_hand() -> None:
    # Ten events at moments 0 0 1 1 2 2 3 3 4 4: validation from the ninth, test from the tenth.
    both_last = split(histories_of("abcde", "badce"), SplitConfig(protocol="time"))
    assert asked(both_last.test) == [(0, "abcd", "e"), (1, "badc", "e")]
    assert fitted(both_last.test) == ["abcd", "badc"]
    # Moments 0 to 9, with one user who comes at the end only.
    found = split(histories_of("abcdefghij"), SplitConfig(protocol="time"))
    assert asked(found.validation) == [(0, "abcdefgh", "i")]
    assert asked(found.test) == [(0, "abcdefghi", "j")]
    assert (fitted(found.validation), fitted(found.test)) == (["abcdefgh"], ["abcdefghi"])
    assert found.test.cases[0].history.asked_us == 9


def test_repeats_are_asked_for_once() -> None:
    found = split(histories_of("abcdbeeccd" * 2), SplitConfig(protocol="time"))
    assert asked(found.test)[0][2] == "cd"


def test_a_user_split_keeps_users_apart() -> None:
    histories = histories_of(*["abcdefghij"] * 40)
    found = split(histories, SplitConfig(protocol="users", seed=1))
    groups = [
        {case.user for case in found.validation.cases},
        {case.user for case in found.test.cases},
        set(np.flatnonzero(found.test.fit.lengths).tolist()),
    ]
    assert [len(group) for group in groups] == [4, 4, 32]
    assert sum(map(len, groups)) == len(set.union(*groups))
    assert {entry[1:] for entry in asked(found.test)} == {("abcdefgh", "ij")}
    other = split(histories, SplitConfig(protocol="users", seed=2))
    assert {case.user for case in other.test.cases} != groups[1]


def disturbed(histories: Histories, seen: np.ndarray) -> Histories:
    """The same log with other items wherever an event is not seen."""
    shifted = (histories.items + 1 + np.arange(len(histories.items))) % histories.num_items
    return replace(histories, items=np.where(seen, histories.items, shifted))


def seen_by(part: Part, whole: Histories) -> np.ndarray:
    """Which events of the log a part shows, by user, moment and place."""
    seen = np.zeros(len(whole.items), bool)
    for user in range(len(whole)):
        seen[whole.offsets[user] :][: part.fit.lengths[user]] = True
    for case in part.cases:
        seen[whole.offsets[case.user] :][: len(case.history.items)] = True
    return seen


def shown(part: Part) -> list[object]:
    def told(case: Case) -> list[object]:
        history = case.history
        return [case.user, history.items.tolist(), history.times_us.tolist(), history.asked_us]

    fit = part.fit
    return [fit.items.tolist(), fit.times_us.tolist(), [told(case) for case in part.cases]]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("part", ["validation", "test"])
def test_what_is_asked_for_leaves_no_trace_in_what_is_seen(protocol: str, part: str) -> None:
    histories = walks(users=60)
    config = SplitConfig(protocol=protocol)  # type: ignore[arg-type]
    found = getattr(split(histories, config), part)
    seen = seen_by(found, histories)
    assert found.cases
    assert 0 < seen.sum() < len(seen)
    other = getattr(split(disturbed(histories, seen), config), part)
    assert shown(other) == shown(found)
    assert asked(other) != asked(found)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_targets_come_no_earlier_than_the_history(protocol: str) -> None:
    histories = walks(users=60)
    config = SplitConfig(protocol=protocol)  # type: ignore[arg-type]
    for part in (split(histories, config).validation, split(histories, config).test):
        for case in part.cases:
            start = histories.offsets[case.user] + len(case.history.items)
            hidden = histories.items[start : histories.offsets[case.user + 1]]
            assert set(case.targets) <= set(hidden)
            assert histories.times_us[start] >= case.history.times_us[-1]


def test_a_test_of_time_learns_from_nothing_at_or_after_its_moment() -> None:
    found = split(walks(), SplitConfig(protocol="time"))
    for part in (found.validation, found.test):
        assert part.fit.times_us.max() < part.cases[0].history.asked_us
    moment = found.test.cases[0].history.asked_us
    assert found.test.fit.times_us.max() > found.validation.fit.times_us.max()
    assert found.validation.cases[0].history.asked_us < moment


@pytest.mark.parametrize("protocol", ["leave-one-out", "users"])
def test_the_time_of_what_is_asked_for_is_told_only_where_wanted(protocol: str) -> None:
    histories = walks(users=40)
    for target_time in (False, True):
        config = SplitConfig(protocol=protocol, target_time=target_time)  # type: ignore[arg-type]
        for case in split(histories, config).test.cases:
            start = histories.offsets[case.user] + len(case.history.items)
            expected = start if target_time else start - 1
            assert case.history.asked_us == histories.times_us[expected]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_log_of_nothing_asks_nothing(protocol: str) -> None:
    found = split(histories_of(), SplitConfig(protocol=protocol))  # type: ignore[arg-type]
    assert found.test.cases == found.validation.cases == ()


def test_users_whose_last_two_events_coincide_are_counted() -> None:
    assert tied_ratio(histories_of("ab", "abc", "a")) == 0
    assert tied_ratio(histories_of("ab", "abc", step_us=0)) == 1
    assert tied_ratio(histories_of("a")) == 0
