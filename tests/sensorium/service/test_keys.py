"""API keys: shown once, kept as digests, and gone when revoked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from ingest.database import open_database
from sensorium.service.keys import ApiKeyError, KeyStore, Scope, keys_table


@pytest.fixture
def store(tmp_path: Path) -> Iterator[KeyStore]:
    store = KeyStore(open_database(f"sqlite:///{tmp_path / 'catalogue.db'}"))
    yield store
    store.engine.dispose()


def test_a_key_finds_itself(store: KeyStore) -> None:
    made, given = store.create(Scope.WRITE, "the shop", "anna")
    assert store.find(given) == made
    assert (made.scope, made.name, made.user_id) == (Scope.WRITE, "the shop", "anna")
    assert store.keys() == [made]


def test_the_key_itself_is_nowhere_in_the_database(store: KeyStore, tmp_path: Path) -> None:
    _, given = store.create(Scope.READ)
    secret = given[21:]
    with store.engine.connect() as connection:
        assert secret not in str(connection.execute(select(keys_table)).all())
    for file in tmp_path.iterdir():
        assert secret.encode() not in file.read_bytes()


def test_what_is_not_a_key_finds_none(store: KeyStore) -> None:
    _, given = store.create(Scope.READ)
    other = "A" if given[-1] != "A" else "B"
    wrong = ["", given[:-1], given + "x", given[:-1] + other, given.upper(), f" {given}", "sns__"]
    wrong += [
        given.replace(given[4:20], "0" * 16),
        "sns_" + "\u0661" * 16 + given[20:],
        given + "\n",
    ]
    assert [store.find(one) for one in wrong] == [None] * len(wrong)


def test_revoked_and_expired_keys_do_not_hold(store: KeyStore) -> None:
    made, given = store.create(Scope.READ)
    assert store.revoke(made.key_id).revoked_at is not None
    assert store.revoke(made.key_id) == store.key(made.key_id)
    assert store.find(given) is None
    brief, shown = store.create(Scope.READ, lifetime=timedelta(seconds=1))
    assert store.find(shown) is not None
    assert not brief.holds(datetime.now(UTC) + timedelta(seconds=2))
    assert store.any()


def test_use_is_kept(store: KeyStore) -> None:
    made, given = store.create(Scope.READ)
    noon = datetime(2030, 1, 1, 12, tzinfo=UTC)
    store.used(made.key_id, noon)
    found = store.find(given)
    assert found is not None
    assert found.used_at == noon


def test_an_erased_user_is_forgotten_and_their_keys_end(store: KeyStore) -> None:
    made, given = store.create(Scope.READ, "anna's phone", "anna")
    kept, others = store.create(Scope.READ, user_id="ben")
    assert store.erase("anna") == 1
    assert store.find(given) is None
    left = store.key(made.key_id)
    assert (left.user_id, left.name) == (None, "")
    assert store.find(others) == kept


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"scope": Scope.ADMIN, "user_id": "anna"}, "admin"),
        ({"scope": Scope.READ, "user_id": ""}, "no user"),
        ({"scope": Scope.READ, "name": "a\nb"}, "printable"),
        ({"scope": Scope.READ, "lifetime": timedelta(0)}, "some time"),
    ],
)
def test_keys_that_make_no_sense_are_refused(
    store: KeyStore, given: dict[str, object], expected: str
) -> None:
    with pytest.raises(ApiKeyError, match=expected):
        store.create(**given)  # type: ignore[arg-type]
    assert store.keys() == []


def test_an_unknown_key_is_named(store: KeyStore) -> None:
    with pytest.raises(ApiKeyError, match="no key 'x'"):
        store.revoke("x")
