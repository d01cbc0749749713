import base64
import hashlib
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from pydantic import SecretStr

from spotify_insights.spotify.errors import (
    OperatorMisconfiguredError,
    QuotaExceededError,
    RateLimitedError,
    ReauthRequiredError,
    SpotifyError,
    UpstreamError,
)
from spotify_insights.spotify.http_client import SpotifyHttpClient
from spotify_insights.spotify.login import (
    AppCredentials,
    authorize_url,
    exchange_code,
    new_code_verifier,
    refresh,
)

PUBLIC_APP = AppCredentials("client-1")
CONFIDENTIAL_APP = AppCredentials("client-1", SecretStr("secret-1"))
TOKENS = {"access_token": "access-1", "token_type": "Bearer", "expires_in": 3600, "scope": "user-top-read"}


class Accounts:
    """A token endpoint with one answer, which remembers what it was sent."""

    def __init__(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.requests: list[httpx2.Request] = []
        self.answer = (status, body, headers)
        self.http = SpotifyHttpClient(
            accounts_url="https://accounts.example/", transport=httpx2.MockTransport(self._answer)
        )

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        status, body, headers = self.answer
        return httpx2.Response(status, content=body, headers=headers)

    @property
    def form(self) -> dict[str, str]:
        (request,) = self.requests
        return {name: values[0] for name, values in parse_qs(request.content.decode()).items()}


def accounts_granting(**changes: Any) -> Accounts:
    return Accounts(200, json.dumps(TOKENS | changes).encode())


def test_the_consent_page_gets_state_and_only_the_hash_of_the_verifier() -> None:
    verifier = new_code_verifier()
    url = urlsplit(
        authorize_url(
            PUBLIC_APP,
            redirect_uri="http://127.0.0.1:8000/auth/spotify/callback?x=1",
            state=SecretStr("state&1"),
            code_verifier=verifier,
            accounts_url="https://accounts.example/",
        )
    )

    hashed = hashlib.sha256(verifier.get_secret_value().encode()).digest()
    assert f"{url.scheme}://{url.netloc}{url.path}" == "https://accounts.example/authorize"
    assert {name: values for name, (values,) in parse_qs(url.query).items()} == {
        "response_type": "code",
        "client_id": "client-1",
        "redirect_uri": "http://127.0.0.1:8000/auth/spotify/callback?x=1",
        "scope": "user-read-recently-played user-top-read",
        "state": "state&1",
        "code_challenge_method": "S256",
        "code_challenge": base64.urlsafe_b64encode(hashed).decode().rstrip("="),
    }
    assert verifier.get_secret_value() not in url.query


def test_the_challenge_is_the_one_of_rfc_7636_appendix_b() -> None:
    url = authorize_url(
        PUBLIC_APP,
        redirect_uri="https://example.org",
        state=SecretStr("state"),
        code_verifier=SecretStr("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
        show_dialog=True,
    )

    assert "code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM" in url
    assert "show_dialog=true" in url


def test_code_verifiers_are_as_long_as_rfc_7636_demands_and_never_repeat() -> None:
    verifiers = {new_code_verifier().get_secret_value() for _ in range(100)}

    assert len(verifiers) == 100
    assert all(43 <= len(verifier) <= 128 for verifier in verifiers)


def test_a_code_is_exchanged_for_tokens() -> None:
    accounts = accounts_granting(refresh_token="refresh-1", scope="user-top-read user-read-recently-played")

    tokens = exchange_code(
        accounts.http,
        PUBLIC_APP,
        code=SecretStr("code-1"),
        redirect_uri="https://example.org/callback",
        code_verifier=SecretStr("verifier-1"),
    )

    assert accounts.requests[0].url == "https://accounts.example/api/token"
    assert accounts.form == {
        "grant_type": "authorization_code",
        "code": "code-1",
        "redirect_uri": "https://example.org/callback",
        "code_verifier": "verifier-1",
        "client_id": "client-1",
    }
    assert tokens.access_token.get_secret_value() == "access-1"
    assert tokens.refresh_token is not None
    assert tokens.refresh_token.get_secret_value() == "refresh-1"
    assert tokens.expires_in == timedelta(hours=1)
    assert tokens.scopes == frozenset({"user-top-read", "user-read-recently-played"})


def test_an_app_with_a_secret_uses_http_basic() -> None:
    accounts = accounts_granting()

    refresh(accounts.http, CONFIDENTIAL_APP, refresh_token=SecretStr("refresh-1"))

    basic = base64.b64encode(b"client-1:secret-1").decode()
    assert accounts.requests[0].headers["Authorization"] == f"Basic {basic}"
    assert accounts.form == {"grant_type": "refresh_token", "refresh_token": "refresh-1"}


@pytest.mark.parametrize("app", [PUBLIC_APP, AppCredentials("client-1", SecretStr(""))])
def test_an_app_without_a_secret_names_itself_in_the_form(app: AppCredentials) -> None:
    accounts = accounts_granting()

    refresh(accounts.http, app, refresh_token=SecretStr("refresh-1"))

    assert "Authorization" not in accounts.requests[0].headers
    assert accounts.form == {
        "grant_type": "refresh_token",
        "refresh_token": "refresh-1",
        "client_id": "client-1",
    }


@pytest.mark.parametrize("changes", [{}, {"refresh_token": ""}, {"refresh_token": None}])
def test_a_refresh_without_a_new_refresh_token_keeps_none(changes: Mapping[str, Any]) -> None:
    accounts = accounts_granting(**changes)

    tokens = refresh(accounts.http, PUBLIC_APP, refresh_token=SecretStr("refresh-1"))

    assert tokens.refresh_token is None


def test_scopes_that_are_not_named_stay_unknown() -> None:
    tokens = refresh(accounts_granting(scope=None).http, PUBLIC_APP, refresh_token=SecretStr("refresh-1"))

    assert tokens.scopes is None


def refusal(
    status: int, body: bytes | Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> SpotifyError:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    accounts = Accounts(status, content, headers)
    with pytest.raises(SpotifyError) as raised:
        refresh(accounts.http, PUBLIC_APP, refresh_token=SecretStr("refresh-1"))
    assert len(accounts.requests) == 1
    return raised.value


@pytest.mark.parametrize(
    ("description", "reason"),
    [
        ("Refresh token expired", "expired"),
        ("Refresh token revoked", "revoked"),
        ("Invalid refresh token", "unknown"),
        (None, "unknown"),
    ],
)
def test_a_refresh_token_at_its_end_asks_for_consent_again(description: str | None, reason: str) -> None:
    error = refusal(400, {"error": "invalid_grant", "error_description": description})

    assert isinstance(error, ReauthRequiredError)
    assert error.reason == reason


@pytest.mark.parametrize(
    ("status", "body", "named"),
    [
        (400, {"error": "invalid_client", "error_description": "Invalid client"}, "invalid_client"),
        (401, {"error": "invalid_client"}, "invalid_client"),
        (400, {"error": "invalid_request", "error_description": ""}, "invalid_request"),
        (400, {"error": "unauthorized_client"}, "unauthorized_client"),
        (400, {"error": "invalid_grant", "error_description": "Invalid redirect URI"}, "invalid_grant"),
        (400, {"error": "<script>something else</script>"}, "status 400"),
        (400, b"Bad Request", "status 400"),
        (400, {"error": {"status": 400}}, "status 400"),
    ],
)
def test_a_refused_app_is_for_the_operator_and_not_the_listener(
    status: int, body: bytes | Mapping[str, Any], named: str
) -> None:
    error = refusal(status, body)

    assert isinstance(error, OperatorMisconfiguredError)
    assert error.oauth_error == named
    assert named in str(error)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, {"error": "server_error"}),
        (400, {"error": "temporarily_unavailable"}),
        (403, b"<html>blocked</html>"),
        (500, b""),
        (503, {"error": "invalid_grant"}),
        (200, b"not json"),
        (200, {"access_token": "", "expires_in": 3600}),
        (200, {"access_token": "a"}),
        (200, {"access_token": "a", "expires_in": 0}),
        (200, {"access_token": "a", "expires_in": 10**18}),
    ],
)
def test_a_server_in_trouble_leaves_the_connection_alone(
    status: int, body: bytes | Mapping[str, Any]
) -> None:
    assert isinstance(refusal(status, body), UpstreamError)


def test_the_token_endpoint_limits_like_the_web_api() -> None:
    assert isinstance(refusal(429, b"", {"Retry-After": "5"}), RateLimitedError)
    assert isinstance(refusal(429, {"error": {"reason": "QUOTA_EXCEEDED"}}), QuotaExceededError)
