"""What ``/openapi.json`` says of bodies that the framework neither reads nor writes.

The framework collects the schemas of those that it does. Bodies that carry media are read here
(``bodies``) and errors are answered here (``problems``), so their schemas are added, each once and
by name: generators of clients make a class of each, and trip over one that is written out in
several places.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from pydantic.json_schema import models_json_schema

from sensorium.service.bodies import PLACE, schema_of
from sensorium.service.embeddings import EmbeddingsIn
from sensorium.service.events import EventIn, EventsIn
from sensorium.service.problems import Problem
from sensorium.service.search import SearchIn

MODELS = (EmbeddingsIn, EventIn, EventsIn, Problem, SearchIn)
"""What the framework does not know."""
EVENTS = {"anyOf": [schema_of(EventIn), schema_of(EventsIn)]}
"""Body that tells of events; the framework takes any object, and rows are read one by one."""


def specification(app: FastAPI) -> Callable[[], dict[str, Any]]:
    """Give what makes the specification of an application."""
    plain = app.openapi

    def whole() -> dict[str, Any]:
        if app.openapi_schema is None:
            _, made = models_json_schema(
                [(model, "validation") for model in MODELS], ref_template=PLACE
            )
            told = plain()
            told["components"]["schemas"].update(made["$defs"])
            body = told["paths"]["/v1/events"]["post"]["requestBody"]["content"]
            body["application/json"]["schema"] = EVENTS
        return plain()

    return whole
