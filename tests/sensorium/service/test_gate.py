"""Who is let in: keys where they are asked for, and browsers where none is."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import delete

from sensorium.service.app import create_app
from sensorium.service.keys import KeyStore, Scope, keys_table
from sensorium.service.serving import Host
from sensorium.service.settings import ServiceConfig
from support.library import CONFIG

Asking = Callable[..., TestClient]


@pytest.fixture(scope="module")
def opened(indexed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """A library, opened once; tests of this module write nothing into it but keys."""
    folder = tmp_path_factory.mktemp("gate") / "w"
    host = Host(Path(shutil.copytree(indexed, folder)), CONFIG)
    host.refresh()
    yield host
    host.stop()
    host.library.workspace.engine.dispose()


@pytest.fixture
def asking(opened: Host) -> Asking:
    """Gives a client of the library under other settings of the service."""

    def make(**settings: Any) -> TestClient:
        opened.config = replace(CONFIG, service=ServiceConfig(**settings))
        app = create_app(opened)
        return TestClient(app, base_url="http://127.0.0.1:8000", raise_server_exceptions=False)

    return make


@pytest.fixture(autouse=True)
def keys(opened: Host) -> KeyStore:
    """No keys yet."""
    store = KeyStore(opened.library.workspace.engine)
    with store.engine.begin() as connection:
        connection.execute(delete(keys_table))
    return store


def shown(given: str) -> dict[str, str]:
    return {"X-API-Key": given}


def test_without_keys_this_machine_may_do_everything(asking: Asking) -> None:
    assert asking().get("/v1/recommendations/anna").status_code == 200


def test_once_a_key_was_made_everything_but_health_and_page_needs_one(
    asking: Asking, keys: KeyStore
) -> None:
    key, given = keys.create(Scope.READ)
    client = asking()
    refused = client.get("/v1/recommendations/anna")
    assert (refused.status_code, refused.json()["code"]) == (401, "unauthenticated")
    assert refused.headers["www-authenticate"] == "Bearer"
    assert refused.headers["x-content-type-options"] == "nosniff"
    for path in ("/openapi.json", "/v1/nothing", "/metrics", "//v1/users", "/assets"):
        assert client.get(path).status_code == 401, path
    for path in ("/health/live", "/health/ready"):
        assert client.get(path).status_code == 200, path
    assert client.get("/v1/recommendations/anna", headers=shown(given)).status_code == 200
    bearer = {"Authorization": f"bearer {given}"}
    assert client.get("/v1/recommendations/anna", headers=bearer).status_code == 200
    assert client.get("/v1/recommendations/anna", headers=shown(given[:-1])).status_code == 401
    keys.revoke(key.key_id)
    assert asking().get("/v1/recommendations/anna", headers=shown(given)).status_code == 401


def test_a_running_service_knows_within_a_second(asking: Asking, keys: KeyStore) -> None:
    client = asking()
    assert client.get("/v1/recommendations/anna").status_code == 200
    key, given = keys.create(Scope.READ)
    time.sleep(1.1)
    assert client.get("/v1/recommendations/anna").status_code == 401
    assert client.get("/v1/recommendations/anna", headers=shown(given)).status_code == 200
    keys.revoke(key.key_id)
    time.sleep(1.1)
    assert client.get("/v1/recommendations/anna", headers=shown(given)).status_code == 401


def test_use_of_a_key_is_kept(asking: Asking, keys: KeyStore) -> None:
    key, given = keys.create(Scope.READ)
    asking().get("/v1/recommendations/anna", headers=shown(given))
    for _ in range(100):
        if keys.key(key.key_id).used_at is not None:
            return
        time.sleep(0.05)
    raise AssertionError("nobody kept that the key was used")


def test_access_can_be_asked_for_or_left_to_others(asking: Asking) -> None:
    assert asking(access="keys").get("/v1/recommendations/anna").status_code == 401
    client = asking(host="0.0.0.0", access="open")
    assert client.get("/v1/recommendations/anna").status_code == 200
    assert asking(host="0.0.0.0").get("/v1/recommendations/anna").status_code == 401


def test_who_asks_too_often_waits(asking: Asking, keys: KeyStore) -> None:
    _, given = keys.create(Scope.READ)
    _, other = keys.create(Scope.READ)
    client = asking(reads_per_minute=2)
    answers = [client.get("/v1/recommendations/anna", headers=shown(given)) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[0].headers["ratelimit"].startswith('"read";r=1;t=')
    assert answers[2].json()["code"] == "rate"
    assert int(answers[2].headers["retry-after"]) >= 1
    assert client.get("/v1/recommendations/anna", headers=shown(other)).status_code == 200
    assert client.get("/health/live").status_code == 200


def test_guessing_is_slowed_and_does_not_lock_out_who_has_a_key(
    asking: Asking, keys: KeyStore
) -> None:
    _, given = keys.create(Scope.READ)
    client = asking(refusals_per_minute=3)
    assert client.get("/v1/recommendations/anna", headers=shown(given)).status_code == 200
    statuses = [
        client.get("/v1/recommendations/anna", headers=shown(f"guess{n}")).status_code
        for n in range(5)
    ]
    assert statuses == [401, 401, 401, 429, 429]
    assert client.get("/v1/recommendations/anna", headers=shown(given)).status_code == 200


@pytest.mark.parametrize(
    "name", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.io", ""]
)
def test_a_foreign_name_that_leads_here_is_refused(asking: Asking, name: str) -> None:
    refused = asking().get("/v1/recommendations/anna", headers={"Host": name})
    assert (refused.status_code, refused.json()["code"]) == (421, "host")


@pytest.mark.parametrize("name", ["localhost:8000", "127.0.0.1", "[::1]:8000", "app.localhost"])
def test_own_names_are_served(asking: Asking, name: str) -> None:
    assert asking().get("/v1/recommendations/anna", headers={"Host": name}).status_code == 200


def test_names_that_were_allowed_are_served(asking: Asking) -> None:
    client = asking(allowed_hosts=("media.example", ".inner.example"))
    for host, status in {
        "media.example": 200, "MEDIA.example:443": 200, "a.inner.example": 200,
        "a.media.example": 421, "inner.example.evil.io": 421,
    }.items():  # fmt: skip
        answer = client.get("/v1/recommendations/anna", headers={"Host": host})
        assert answer.status_code == status, host


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:3000"},
        {"Origin": "http://127.0.0.1:8000.evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
    ],
)
def test_pages_of_others_may_not_write(asking: Asking, headers: dict[str, str]) -> None:
    refused = asking().post("/v1/search", json={"text": "a"}, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "origin")


def test_pages_of_others_may_not_read_what_has_effects_either(asking: Asking) -> None:
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    client = asking()
    assert client.get("/v1/recommendations/anna", headers=headers).status_code == 403
    assert client.get("/health/live", headers=headers).status_code == 200


def test_the_own_page_and_programs_are_served(asking: Asking) -> None:
    client = asking()
    for headers in (
        {},
        {"Sec-Fetch-Site": "same-origin", "Origin": "http://127.0.0.1:8000"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "http://127.0.0.1:8000"},
    ):
        assert client.post("/v1/search", json={"text": "a"}, headers=headers).status_code == 200


def test_scopes_contain_each_other(asking: Asking, keys: KeyStore) -> None:
    _, given = keys.create(Scope.ADMIN)
    assert asking().post("/v1/search", json={"text": "a"}, headers=shown(given)).status_code == 200


def test_a_key_of_a_user_speaks_of_nobody_else(asking: Asking, keys: KeyStore) -> None:
    _, given = keys.create(Scope.WRITE, user_id="anna")
    client = asking()

    def status(path: str) -> int:
        return client.get(path, headers=shown(given)).status_code

    assert status("/v1/recommendations/anna") == 200
    for path in ("ben", "Anna", "anna%20", "an%6Ea%00", "anna?user_id=ben"):
        assert status(f"/v1/recommendations/{path}") == 403, path
    search = client.post("/v1/search", json={"text": "a"}, headers=shown(given))
    assert search.status_code == 200
