"""Vectors over HTTP, also as OpenAI's own client asks for them."""

from __future__ import annotations

import base64
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import openai
import pytest
import uvicorn
from fastapi.testclient import TestClient

from sensorium.service.embeddings import MODEL
from sensorium.service.serving import Host
from support.media import plain, write_image, write_sound


@pytest.fixture
def openai_client(client: TestClient) -> Iterator[openai.OpenAI]:
    """The client, and the application behind a real socket."""
    server = uvicorn.Server(uvicorn.Config(client.app, log_config=None, lifespan="off"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        with openai.OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="unused") as asking:
            yield asking
        server.should_exit = True
        thread.join()


def test_the_client_of_openai_gets_the_vectors_that_searches_use(
    openai_client: openai.OpenAI, host: Host
) -> None:
    texts = ["a red square", "lentil soup"]
    expected = host.serving.encoders.family.query_text(texts)["joint"]
    for encoding in ("float", "base64"):
        found = openai_client.embeddings.create(
            model=MODEL,
            input=texts,
            encoding_format=encoding,
        )
        assert [one.index for one in found.data] == [0, 1]
        if encoding == "float":
            rows = np.array([one.embedding for one in found.data])
        else:
            rows = np.stack(
                [np.frombuffer(base64.b64decode(str(one.embedding)), "<f4") for one in found.data]
            )
        np.testing.assert_allclose(rows, expected, atol=1e-6)
        assert found.model == MODEL
    alone = openai_client.embeddings.create(model=MODEL, input="lentil soup")
    np.testing.assert_allclose(alone.data[0].embedding, expected[1], atol=1e-6)
    assert alone.usage.prompt_tokens == len(["len", "##til", "soup"])
    assert [one.id for one in openai_client.models.list().data] == [MODEL]


def test_the_client_of_openai_understands_refusals(openai_client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as unknown:
        openai_client.embeddings.create(model="text-embedding-3-small", input="x")
    assert unknown.value.response.json()["code"] == "model_not_found"
    with pytest.raises(openai.UnprocessableEntityError) as shortened:
        openai_client.embeddings.create(model=MODEL, input="x", dimensions=64)
    assert "384 numbers" in shortened.value.response.json()["detail"]


def test_media_get_the_vector_they_would_have_as_items(reader: TestClient, tmp_path: Path) -> None:
    write_image(tmp_path / "red.png", plain((210, 30, 30)))
    write_sound(tmp_path / "tone.wav")
    picture, sound = (
        base64.b64encode((tmp_path / name).read_bytes()).decode()
        for name in ("red.png", "tone.wav")
    )
    parts: list[Any] = [
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{picture}"}},
        "a red square",
        {"type": "input_audio", "input_audio": {"data": sound, "format": "wav"}},
        {"type": "text", "text": "a red square"},
    ]
    answer = reader.post("/v1/embeddings", json={"model": MODEL, "input": parts}).json()
    rows = np.array([one["embedding"] for one in answer["data"]])
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(rows[1], rows[3])
    host: Host = reader.app.state.host  # type: ignore[attr-defined]
    stored = host.serving.mirror.vectors("tone")["joint"]
    np.testing.assert_allclose(rows[2], stored, atol=1e-3)


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"input": []}, 422),
        ({"input": ["x"] * 257}, 422),
        ({"input": [[1, 2, 3]]}, 422),
        ({"input": ["x" * 90_000] * 12}, 413),
        ({"encoding_format": "int8"}, 422),
        ({"input": [{"type": "image_url", "image_url": {"url": "http://x/y.png"}}]}, 422),
    ],
)
def test_what_cannot_be_embedded_is_refused(
    reader: TestClient, changes: dict[str, Any], status: int
) -> None:
    answer = reader.post("/v1/embeddings", json={"model": MODEL, "input": "x", **changes})
    assert answer.status_code == status
    assert answer.json()["code"]


def test_the_width_may_be_named(reader: TestClient) -> None:
    asked = {"model": MODEL, "input": "x", "dimensions": 384}
    assert reader.post("/v1/embeddings", json=asked).status_code == 200
