"""A service that somebody attacks."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import FastAPI
from fastapi.testclient import TestClient


@dataclass(frozen=True, slots=True)
class Service:
    """An application over one library, and keys for it."""

    app: FastAPI
    client: TestClient
    keys: dict[str, dict[str, str]]
    """Headers by what their key may do; ``anna`` is bound to her."""
