"""Which error an answer means. Total: every status with any body gives exactly one typed error.

Spotify documents `{"error": {"status", "message", "reason"}}`, but some refusals are plain text and
anything between us and Spotify may answer in its place, so nothing about a body is taken for granted.
"""

from datetime import timedelta
from typing import Final

from pydantic import ValidationError

from spotify_insights.outbound.exchange import Answer
from spotify_insights.outbound.retry_after import wait_asked_for
from spotify_insights.spotify.errors import (
    AccessTokenRejectedError,
    EndpointUnavailableError,
    InsufficientScopeError,
    OwnerNotPremiumError,
    QuotaExceededError,
    RateLimitedError,
    RequestRejectedError,
    SpotifyError,
    UpstreamError,
    UserNotAllowlistedError,
)
from spotify_insights.spotify.payloads import Payload

# The rate limit looks at a rolling window of this length.
# https://developer.spotify.com/documentation/web-api/concepts/rate-limits
_RATE_WINDOW: Final = timedelta(seconds=30)
# A wait of many windows cannot come from the window: it is a quota, with or without the word for it.
_LONGEST_RATE_WAIT: Final = 10 * _RATE_WINDOW
# Where a used-up quota names no time, asking once an hour costs next to nothing.
_QUOTA_WAIT: Final = timedelta(hours=1)
# Request Timeout and Too Early (RFC 9110, RFC 8470): statuses of the 400s that are not our fault.
_SERVER_ASKS_TO_REPEAT: Final = frozenset({408, 425})


class _ErrorDetailPayload(Payload):
    message: str | None = None
    reason: str | None = None


class _ErrorPayload(Payload):
    error: _ErrorDetailPayload


def refusal_of(answer: Answer, *, endpoint: str) -> SpotifyError:
    """The error that a Web API `answer` other than a usable 200 stands for; it is returned, not raised.

    Args:
        answer: status, body and Retry-After as received.
        endpoint: the path template that was asked, for the sentence.
    """
    status = answer.status
    if status == 401:
        refusal = _unauthorised(answer)
    elif status == 403:
        refusal = _forbidden(answer, endpoint)
    elif status in {404, 410}:
        # Our paths are fixed, so what is missing is the endpoint and not an object.
        refusal = EndpointUnavailableError(endpoint=endpoint)
    elif status == 429:
        refusal = too_many_requests(answer)
    elif 400 <= status < 500 and status not in _SERVER_ASKS_TO_REPEAT:
        refusal = RequestRejectedError(status=status)
    else:
        refusal = unexpected(answer)
    return refusal


def too_many_requests(answer: Answer) -> RateLimitedError | QuotaExceededError:
    """Tell the short rate limit from the used-up quota; both answer 429, and only waiting helps."""
    asked = wait_asked_for(answer.retry_after)
    detail = _error_detail(answer.body)
    quota = detail is not None and detail.reason == "QUOTA_EXCEEDED"
    if quota or (asked is not None and asked > _LONGEST_RATE_WAIT):
        return QuotaExceededError(retry_after=_QUOTA_WAIT if asked is None else asked)
    return RateLimitedError(retry_after=_RATE_WINDOW if asked is None else asked)


def unexpected(answer: Answer) -> UpstreamError:
    """For a failure of the server's own, and for an answer that does not read as Spotify's."""
    return UpstreamError(detail=f"status {answer.status}", status=answer.status)


def _unauthorised(answer: Answer) -> SpotifyError:
    # Some endpoints answer a lacking scope with 401, where refreshing the token would be in vain.
    if "permissions missing" in _text(answer):
        return InsufficientScopeError()
    return AccessTokenRejectedError()


def _forbidden(answer: Answer, endpoint: str) -> SpotifyError:
    text = _text(answer)
    if "insufficient" in text and "scope" in text:
        return InsufficientScopeError()
    if "user not registered" in text:
        return UserNotAllowlistedError()
    if "premium" in text and "owner of the app" in text:
        return OwnerNotPremiumError()
    if _error_detail(answer.body) is None:
        # Neither Spotify's JSON nor one of its known sentences: something on the way refused.
        return unexpected(answer)
    return EndpointUnavailableError(endpoint=endpoint)


def _text(answer: Answer) -> str:
    """The message where Spotify's JSON has one, else the start of the body; in lower case."""
    detail = _error_detail(answer.body)
    text = answer.body[:1000].decode("utf-8", "replace") if detail is None else detail.message or ""
    return text.lower()


def _error_detail(body: bytes) -> _ErrorDetailPayload | None:
    try:
        return _ErrorPayload.model_validate_json(body).error
    except ValidationError:
        return None
