"""Requests counted and timed for Prometheus, by their route's template: ids and raw paths are no labels."""

import time
from typing import Final

from prometheus_client import Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

REQUESTS: Final = Counter(
    "spotify_insights_http_requests",
    "Requests that this process answered.",
    ["method", "route", "status"],
)
DURATION: Final = Histogram(
    "spotify_insights_http_request_duration_seconds",
    "Time until the answer began, so that long streams count like everything else.",
    ["method", "route"],
)
# Everything else that a client may invent is one method, and every address without a route is one address.
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER: Final = "other"


class HttpMetrics:
    """Counts what it lets through; the outermost of all, so that refusals count, too."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        # Finding the counters by their labels costs more than counting.
        self._counters: dict[tuple[str, str, int], Counter] = {}
        self._timers: dict[tuple[str, str], Histogram] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()

        async def send_and_count(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._count(scope, message["status"], time.perf_counter() - begun)
            await send(message)

        await self._app(scope, receive, send_and_count)

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        method = scope["method"] if scope["method"] in _METHODS else OTHER
        # The router leaves the route that it chose here.
        route = getattr(scope.get("route"), "path", OTHER)
        counter = self._counters.get((method, route, status))
        if counter is None:
            counter = self._counters[method, route, status] = REQUESTS.labels(method, route, str(status))
        timer = self._timers.get((method, route))
        if timer is None:
            timer = self._timers[method, route] = DURATION.labels(method, route)
        counter.inc()
        timer.observe(seconds)
