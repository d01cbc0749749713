"""The one way to Spotify's servers: every exchange bounded, logged without secrets and counted."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import TracebackType
from typing import Final, Literal, Self

import httpx2
from pydantic import SecretStr

from spotify_insights.observability import get_logger
from spotify_insights.outbound.exchange import HEADER_SAFE_TOKEN, Answer, Exchanges, headers_with
from spotify_insights.spotify.errors import AccessTokenRejectedError, UpstreamError

API_URL: Final = "https://api.spotify.com"
ACCOUNTS_URL: Final = "https://accounts.spotify.com"


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
        self._exchanges = Exchanges(transport=transport, total_limit=total_limit, body_limit=body_limit)
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
        self._exchanges.close()

    def get_from_api(self, path: str, *, access_token: SecretStr, query: Mapping[str, str | int]) -> Answer:
        """GET `path` (as in `/v1/me`) for the listener whose token this is. Safe to repeat.

        Raises:
            AccessTokenRejectedError: the token cannot stand in a header, so Spotify never issued it.
            UpstreamError: no whole answer came.
        """
        if not HEADER_SAFE_TOKEN.fullmatch(access_token.get_secret_value()):
            raise AccessTokenRejectedError
        return self._exchange(
            httpx2.Request(
                "GET",
                self._api_url + path,
                params=query,
                headers=headers_with(f"Bearer {access_token.get_secret_value()}"),
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
                headers=headers_with(_opened(authorization) if authorization else None),
            ),
            path,
        )

    def _exchange(self, request: httpx2.Request, path: str) -> Answer:
        started = time.monotonic()
        outcome = self._exchanges.exchange(request)
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
        if isinstance(outcome, Answer):
            return outcome
        raise UpstreamError(detail=outcome.detail, status=outcome.status)


def _opened(value: str | SecretStr) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else value
