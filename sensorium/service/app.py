"""The application: routes over one library, put together in one place."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

import sensorium
from sensorium.service import (
    access,
    body_limits,
    embeddings,
    events,
    gate,
    health,
    items,
    jobs,
    library,
    media,
    metrics,
    middleware,
    page,
    problems,
    rank,
    recommendations,
    rerank,
    search,
    uploads,
    users,
    views,
)
from sensorium.service.keys import KeyStore
from sensorium.service.serving import Host
from sensorium.service.specification import specification

DESCRIPTION = """
Search, recommendations and albums over one library of videos, photos, sounds and texts.

Errors are RFC 9457 problems with a stable `code`. Every answer carries `X-Request-ID`.
"""
ROUTERS = (
    events.router,
    health.router,
    metrics.router,
    page.router,
    jobs.router,
    library.router,
    recommendations.router,
    rank.router,
    search.router,
    uploads.router,
    media.router,
    embeddings.router,
    rerank.router,
    items.router,
    users.router,
    views.router,
)
"""In order: ids of items hold slashes, so that routes with something after an id come first."""


def create_app(host: Host) -> FastAPI:
    """Make the application.

    Args:
        host: the library; it is kept up to date while the application runs.
    """
    running = jobs.Jobs(host)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        host.start()
        running.runner.start()
        yield
        running.runner.stop()
        host.stop()

    app = FastAPI(
        title="Sensorium",
        version=sensorium.__version__,
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        responses=problems.PROBLEMS,
        generate_unique_id_function=lambda route: route.name,  # Generated clients call them so.
    )
    app.state.host = host
    keys = KeyStore(host.library.workspace.engine)
    app.state.access = access.Access(host.config.service, keys)
    app.state.jobs = running
    app.state.metrics = metrics.Metrics(host)
    app.state.metrics.show("sensorium_jobs", "Jobs remembered.", "state", running.store.counts)
    app.state.routes = [route for router in ROUTERS for route in router.routes]
    problems.install(app)
    app.add_middleware(body_limits.BodyLimits, host.config.service)
    app.add_middleware(gate.Gate, app.state.access)
    app.add_middleware(middleware.Requests)
    app.add_middleware(metrics.Measured, metrics=app.state.metrics)
    for router in ROUTERS:
        app.include_router(router)
    app.openapi = specification(app)  # type: ignore[method-assign]
    return app
