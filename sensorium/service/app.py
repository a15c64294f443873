"""The application: routes over one library, put together in one place."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

import sensorium
from sensorium.service import access, health, metrics, middleware, problems, recommendations, search
from sensorium.service.serving import Host

DESCRIPTION = """
Search, recommendations and albums over one library of videos, photos, sounds and texts.

Errors are RFC 9457 problems with a stable `code`. Every answer carries `X-Request-ID`.
"""
ROUTERS = (health.router, metrics.router, recommendations.router, search.router)


def create_app(host: Host) -> FastAPI:
    """Make the application.

    Args:
        host: the library; it is kept up to date while the application runs.
    """

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        host.start()
        yield
        host.stop()

    app = FastAPI(
        title="Sensorium",
        version=sensorium.__version__,
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        responses=problems.PROBLEMS,
    )
    app.state.host = host
    app.state.metrics = metrics.Metrics(host)
    app.state.access = access.Access(host.config.service)
    problems.install(app)
    app.add_middleware(middleware.Requests)
    app.add_middleware(metrics.Measured, metrics=app.state.metrics)
    for router in ROUTERS:
        app.include_router(router)
    return app
