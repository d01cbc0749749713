import json
from collections.abc import Callable
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from spotify_insights.clock import now
from spotify_insights.errors import PermanentError, ProductError, SnoozeError, TemporaryError
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
from spotify_insights.spotify.http_client import SpotifyHttpClient
from spotify_insights.spotify.login import AppCredentials, refresh
from spotify_insights.spotify.web_api import SpotifyWebApi

NOT_REGISTERED = b"User not registered in the Developer Dashboard"
NO_PREMIUM = (
    b"Active premium subscription required for the owner of the app. When the subscription status "
    b"changes, it can take a few hours before requests are allowed again."
)
HTML = b"<html><body><th scope='row'>Access denied</th></body></html>"


def spotify_answering(
    status: int, body: bytes = b"", headers: list[tuple[bytes, bytes]] | None = None
) -> SpotifyHttpClient:
    return SpotifyHttpClient(
        transport=httpx2.MockTransport(lambda _: httpx2.Response(status, content=body, headers=headers))
    )


def error_body(status: int, message: str, **more: str) -> bytes:
    return json.dumps({"error": {"status": status, "message": message, **more}}).encode()


def refusal(status: int, body: bytes = b"", headers: list[tuple[bytes, bytes]] | None = None) -> SpotifyError:
    """What calling the Web API raises when Spotify answers like this."""
    api = SpotifyWebApi(SecretStr("token"), spotify_answering(status, body, headers))
    with pytest.raises(SpotifyError) as raised:
        api.top_tracks("short_term")
    return raised.value


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (401, error_body(401, "The access token expired"), AccessTokenRejectedError),
        (401, b"", AccessTokenRejectedError),
        (401, error_body(401, "Permissions missing"), InsufficientScopeError),
        (403, error_body(403, "Insufficient client scope"), InsufficientScopeError),
        (403, NOT_REGISTERED, UserNotAllowlistedError),
        (403, error_body(403, NOT_REGISTERED.decode()), UserNotAllowlistedError),
        (403, NO_PREMIUM, OwnerNotPremiumError),
        (403, error_body(403, NO_PREMIUM.decode()), OwnerNotPremiumError),
        (403, error_body(403, "Forbidden"), EndpointUnavailableError),
        (403, b'{"error":{"status":403}}', EndpointUnavailableError),
        (403, b'{"error":{"message":null,"reason":null}}', EndpointUnavailableError),
        (404, error_body(404, "Service not found"), EndpointUnavailableError),
        (410, b"", EndpointUnavailableError),
        (400, error_body(400, "Invalid limit"), RequestRejectedError),
        (418, b"", RequestRejectedError),
        (403, HTML, UpstreamError),
        (403, b"", UpstreamError),
        (408, b"", UpstreamError),
        (500, b"", UpstreamError),
        (502, HTML, UpstreamError),
        (503, error_body(503, "Service unavailable"), UpstreamError),
        (302, b"", UpstreamError),
        (204, b"", UpstreamError),
        (200, b"", UpstreamError),
        (200, b"{", UpstreamError),
        (200, b"[" * 100_000, UpstreamError),
        (200, b'{"items": [{"id": "1"}]}', UpstreamError),
        (200, b"\xff\xfe", UpstreamError),
    ],
)
def test_each_refusal_has_its_own_error(status: int, body: bytes, expected: type[SpotifyError]) -> None:
    assert type(refusal(status, body)) is expected


@pytest.mark.parametrize(
    ("status", "body", "base"),
    [
        (429, b"", SnoozeError),
        (429, error_body(429, "Too many requests", reason="QUOTA_EXCEEDED"), SnoozeError),
        (502, b"", TemporaryError),
        (401, b"", PermanentError),
        (403, NOT_REGISTERED, PermanentError),
        (403, NO_PREMIUM, PermanentError),
        (403, error_body(403, "Forbidden"), PermanentError),
        (400, b"", PermanentError),
    ],
)
def test_an_error_says_whether_waiting_helps(status: int, body: bytes, base: type[ProductError]) -> None:
    assert isinstance(refusal(status, body), base)


def test_a_missing_endpoint_is_named() -> None:
    error = refusal(403, error_body(403, "Forbidden"))

    assert isinstance(error, EndpointUnavailableError)
    assert error.endpoint == "/v1/me/top/tracks"
    assert "/v1/me/top/tracks" in str(error)


