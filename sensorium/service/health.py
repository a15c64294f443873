"""Is the service alive, and is it ready to answer?"""

from __future__ import annotations

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from sensorium.service.problems import OpeningError

router = APIRouter(prefix="/health", tags=["health"])


class Health(BaseModel):
    """How the service is."""

    status: str = Field(description="Always ok; what is wrong is told as a problem.")


@router.get("/live")
async def live() -> Health:
    """Say that the process answers."""
    return Health(status="ok")


@router.get("/ready")
async def ready(request: Request) -> Health:
    """Say whether requests can be answered: 503 until the library has been opened."""
    if not request.app.state.host.ready:
        raise OpeningError
    return Health(status="ok")
