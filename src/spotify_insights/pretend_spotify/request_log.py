"""What was asked of the pretend Spotify: enough to count calls, never a secret."""

from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_KEPT: Final = 20_000
_SECRETS: Final = frozenset({"access_token", "refresh_token", "client_secret", "code", "code_verifier"})
# The key of a request's scope under which a route may leave a word for the log.
DETAIL: Final = "pretend_spotify.detail"


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """One answered request; `detail` is the grant type of a token request, else None.

    The values of a name that the query repeats are joined by commas.
    """

    at: datetime
    method: str
    path: str
    query: Mapping[str, str]
    status: int
    detail: str | None


class RequestLog:
    """The last 20 000 requests, and counters over all of them."""

    def __init__(self) -> None:
        self.requests: deque[LoggedRequest] = deque(maxlen=_KEPT)
        self.by_route: Counter[str] = Counter()
        self.by_status: Counter[int] = Counter()

    def add(self, request: LoggedRequest) -> None:
        self.requests.append(request)
        self.by_status[request.status] += 1
        self.by_route[_route_of(request)] += 1


def _route_of(request: LoggedRequest) -> str:
    single = "/v1/audio-features/"
    path = f"{single}{{id}}" if request.path.startswith(single) else request.path
    words = (request.method, path, request.detail)
    return " ".join(word for word in words if word is not None)


class RequestLogging:
    """Logs every request once its answer has begun; paths under `spare` are not logged."""

    def __init__(
        self, app: ASGIApp, *, log: Callable[[], RequestLog], now: Callable[[], datetime], spare: str
    ) -> None:
        self._app = app
        self._log = log
        self._now = now
        self._spare = spare

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(self._spare):
            await self._app(scope, receive, send)
            return

        async def note(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._log().add(self._logged(scope, status=message["status"]))
            await send(message)

        await self._app(scope, receive, note)

    def _logged(self, scope: Scope, *, status: int) -> LoggedRequest:
        query: dict[str, str] = {}
        for name, value in parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True):
            query[name] = f"{query[name]},{value}" if name in query else value
        return LoggedRequest(
            at=self._now(),
            method=scope["method"],
            path=scope["path"],
            query={name: "[removed]" if name in _SECRETS else value for name, value in query.items()},
            status=status,
            detail=scope.get(DETAIL),
        )
