"""One HTTP exchange with somebody else's server: bounded in time and size, silent about secrets, not retried.

It works below `httpx2.Client` on purpose: that logs whole URLs, keeps cookies between listeners and follows
what the environment says about proxies.
"""

import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

import httpx2

from spotify_insights import __version__
from spotify_insights.outbound.deadline import DeadlineTransport, time_is_up, total_deadline

USER_AGENT: Final = f"spotify-insights/{__version__}"
# RFC 6750, section 2.1 allows less than this; anything else would break out of the header.
HEADER_SAFE_TOKEN: Final = re.compile(r"[\x21-\x7e]+")
_PHASE_TIMEOUTS: Final = {"connect": 3.0, "read": 10.0, "write": 10.0, "pool": 3.0}


@dataclass(frozen=True)
class Answer:
    """What came back. The body may hold tokens, so it is not shown."""

    status: int
    body: bytes = field(repr=False)
    retry_after: str | None = None


@dataclass(frozen=True)
class NoAnswer:
    """No whole answer came within the limits; `detail` says in a few words why, `status` what had begun."""

    detail: str
    status: int | None = None


class Exchanges:
    """A pool of connections, shared by all threads of a process.

    Args:
        transport: carries the requests; the default opens sockets that respect `total_limit`.
        total_limit: the longest that one exchange may take from first to last byte.
        body_limit: the most bytes of an answer, after decompression.
    """

    def __init__(
        self, *, transport: httpx2.BaseTransport | None, total_limit: timedelta, body_limit: int
    ) -> None:
        self._transport = transport or DeadlineTransport()
        self._total_limit = total_limit
        self._body_limit = body_limit

    def exchange(self, request: httpx2.Request) -> Answer | NoAnswer:
        """Send `request` and read the answer, whatever its status. Follows no redirect, raises nothing.

        A failure is a value, so that no traceback leads to the request and what it holds.
        """
        request.extensions["timeout"] = dict(_PHASE_TIMEOUTS)
        try:
            with total_deadline(self._total_limit):
                return self._receive(self._transport.handle_request(request))
        except httpx2.TimeoutException as error:
            return NoAnswer(f"time limit reached, {type(error).__name__}")
        except httpx2.RequestError as error:
            return NoAnswer(f"connection failed, {type(error).__name__}")

    def close(self) -> None:
        """Close all connections. Safe to repeat."""
        self._transport.close()

    def _receive(self, response: httpx2.Response) -> Answer | NoAnswer:
        body = bytearray()
        try:
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > self._body_limit:
                    return NoAnswer("answer too large", status=response.status_code)
                if time_is_up():
                    return NoAnswer("time limit reached", status=response.status_code)
        finally:
            response.close()
        return Answer(
            status=response.status_code,
            body=bytes(body),
            retry_after=response.headers.get("retry-after"),
        )


def headers_with(authorization: str | None) -> dict[str, str]:
    """What every request of ours carries, with this Authorization where there is one."""
    headers = {"User-Agent": USER_AGENT, "Accept": "application/json", "Accept-Encoding": "gzip"}
    return headers if authorization is None else headers | {"Authorization": authorization}
