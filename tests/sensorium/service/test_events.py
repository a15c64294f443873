"""Events over HTTP: durable before acknowledged, each row for itself, nothing twice."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import event as sqlalchemy_event

from sensorium.service.app import create_app
from sensorium.service.serving import Host

LIKE = {"user_id": "zoë", "item_id": "green0", "event_type": "like"}
AT = {"timestamp": "2026-01-02T03:04:05Z"}


def test_a_click_is_in_the_log_and_on_the_next_page(client: TestClient, host: Host) -> None:
    before = client.get("/v1/recommendations/zoë").json()["items"]
    item_id = before[0]["item_id"]
    answer = client.post("/v1/events", json={**LIKE, "item_id": item_id})
    assert answer.status_code == 200
    told = answer.json()
    assert (told["accepted"], told["duplicates"], told["rejected"]) == (1, 0, 0)
    [kept] = host.library.workspace.event_log.tail("zoë", 9)
    assert told["rows"] == [
        {"index": 0, "status": "accepted", "event_id": kept.event_id, "error": None}
    ]
    after = client.get("/v1/recommendations/zoë").json()["items"]
    assert item_id not in [pick["item_id"] for pick in after]


def test_each_row_stands_for_itself(client: TestClient, host: Host) -> None:
    rows: list[Any] = [
        {**LIKE, **AT},
        {**LIKE, **AT},
        {**LIKE, "item_id": "not/indexed/yet", "event_type": "a_word_of_its_own"},
        {**LIKE, "user_id": ""},
        {**LIKE, "timestamp": "yesterday"},
        {**LIKE, "who": "x"},
        {**LIKE, "context": {"lone": "\ud800"}},
        {**LIKE, "properties": {"huge": float("inf")}},
        {**LIKE, "properties": {"long": "x" * 100_000}},
        {**LIKE, "value": 10**400},
        "a click",
        None,
        {**LIKE, "timestamp": 1_700_000_000_000, "context": {"device": "tv"}, "position": 0},
    ]
    plain = {"content-type": "application/json"}
    answer = client.post("/v1/events", content=json.dumps({"events": rows}), headers=plain)
    assert answer.status_code == 200
    told = answer.json()
    assert [row["status"] for row in told["rows"]] == [
        "accepted", "duplicate", "accepted", *["rejected"] * 9, "accepted",
    ]  # fmt: skip
    assert (told["accepted"], told["duplicates"], told["rejected"]) == (3, 1, 9)
    assert all(bool(row["error"]) == (row["status"] == "rejected") for row in told["rows"])
    assert "yesterday" in told["rows"][4]["error"]
    assert len(host.library.workspace.event_log.since(0)) == 3
    again = client.post("/v1/events", json={"events": [rows[0], rows[12]]}).json()
    assert (again["accepted"], again["duplicates"]) == (0, 2)


def test_a_single_event_that_is_wrong_is_a_problem(client: TestClient, host: Host) -> None:
    answer = client.post("/v1/events", json={"user_id": "zoë"})
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_event")
    assert "item_id" in answer.json()["detail"]
    wrong: list[dict[str, Any]] = [
        {"events": {}},
        {"events": [], "user_id": "x"},
        {"events": [LIKE] * 1_001},
    ]
    for body in wrong:
        assert client.post("/v1/events", json=body).status_code == 422
    assert client.post("/v1/events", content="[").status_code == 422
    assert client.post("/v1/events", json={"events": []}).json()["rows"] == []
    assert host.library.workspace.event_log.since(0) == []


def test_events_are_listed_latest_first_a_page_at_a_time(client: TestClient) -> None:
    rows = [{**LIKE, "timestamp": 1_700_000_000 + n // 2, "event_id": f"e{n}"} for n in range(7)]
    client.post("/v1/events", json={"events": rows})
    path, met, cursor = "/v1/users/zoë/events", list[str](), None
    while True:
        asked = {"n": 3, **({"cursor": cursor} if cursor else {})}
        answer = client.get(path, params=asked).json()
        met += [event["event_id"] for event in answer["events"]]
        if (cursor := answer["next_cursor"]) is None:
            break
        client.post("/v1/events", json={**LIKE, "event_id": f"late{cursor}"})
    assert met == [f"e{n}" for n in reversed(range(7))]
    answer = client.get(path, params={"n": 100}).json()
    assert len(answer["events"]) == 9
    other = client.get("/v1/users/a/b/events", params={"cursor": "nonsense"})
    assert (other.status_code, other.json()["code"]) == (422, "cursor")
    assert client.get("/v1/users/a/b/events").json() == {"events": [], "next_cursor": None}


def test_what_a_file_brought_that_json_cannot_hold_is_told_without_it(
    client: TestClient, host: Host
) -> None:
    from support.events import event

    odd = {"lone": "\ud800", "much": float("nan"), "plain": 1}
    host.library.workspace.event_log.append([event(user_id="odd", context=odd)])
    [told] = client.get("/v1/users/odd/events").json()["events"]
    assert told["context"] == {"lone": "?", "much": None, "plain": 1}
    assert told["timestamp"] == "2025-03-01T00:00:00Z"


def test_a_full_disk_is_told_and_nothing_is_half_written(client: TestClient, host: Host) -> None:
    engine = host.library.workspace.engine

    def fill(connection: Any, _record: Any, _proxy: Any) -> None:
        [pages] = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages}")

    sqlalchemy_event.listen(engine, "checkout", fill)
    rows = [{**LIKE, "properties": {"much": "x" * 5_000}, "event_id": f"e{n}"} for n in range(900)]
    answer = client.post("/v1/events", json={"events": rows})
    sqlalchemy_event.remove(engine, "checkout", fill)
    assert (answer.status_code, answer.json()["code"]) == (503, "workspace")
    assert "full" in answer.json()["detail"]
    assert int(answer.headers["retry-after"]) > 0
    engine.dispose()
    assert host.library.workspace.event_log.since(0) == []
    assert client.post("/v1/events", json={"events": rows}).json()["accepted"] == 900


def test_a_held_database_is_told(
    client: TestClient, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.database.BUSY_TIMEOUT_MS", 50)
    engine = host.library.workspace.engine
    engine.dispose()
    with sqlite3.connect(str(engine.url.database), isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        answer = client.post("/v1/events", json=LIKE)
        other.execute("ROLLBACK")
    other.close()
    assert (answer.status_code, answer.json()["code"]) == (503, "workspace")
    assert answer.headers["retry-after"]
    assert client.post("/v1/events", json=LIKE).json()["accepted"] == 1


def test_a_key_makes_sending_again_safe_whoever_answers(client: TestClient, host: Host) -> None:
    key = {"Idempotency-Key": "k1"}
    body = {"events": [LIKE, {**LIKE, "item_id": "blue0"}]}
    first = client.post("/v1/events", json=body, headers=key)
    restarted = TestClient(create_app(Host(host.library.workspace.path, host.config)))
    again = restarted.post("/v1/events", json=body, headers=key)
    assert again.json() == first.json()
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    other = restarted.post("/v1/events", json=LIKE, headers=key)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_mismatch")
    assert len(host.library.workspace.event_log.since(0)) == 2
    restarted.app.state.host.library.workspace.engine.dispose()  # type: ignore[attr-defined]


def test_rows_sent_again_after_the_answer_was_lost_count_once(
    client: TestClient, host: Host
) -> None:
    from sensorium.kept_answers import answers_table

    key = {"Idempotency-Key": "k1"}
    first = client.post("/v1/events", json={"events": [LIKE, LIKE]}, headers=key).json()
    with host.library.workspace.engine.begin() as connection:
        connection.execute(answers_table.delete())
    again = client.post("/v1/events", json={"events": [LIKE, LIKE]}, headers=key).json()
    assert [row["event_id"] for row in again["rows"]] == [r["event_id"] for r in first["rows"]]
    assert (first["accepted"], again["accepted"], again["duplicates"]) == (2, 0, 2)