def test_every_error_has_a_code_of_its_own_and_one_sentence() -> None:
    answers = [
        (401, b""),
        (403, error_body(403, "Insufficient client scope")),
        (403, NOT_REGISTERED),
        (403, NO_PREMIUM),
        (404, b""),
        (400, b""),
        (500, b""),
        (429, b""),
        (429, error_body(429, "Too many requests", reason="QUOTA_EXCEEDED")),
    ]

    errors = [refusal(status, body) for status, body in answers]

    assert len({error.code for error in errors}) == len(answers)
    for error in errors:
        assert error.code.startswith("spotify_")
        assert str(error).endswith(".")
        assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (b"7", 7),
        (b" 7 ", 7),
        (b"1.2", 2),
        (b"0", 1),
        (b"-5", 1),
        (b"300", 300),
        (None, 30),
        (b"", 30),
        (b"soon", 30),
        (b"nan", 30),
        (b"Wed, 21 Oct 2015 07:28:00 GMT", 1),
        (b"Wed, 21 Oct 99999999999999 07:28:00 GMT", 30),
    ],
)
def test_a_short_wait_is_the_rate_limit(header: bytes | None, seconds: int) -> None:
    error = refusal(429, headers=[(b"Retry-After", header)] if header is not None else None)

    assert isinstance(error, RateLimitedError)
    assert error.retry_after == error.wait == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        (b"52531", timedelta(seconds=52_531)),
        (b"301", timedelta(seconds=301)),
        (b"86401", timedelta(days=1)),
        (b"9" * 5000, timedelta(days=1)),
        (b"inf", timedelta(days=1)),
        (b"Fri, 31 Dec 9999 23:59:59 GMT", timedelta(days=1)),
    ],
)
def test_a_wait_far_beyond_the_rate_window_is_a_quota_even_without_a_reason(
    header: bytes, wait: timedelta
) -> None:
    error = refusal(429, b"Too many requests", [(b"Retry-After", header)])

    assert isinstance(error, QuotaExceededError)
    assert error.retry_after == error.wait == wait


@pytest.mark.parametrize(
    ("header", "wait"), [(b"9", timedelta(seconds=9)), (None, timedelta(hours=1)), (b"x", timedelta(hours=1))]
)
def test_a_stated_quota_is_a_quota_whatever_the_wait(header: bytes | None, wait: timedelta) -> None:
    body = error_body(429, "Too many requests", reason="QUOTA_EXCEEDED")

    error = refusal(429, body, [(b"Retry-After", header)] if header is not None else None)

    assert isinstance(error, QuotaExceededError)
    assert error.retry_after == wait


@pytest.mark.parametrize("minutes", [2, 4])
def test_a_date_to_wait_for_is_counted_from_now(minutes: int) -> None:
    moment = now() + timedelta(minutes=minutes)
    header = format_datetime(moment, usegmt=True).encode()

    error = refusal(429, headers=[(b"Retry-After", header)])

    assert isinstance(error, RateLimitedError)
    # The date has whole seconds and waits are rounded up; the machine may be slow.
    assert (
        timedelta(minutes=minutes, seconds=-10) < error.retry_after <= timedelta(minutes=minutes, seconds=1)
    )


def test_the_wait_is_said_in_words_people_use() -> None:
    assert "30 s" in str(refusal(429))
    assert "about 15 h" in str(refusal(429, headers=[(b"Retry-After", b"52531")]))
    assert "about 10 min" in str(refusal(429, headers=[(b"Retry-After", b"600")]))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)
# Bodies that begin as expected and go wrong further in reach code that random JSON hardly does.
NEARLY_RIGHT = st.one_of(
    st.fixed_dictionaries({"error": JSON}),
    st.fixed_dictionaries(
        {"error": st.fixed_dictionaries({}, optional={"status": JSON, "message": JSON, "reason": JSON})}
    ),
    st.fixed_dictionaries({"error": st.text(max_size=20) | JSON}, optional={"error_description": JSON}),
    st.fixed_dictionaries({"items": JSON | st.lists(st.fixed_dictionaries({"id": JSON, "track": JSON}))}),
    st.fixed_dictionaries({"audio_features": JSON | st.lists(JSON)}),
    st.fixed_dictionaries(
        {"access_token": JSON, "expires_in": JSON}, optional={"refresh_token": JSON, "scope": JSON}
    ),
)
BODIES = st.binary(max_size=200) | (JSON | NEARLY_RIGHT).map(lambda value: json.dumps(value).encode())
RETRY_AFTER = st.none() | st.integers().map(lambda n: str(n).encode()) | st.binary(max_size=40)
CALLS: list[Callable[[SpotifyHttpClient], Any]] = [
    lambda http: SpotifyWebApi(SecretStr("token"), http).me(),
    lambda http: SpotifyWebApi(SecretStr("token"), http).top_tracks("short_term"),
    lambda http: SpotifyWebApi(SecretStr("token"), http).top_artists("short_term"),
    lambda http: SpotifyWebApi(SecretStr("token"), http).recently_played(),
    lambda http: SpotifyWebApi(SecretStr("token"), http).audio_features(["1"]),
    lambda http: refresh(http, AppCredentials("client"), refresh_token=SecretStr("refresh")),
]


def error_of(call: Callable[[SpotifyHttpClient], Any], http: SpotifyHttpClient) -> SpotifyError | None:
    try:
        call(http)
    except SpotifyError as error:
        return error
    return None


# A busy machine is no finding.
@settings(deadline=None)
@given(
    call=st.sampled_from(CALLS),
    status=st.sampled_from([200, 201, 301, 400, 401, 403, 404, 429, 500, 503]) | st.integers(200, 599),
    body=BODIES,
    retry_after=RETRY_AFTER,
)
def test_any_answer_at_all_is_a_value_or_a_typed_error(
    call: Callable[[SpotifyHttpClient], Any], status: int, body: bytes, retry_after: bytes | None
) -> None:
    headers = [] if retry_after is None else [(b"Retry-After", retry_after)]

    error = error_of(call, spotify_answering(status, body, headers))

    if error is None:
        assert status == 200
    if status == 200:
        assert error is None or isinstance(error, UpstreamError)
    if isinstance(error, SnoozeError):
        assert timedelta(seconds=1) <= error.wait <= timedelta(days=1)
