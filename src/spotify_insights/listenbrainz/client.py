"""ListenBrainz, as far as we ask it: whose user token this is.

Source: https://listenbrainz.readthedocs.io/en/latest/users/api/core.html#get--1-validate-token
"""

import time
from datetime import timedelta
from typing import Annotated, Final

import httpx2
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from spotify_insights.listenbrainz.errors import (
    ListenBrainzRateLimitedError,
    ListenBrainzUpstreamError,
    TokenRejectedError,
)
from spotify_insights.observability import get_logger
from spotify_insights.outbound.exchange import HEADER_SAFE_TOKEN, Answer, Exchanges, headers_with
from spotify_insights.outbound.retry_after import wait_asked_for

API_URL: Final = "https://api.listenbrainz.org"
_VALIDATE: Final = "/1/validate-token"
_WAIT_WHERE_NONE_IS_NAMED: Final = timedelta(seconds=10)
_log = get_logger(__name__)


class _Validation(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    valid: bool
    # MusicBrainz allows names of any script; the one character that PostgreSQL cannot hold is not among them.
    user_name: Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[^\x00]+$")] | None = None


class ListenBrainzClient:
    """A pool of connections to ListenBrainz, shared by all threads of a process.

    Args:
        api_url: where its API lives, without `/1`.
        transport: carries the requests; the default opens sockets that respect `total_limit`.
        total_limit: the longest that one exchange may take from first to last byte.
    """

    def __init__(
        self,
        *,
        api_url: str = API_URL,
        transport: httpx2.BaseTransport | None = None,
        total_limit: timedelta = timedelta(seconds=15),
    ) -> None:
        self._api_url = api_url.rstrip("/")
        self._exchanges = Exchanges(transport=transport, total_limit=total_limit, body_limit=64 * 1024)

    def close(self) -> None:
        """Close all connections. Safe to repeat."""
        self._exchanges.close()

    def user_name_of(self, user_token: SecretStr) -> str:
        """The MusicBrainz name of the user whose token this is. Safe to repeat.

        Raises:
            TokenRejectedError: it is nobody's.
            ListenBrainzRateLimitedError, ListenBrainzUpstreamError: waiting helps.
        """
        if not HEADER_SAFE_TOKEN.fullmatch(user_token.get_secret_value()):
            raise TokenRejectedError
        # Raised here and not below, so that no traceback leads to the request.
        outcome = self._validate(user_token)
        if isinstance(outcome, str):
            return outcome
        raise outcome

    def _validate(
        self, user_token: SecretStr
    ) -> str | TokenRejectedError | ListenBrainzRateLimitedError | ListenBrainzUpstreamError:
        started = time.monotonic()
        answer = self._exchanges.exchange(
            httpx2.Request(
                "GET",
                self._api_url + _VALIDATE,
                headers=headers_with(f"Token {user_token.get_secret_value()}"),
            )
        )
        status = answer.status if isinstance(answer, Answer) else None
        elapsed = round((time.monotonic() - started) * 1000)
        _log.info("listenbrainz call", method="GET", path=_VALIDATE, status=status, ms=elapsed)
        if not isinstance(answer, Answer):
            return ListenBrainzUpstreamError(detail=answer.detail)
        if answer.status == 429:
            return ListenBrainzRateLimitedError(
                wait=wait_asked_for(answer.retry_after) or _WAIT_WHERE_NONE_IS_NAMED
            )
        if answer.status == 401:
            return TokenRejectedError()
        if answer.status != 200:
            return ListenBrainzUpstreamError(detail=f"status {answer.status}")
        return _name_in(answer)


def _name_in(answer: Answer) -> str | TokenRejectedError | ListenBrainzUpstreamError:
    try:
        validation = _Validation.model_validate_json(answer.body)
    except ValidationError:
        return ListenBrainzUpstreamError(detail="an answer that cannot be read")
    if not validation.valid:
        return TokenRejectedError()
    if validation.user_name is None:
        return ListenBrainzUpstreamError(detail="an answer without a name")
    return validation.user_name
