"""The one way to Spotify's servers: bounded in time and size, silent about secrets, without retries.

It works below `httpx2.Client` on purpose: that logs whole URLs, keeps cookies between listeners and
follows what the environment says about proxies.
"""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import TracebackType
from typing import Final, Literal, Self

import httpx2
from pydantic import SecretStr

from spotify_insights import __version__
from spotify_insights.observability import get_logger
from spotify_insights.spotify.deadline import DeadlineTransport, time_is_up, total_deadline
from spotify_insights.spotify.errors import AccessTokenRejectedError, UpstreamError

API_URL: Final = "https://api.spotify.com"
ACCOUNTS_URL: Final = "https://accounts.spotify.com"
USER_AGENT: Final = f"spotify-insights/{__version__}"

# RFC 6750, section 2.1 allows less than this; anything else would break out of the header.
_HEADER_SAFE_TOKEN: Final = re.compile(r"[\x21-\x7e]+")
_PHASE_TIMEOUTS: Final = {"connect": 3.0, "read": 10.0, "write": 10.0, "pool": 3.0}


@dataclass(frozen=True)
class Answer:
    """What came back. The body may hold tokens, so it is not shown."""

    status: int
    body: bytes = field(repr=False)
    retry_after: str | None = None


@dataclass(frozen=True)
class Call:
    """One exchange that was begun, for logs, metrics and call budgets.

    `path` is a template without ids or query; `status` is None where no whole answer came.
    """

    method: Literal["GET", "POST"]
    path: str
    status: int | None
    milliseconds: int


def _ignore(_call: Call) -> None:
    """Nobody counts."""


class SpotifyHttpClient:
    """A pool of connections to Spotify, shared by all threads of a process.

    Args:
        api_url: where the Web API lives, without `/v1`.
        accounts_url: where sign-in and tokens live.
        transport: carries the requests; the default opens sockets that respect `total_limit`.
        total_limit: the longest that one exchange may take from first to last byte.
        body_limit: the most bytes of an answer, after decompression.
        on_call: told of every exchange after it ended, failed ones included; must not raise.

    An exchange raises `UpstreamError` where no whole answer came within the limits. An answer of any
    status is returned: what a status means is for the caller. Nothing is retried, no redirect followed.
    """

    def __init__(
        self,
        *,
        api_url: str = API_URL,
        accounts_url: str = ACCOUNTS_URL,
        transport: httpx2.BaseTransport | None = None,
        total_limit: timedelta = timedelta(seconds=15),
        body_limit: int = 4 * 1024 * 1024,
        on_call: Callable[[Call], None] = _ignore,
    ) -> None:
        self._api_url = api_url.rstrip("/")
        self._accounts_url = accounts_url.rstrip("/")
        self._transport = transport or DeadlineTransport()
        self._total_limit = total_limit
        self._body_limit = body_limit
        self._on_call = on_call
        self._log = get_logger(__name__)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections. Safe to repeat."""
        self._transport.close()

    def get_from_api(self, path: str, *, access_token: SecretStr, query: Mapping[str, str | int]) -> Answer:
        """GET `path` (as in `/v1/me`) for the listener whose token this is. Safe to repeat.

        Raises:
            AccessTokenRejectedError: the token cannot stand in a header, so Spotify never issued it.
            UpstreamError: no whole answer came.
        """
        if not _HEADER_SAFE_TOKEN.fullmatch(access_token.get_secret_value()):
            raise AccessTokenRejectedError
        return self._exchange(
            httpx2.Request(
                "GET",
                self._api_url + path,
                params=query,
                headers=_headers(f"Bearer {access_token.get_secret_value()}"),
            ),
            path,
        )

    def post_to_accounts(
        self, path: str, *, form: Mapping[str, str | SecretStr], authorization: SecretStr | None
    ) -> Answer:
        """POST `form` to `path` (as in `/api/token`); `authorization` is the whole header value.

        Safe to repeat only as far as the form is: a sign-in code works once.

        Raises:
            UpstreamError: no whole answer came; the server may have acted all the same.
        """
        return self._exchange(
            httpx2.Request(
                "POST",
                self._accounts_url + path,
                data={name: _opened(value) for name, value in form.items()},
                headers=_headers(_opened(authorization) if authorization else None),
            ),
            path,
        )

    def _exchange(self, request: httpx2.Request, path: str) -> Answer:
        request.extensions["timeout"] = dict(_PHASE_TIMEOUTS)
        started = time.monotonic()
        outcome = self._attempt(request)
        call = Call(
            method="GET" if request.method == "GET" else "POST",
            path=path,
            status=outcome.status if isinstance(outcome, Answer) else None,
            milliseconds=round((time.monotonic() - started) * 1000),
        )
        self._log.info(
            "spotify call", method=call.method, path=path, status=call.status, ms=call.milliseconds
        )
        self._on_call(call)
        # Raised here and not where it happened, so that no traceback leads to the request.
        if isinstance(outcome, UpstreamError):
            raise outcome
        return outcome

    def _attempt(self, request: httpx2.Request) -> Answer | UpstreamError:
        try:
            with total_deadline(self._total_limit):
                return self._receive(self._transport.handle_request(request))
        except httpx2.TimeoutException as error:
            return UpstreamError(detail=f"time limit reached, {type(error).__name__}")
        except httpx2.RequestError as error:
            return UpstreamError(detail=f"connection failed, {type(error).__name__}")

    def _receive(self, response: httpx2.Response) -> Answer | UpstreamError:
        body = bytearray()
        try:
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > self._body_limit:
                    return UpstreamError(detail="answer too large", status=response.status_code)
                if time_is_up():
                    return UpstreamError(detail="time limit reached", status=response.status_code)
        finally:
            response.close()
        return Answer(
            status=response.status_code,
            body=bytes(body),
            retry_after=response.headers.get("retry-after"),
        )


def _headers(authorization: str | None) -> dict[str, str]:
    headers = {"User-Agent": USER_AGENT, "Accept": "application/json", "Accept-Encoding": "gzip"}
    return headers if authorization is None else headers | {"Authorization": authorization}


def _opened(value: str | SecretStr) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else value
