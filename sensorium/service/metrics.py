"""``/metrics``: how the service does, in the text format of Prometheus.

- Requests are counted by the template of their route, never by their path, so that no caller can
  make new time series.
- What changes rarely (sizes of caches, age of the state) is read when the page is asked for, and
  costs requests nothing.
- Every process counts for itself: replicas are told apart by where they were scraped.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping

from fastapi import APIRouter, Request, Response
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ingest.database import WorkspaceError
from sensorium.service.access import READ
from sensorium.service.held import held_by
from sensorium.service.serving import Host
from sensorium.steps import Spent, listening

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
"""Bounds of the buckets that requests are counted in."""
STEP_SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER = "other"
"""Stands for paths without a route and methods that nobody knows."""

router = APIRouter(tags=["metrics"])


@router.get("/metrics", dependencies=[READ], response_class=Response)
def metrics(request: Request) -> Response:
    """Give the state of this process for Prometheus."""
    shown: Metrics = request.app.state.metrics
    return Response(generate_latest(shown.registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)


class Metrics:
    """What is counted of one service.

    Args:
        host: the library that is served.
    """

    def __init__(self, host: Host) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "sensorium_requests",
            "Requests answered.",
            ("route", "method", "status"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "sensorium_request_seconds",
            "From the first byte of a request to the last of its answer.",
            ("route", "method"),
            buckets=SECONDS,
            registry=self.registry,
        )
        self._steps = Histogram(
            "sensorium_step_seconds",
            "Wall time of the steps of pages and searches.",
            ("work", "step"),
            buckets=STEP_SECONDS,
            registry=self.registry,
        )
        self.in_flight = Gauge(
            "sensorium_requests_in_flight", "Requests being answered.", registry=self.registry
        )
        self.registry.register(_Held(host))
        ProcessCollector(registry=self.registry)

    def answered(self, scope: Scope, status: int, seconds: float, steps: Iterable[Spent]) -> None:
        """Count a request.

        Args:
            scope: of the request, once it has been answered.
            status: of the answer.
            seconds: what it took.
            steps: what was done.
        """
        route = getattr(scope.get("route"), "path", OTHER)
        method = scope["method"] if scope["method"] in METHODS else OTHER
        self._requests.labels(route, method, str(status)).inc()
        self._seconds.labels(route, method).observe(seconds)
        for spent in steps:
            self._steps.labels(spent.work, spent.step).observe(spent.seconds)

    def show(
        self, name: str, documentation: str, label: str, read: Callable[[], Mapping[str, float]]
    ) -> None:
        """Show numbers that another part of the service holds.

        Args:
            name: of the metric.
            documentation: one sentence.
            label: what the keys of the numbers are.
            read: gives them, at every scrape; without the database they are left out.
        """
        self.registry.register(_Read(name, documentation, label, read))


class Measured:
    """Counts every request of an application.

    Args:
        app: what answers.
        metrics: counts.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.perf_counter(), 500

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        self._metrics.in_flight.inc()
        with listening() as steps:
            try:
                await self._app(scope, receive, answer)
            finally:
                self._metrics.in_flight.dec()
                self._metrics.answered(scope, status, time.perf_counter() - started, steps)


class _Held(Collector):
    """What the service holds, read when it is asked for."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterable[Metric]:
        host = self._host
        yield _gauge("sensorium_ready", "1 once the library has been opened.", host.ready)
        yield _gauge("sensorium_refreshes", "Times that the library was opened.", host.refreshes)
        yield _gauge(
            "sensorium_refresh_failures", "Looks at the library that failed.", host.failures
        )
        if host.opened_at is not None:
            age = time.monotonic() - host.opened_at
            yield _gauge("sensorium_state_age_seconds", "Age of the served state.", age)
        yield from held_by(host)


class _Read(Collector):
    """Numbers by one label."""

    def __init__(
        self, name: str, documentation: str, label: str, read: Callable[[], Mapping[str, float]]
    ) -> None:
        self._name, self._documentation, self._label, self._read = name, documentation, label, read

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterable[Metric]:
        family = GaugeMetricFamily(self._name, self._documentation, labels=[self._label])
        try:
            for key, value in self._read().items():
                family.add_metric([key], value)
        except WorkspaceError:
            return
        yield family


def _gauge(name: str, documentation: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, documentation, value=float(value))
