"""A request sent twice is done once, also at the same moment and in several processes."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import BaseModel

from sensorium.service import problems
from sensorium.service.idempotency import OnceHere
from sensorium.service.problems import ServiceError
from sensorium.service.serving import Host


class Made(BaseModel):
    """An answer that tells how often the work was done."""

    times: int


class Work:
    """What a route does; it can be held up, and fail."""

    def __init__(self) -> None:
        self.times, self.fails = 0, False
        self.go = threading.Event()
        self.go.set()

    def __call__(self) -> Made:
        self.times += 1
        self.go.wait(10)
        if self.fails:
            raise ServiceError(503, "away", "come back later")
        return Made(times=self.times)


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
def asked(host: Host, work: Work) -> TestClient:
    app = FastAPI()
    app.state.host = host
    problems.install(app)

    @app.post("/work")
    def route(once: OnceHere, body: dict[str, int]) -> Made:
        return once.answer(body, Made, work)

    return TestClient(app)


def test_without_a_key_everything_is_done_as_it_comes(asked: TestClient) -> None:
    assert [asked.post("/work", json={}).json()["times"] for _ in range(2)] == [1, 2]


def test_requests_at_the_same_moment_get_one_answer(
    asked: TestClient, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sensorium.service.idempotency.WAIT_SECONDS", 60)

    def ask(_number: int) -> tuple[int, str]:
        answer = asked.post("/work", json={"a": 1}, headers={"Idempotency-Key": "k"})
        return answer.status_code, answer.text

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ask, range(24))) == {(200, '{"times":1}')}
    assert work.times == 1


def test_one_that_takes_long_is_waited_for_and_then_told(
    asked: TestClient, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sensorium.service.idempotency.WAIT_SECONDS", 0.1)
    work.go.clear()
    key = {"Idempotency-Key": "k"}
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(asked.post, "/work", json={}, headers=key)
        while not work.times:
            pass
        busy = asked.post("/work", json={}, headers=key)
        work.go.set()
        assert first.result().json() == {"times": 1}
    assert (busy.status_code, busy.json()["code"]) == (409, "idempotency_busy")
    assert busy.headers["retry-after"]


def test_what_failed_may_be_tried_again(asked: TestClient, work: Work) -> None:
    key = {"Idempotency-Key": "k"}
    work.fails = True
    assert asked.post("/work", json={"a": 1}, headers=key).status_code == 503
    work.fails = False
    assert asked.post("/work", json={"a": 2}, headers=key).json() == {"times": 2}


def test_keys_of_others_are_others(asked: TestClient) -> None:
    headers = [{"Idempotency-Key": "k", "X-API-Key": name} for name in ("a", "b", "a")]
    found = [asked.post("/work", json={}, headers=one).json()["times"] for one in headers]
    assert found == [1, 2, 1]


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "zoë".encode()])
def test_a_key_that_cannot_be_is_refused(asked: TestClient, key: str | bytes) -> None:
    headers = [(b"Idempotency-Key", key if isinstance(key, bytes) else key.encode())]
    assert asked.post("/work", json={}, headers=headers).status_code == 422
