"""One call to ListenBrainz: bounded, logged without its secrets, and what an answer means to every caller."""

import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

import httpx2

from spotify_insights.listenbrainz.errors import ListenBrainzRateLimitedError, ListenBrainzUpstreamError
from spotify_insights.observability import get_logger
from spotify_insights.outbound.exchange import Answer, Exchanges, headers_with
from spotify_insights.outbound.pace import OwnPace, Pace
from spotify_insights.outbound.retry_after import wait_asked_for

API_URL: Final = "https://api.listenbrainz.org"
LISTENBRAINZ_APART: Final = timedelta(seconds=1)
"""How long after one call the next begins at the earliest. Its limits are not published."""
_WAIT_WHERE_NONE_IS_NAMED: Final = timedelta(seconds=10)
_log = get_logger(__name__)


class ListenBrainzConnection:
    """A pool of connections to ListenBrainz, shared by all threads of a process.

    Args:
        api_url: where its API lives, without `/1`.
        transport: carries the requests; the default opens sockets that respect `total_limit`.
        total_limit: the longest that one exchange may take from first to last byte.
        pace: which calls keep; the default is this client's own, LISTENBRAINZ_APART.
    """

    LARGEST_ANSWER_BYTES = 64 * 1024

    def __init__(
        self,
        *,
        api_url: str = API_URL,
        transport: httpx2.BaseTransport | None = None,
        total_limit: timedelta = timedelta(seconds=15),
        pace: Pace | None = None,
    ) -> None:
        self._api_url = api_url.rstrip("/")
        self._exchanges = Exchanges(
            transport=transport, total_limit=total_limit, body_limit=self.LARGEST_ANSWER_BYTES
        )
        self._pace = pace or OwnPace(LISTENBRAINZ_APART)

    def close(self) -> None:
        """Close all connections. Safe to repeat."""
        self._exchanges.close()

    def _get(
        self,
        path: str,
        *,
        at_once: bool,
        authorization: str | None = None,
        parameters: Mapping[str, str] | None = None,
    ) -> Answer | ListenBrainzRateLimitedError | ListenBrainzUpstreamError:
        """The answer, whatever its status, unless waiting helps.

        Errors are returned, so that whoever sent a secret can raise them where no traceback leads to it.

        Args:
            at_once: as for `Pace.begin`.
        """
        if (away := self._pace.begin(at_once=at_once)) is not None:
            return ListenBrainzRateLimitedError(wait=away)
        started = time.monotonic()
        answer = self._exchanges.exchange(
            httpx2.Request(
                "GET", self._api_url + path, params=parameters, headers=headers_with(authorization)
            )
        )
        status = answer.status if isinstance(answer, Answer) else None
        elapsed = round((time.monotonic() - started) * 1000)
        _log.info("listenbrainz call", method="GET", path=path, status=status, ms=elapsed)
        if not isinstance(answer, Answer):
            return ListenBrainzUpstreamError(detail=answer.detail)
        if answer.status == 429:
            wait = wait_asked_for(answer.retry_after) or _WAIT_WHERE_NONE_IS_NAMED
            self._pace.stay_away(wait)
            return ListenBrainzRateLimitedError(wait=wait)
        return answer
