"""What people said about interests: kept, taken back, renumbered, erased; on either database."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from ingest.database import open_database
from ranking.preferences import HIGHEST, PreferenceError, Preferences, preferences_table, regroup
from support.postgres import postgres_server


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    with ExitStack() as stack:
        yield stack.enter_context(postgres_server())


@pytest.fixture(params=["sqlite", "postgresql"])
def preferences(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Preferences]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'catalogue.db'}"
    else:
        url = str(request.getfixturevalue("postgres"))
    engine = open_database(url)
    yield Preferences(engine)
    preferences_table.drop(engine)
    engine.dispose()


def test_what_is_said_last_holds_for_that_person_and_view_only(preferences: Preferences) -> None:
    preferences.set("Zoë 🐶", "mood", 3, 0)
    preferences.set("Zoë 🐶", "mood", 3, 2.5)
    preferences.set("Zoë 🐶", "mood", 1, 0)
    preferences.set("Zoë 🐶", "colour", 3, HIGHEST)
    preferences.set("'; DROP TABLE preferences; --", "mood", 3, 0)

    again = Preferences(preferences.engine)

    assert again.of("Zoë 🐶", "mood") == {3: 2.5, 1: 0}
    assert again.of("Zoë 🐶", "colour") == {3: HIGHEST}
    assert again.of("zoë 🐶", "mood") == again.of("Zoë 🐶", "moo") == {}
    assert again.users() == ["'; DROP TABLE preferences; --", "Zoë 🐶"]


def test_neutral_is_as_if_nothing_had_been_said(preferences: Preferences) -> None:
    preferences.set("u", "mood", 3, 0)
    preferences.set("u", "mood", 3, 1)
    preferences.set("u", "mood", 4, 1)
    assert preferences.of("u", "mood") == {}
    assert preferences.users() == []


@pytest.mark.parametrize("factor", [-0.1, HIGHEST + 0.1, math.nan, math.inf])
def test_what_is_no_factor_is_refused(preferences: Preferences, factor: float) -> None:
    with pytest.raises(PreferenceError, match="is no factor"):
        preferences.set("u", "mood", 3, factor)
    assert preferences.users() == []


@pytest.mark.parametrize("user_id", ["", " ", "a\0b", "x" * 501, "\ud800"])
def test_what_is_no_user_is_refused(preferences: Preferences, user_id: str) -> None:
    with pytest.raises(PreferenceError, match="is no user"):
        preferences.set(user_id, "mood", 3, 2)


def test_erasing_takes_one_person_out_of_every_view(preferences: Preferences) -> None:
    for user_id in ("goes", "stays"):
        preferences.set(user_id, "mood", 1, 0)
        preferences.set(user_id, "colour", 2, 3)
    assert preferences.erase("goes") == 2
    assert preferences.erase("goes") == 0
    assert preferences.users() == ["stays"]
    assert preferences.of("stays", "colour") == {2: 3}


def test_new_numbers_take_along_what_is_still_there(preferences: Preferences) -> None:
    for cluster_id in (1, 2, 3):
        preferences.set("u", "mood", cluster_id, cluster_id + 1)
        preferences.set("u", "colour", cluster_id, 0)

    with preferences.engine.begin() as connection:
        regroup(connection, "mood", {2: (1,), 1: (2,), 9: (9,)})

    assert preferences.of("u", "mood") == {2: 2, 1: 3}
    assert preferences.of("u", "colour") == {1: 0, 2: 0, 3: 0}
    with preferences.engine.begin() as connection:
        regroup(connection, "mood", {})
    assert preferences.of("u", "mood") == {}


def test_of_parts_a_mute_holds_and_else_the_most_that_was_said(preferences: Preferences) -> None:
    said: dict[str, dict[int, float]] = {
        "muted one": {1: 0, 2: 5},
        "boosted both": {1: 2, 2: 3},
        "less of one": {2: 0.5},
        "of another": {4: 0},
        "split": {3: 0},
    }
    for user_id, factors in said.items():
        for cluster_id, factor in factors.items():
            preferences.set(user_id, "mood", cluster_id, factor)
    with preferences.engine.begin() as connection:
        regroup(connection, "mood", {1: (1, 2), 3: (3,), 5: (3,), 4: (4,)})
    assert {user_id: preferences.of(user_id, "mood") for user_id in said} == {
        "muted one": {1: 0},
        "boosted both": {1: 3},
        "less of one": {1: 0.5},
        "of another": {4: 0},
        "split": {3: 0, 5: 0},
    }


def test_what_is_said_changes_with_the_view_or_not_at_all(preferences: Preferences) -> None:
    preferences.set("u", "mood", 1, 0)
    with preferences.engine.connect() as connection, connection.begin() as transaction:
        regroup(connection, "mood", {2: (1,)})
        transaction.rollback()
    assert preferences.of("u", "mood") == {1: 0}
