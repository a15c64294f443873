"""Searches over HTTP: by words, files, items and several of them, with filters of both dialects."""

from __future__ import annotations

import base64
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from support.media import plain, write_image, write_sound, write_video


@pytest.fixture(scope="session")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A red picture, a tone and a clip that the library does not hold."""
    folder = tmp_path_factory.mktemp("asked")
    write_image(folder / "red.png", plain((210, 30, 30)))
    write_sound(folder / "tone.wav")
    write_video(folder / "clip.mp4", seed=3)
    return folder


@pytest.fixture(autouse=True)
def nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever a request brings, its files are gone afterwards."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    yield
    assert list(tmp_path.glob("sensorium-*")) == []


def ids(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [hit["item_id"] for hit in answer.json()["items"]]


def test_words_find_what_the_library_holds(reader: TestClient) -> None:
    answer = reader.post("/v1/search", json={"text": "a recipe for soup", "n": 3})
    assert ids(answer)[0] == "note"
    hit = answer.json()["items"][0]
    assert 0 <= hit["relevance"] <= 1
    assert hit["field"] in ("joint", "text")
    assert hit["modality_weights"] == {"text": 1.0}
    assert hit["has_thumbnail"] is False
    assert answer.json()["took_ms"] > 0


def test_an_item_finds_its_like(reader: TestClient) -> None:
    answer = reader.post("/v1/search", json={"like": ["red0"], "n": 4, "filter": "has_image"})
    assert {name[:3] for name in ids(answer)} == {"red"}
    assert all(hit["has_thumbnail"] for hit in answer.json()["items"])


def test_similar_items_of_an_item(reader: TestClient) -> None:
    answer = reader.get("/v1/items/red0/similar", params={"n": 3, "filter": "has_image"})
    found = ids(answer)
    assert "red0" not in found
    assert {name[:3] for name in found} == {"red"}
    sounds = reader.get("/v1/items/red0/similar", params={"modalities": "audio"})
    assert set(ids(sounds)) <= {"tone", "clip"}
    unknown = reader.get("/v1/items/no/such/similar")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")


def test_a_picture_comes_as_a_file_or_as_base64(reader: TestClient, media: Path) -> None:
    content = (media / "red.png").read_bytes()
    encoded = base64.b64encode(content).decode()
    asked = {"n": 3, "min_relevance": 0, "filter": "has_image"}
    form = {"query": json.dumps(asked)}
    by_file = reader.post("/v1/search", files={"image": ("../x.png", content)}, data=form)
    assert {name[:3] for name in ids(by_file)} == {"red"}
    for data in (encoded, f"data:image/png;base64,{encoded}"):
        by_data = reader.post("/v1/search", json={**asked, "image": {"data": data}})
        assert by_data.json()["items"] == by_file.json()["items"]


def test_a_sound_and_a_clip_come_as_files(reader: TestClient, media: Path) -> None:
    sound = {"audio": (media / "tone.wav").read_bytes()}
    assert ids(reader.post("/v1/search", files=sound))[0] == "tone"
    clip = {"video": (media / "clip.mp4").read_bytes()}
    assert ids(reader.post("/v1/search", files=clip))[0] == "clip"


def test_fields_of_a_form_stand_for_themselves(reader: TestClient, media: Path) -> None:
    fields = {
        "n": "2",
        "weights": '{"image": 2, "not": 0.5}',
        "not": ["soup", "noise"],
        "filter": '{"must": [{"key": "has_image", "match": {"value": true}}]}',
        "min_relevance": "0",
    }
    files = {"image": (media / "red.png").read_bytes()}
    assert len(ids(reader.post("/v1/search", data=fields, files=files))) == 2


def test_a_view_of_an_item_asks_like_a_file_of_it(reader: TestClient) -> None:
    by_picture = reader.post(
        "/v1/search", json={"image": {"item_id": "red0"}, "filter": "has_image"}
    )
    assert {name[:3] for name in ids(by_picture)} <= {"red"}
    wrong = reader.post("/v1/search", json={"audio": {"item_id": "red0"}})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "query")
    unknown = reader.post("/v1/search", json={"image": [{"item_id": "nobody"}]})
    assert (unknown.status_code, unknown.json()["code"]) == (422, "query")


def test_both_dialects_of_filters_give_the_same(reader: TestClient) -> None:
    asked = {"text": "red", "min_relevance": 0, "n": 50}
    conditions = {
        "must": [{"key": "has_image", "match": {"value": True}}],
        "must_not": [{"key": "item_id", "match": {"any": ["red0", "blue1"]}}],
    }
    expression = 'has_image and item_id not in ["red0", "blue1"]'
    by_json = ids(reader.post("/v1/search", json={**asked, "filter": conditions}))
    assert by_json == ids(reader.post("/v1/search", json={**asked, "filter": expression}))
    assert len(by_json) == 13
    wrong = reader.post("/v1/search", json={**asked, "filter": {"must": [{"key": "shape"}]}})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "filter")


def test_moments_have_times(reader: TestClient) -> None:
    asked = {"text": "anything", "moments": True, "min_relevance": 0, "n": 5}
    hits = reader.post("/v1/search", json=asked).json()["items"]
    assert {hit["item_id"] for hit in hits} == {"clip", "tone"}
    assert all(hit["start_seconds"] < hit["end_seconds"] for hit in hits)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"),
        (b"\x89PNG\r\n\x1a\nnothing of a picture follows", "corrupt"),
        (b"RIFF\x24\0\0\0WAVEfmt ", "mismatch"),
    ],
)
def test_broken_media_are_told_with_the_code_of_the_decoder(
    reader: TestClient, content: bytes, code: str
) -> None:
    answer = reader.post("/v1/search", files={"image": content})
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert tempfile.gettempdir() not in answer.text


@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        ({}, 422, "query"),
        ({"image": {"url": "http://127.0.0.1/x.png"}}, 422, "url_not_allowed"),
        ({"image": {"data": "no base64!"}}, 422, "invalid"),
        ({"image": {"data": "data:image/png,plain"}}, 422, "invalid"),
        ({"image": {"data": "AAAA", "item_id": "red0"}}, 422, "invalid"),
        ({"image": [{"item_id": "red0"}] * 9}, 422, "invalid"),
        ({"text": "red", "modalities": ["smell"]}, 422, "invalid"),
        ({"text": "red", "colour": "red"}, 422, "invalid"),
    ],
)
def test_what_cannot_be_asked_is_refused(
    reader: TestClient, asked: dict[str, Any], status: int, code: str
) -> None:
    answer = reader.post("/v1/search", json=asked)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_body_of_another_type_is_refused(reader: TestClient) -> None:
    answer = reader.post("/v1/search", content=b"text=red")
    assert (answer.status_code, answer.json()["code"]) == (415, "media_type")
    form = {"content-type": "multipart/form-data"}
    answer = reader.post("/v1/search", content=b"text=red", headers=form)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


def test_a_form_field_that_should_be_json_and_is_not(reader: TestClient) -> None:
    answer = reader.post("/v1/search", data={"weights": "much"}, files={"image": b"x"})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    answer = reader.post("/v1/search", files={"picture": b"x"})
    assert "picture" in answer.json()["detail"]


def test_the_specification_names_both_kinds_of_body(reader: TestClient) -> None:
    told = reader.get("/openapi.json").json()
    body = told["paths"]["/v1/search"]["post"]["requestBody"]
    assert set(body["content"]) == {"application/json", "multipart/form-data"}
    assert body["content"]["application/json"]["schema"] == {
        "$ref": "#/components/schemas/SearchIn"
    }
    assert "not" in told["components"]["schemas"]["SearchIn"]["properties"]
