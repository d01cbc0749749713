"""Sign-in with Spotify: the authorization code flow with PKCE, and refreshing what it gave.

Sources: RFC 6749; RFC 7636 (PKCE); RFC 9700, section 2.1.1 (PKCE for apps with a secret, too);
https://developer.spotify.com/documentation/web-api/tutorials/code-flow
"""

import secrets
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Annotated, Final
from urllib.parse import urlencode

from pydantic import Field, SecretStr, ValidationError

from spotify_insights.outbound.exchange import Answer
from spotify_insights.spotify.errors import (
    OperatorMisconfiguredError,
    ReauthReason,
    ReauthRequiredError,
    SpotifyError,
)
from spotify_insights.spotify.http_client import ACCOUNTS_URL, SpotifyHttpClient
from spotify_insights.spotify.payloads import Payload, read_payload
from spotify_insights.spotify.refusals import too_many_requests, unexpected
from spotify_insights.spotify.scopes import REQUESTED_SCOPES

_TOKEN_PATH: Final = "/api/token"  # noqa: S105  # a path, not a secret
# RFC 6749, section 4.1.2.1: faults of the server that a 400 may carry.
_SERVER_FAULTS: Final = frozenset({"server_error", "temporarily_unavailable"})
# RFC 6749, section 5.2: the only codes that are repeated to the operator; others may be anything.
_KNOWN_OAUTH_ERRORS: Final = frozenset(
    {
        "invalid_client",
        "invalid_request",
        "unauthorized_client",
        "unsupported_grant_type",
        "invalid_scope",
        "invalid_grant",
    }
)


@dataclass(frozen=True)
class AppCredentials:
    """The app as registered in Spotify's developer dashboard; without a secret, PKCE stands in for it."""

    client_id: str
    client_secret: SecretStr | None = None


@dataclass(frozen=True)
class Tokens:
    """What the token endpoint gave.

    `refresh_token` is None where the answer had none: the one in use stays valid and is kept.
    `expires_in` counts from the answer; `scopes` is None where the answer did not name them.
    """

    access_token: SecretStr
    refresh_token: SecretStr | None
    expires_in: timedelta
    scopes: frozenset[str] | None


class _TokensPayload(Payload):
    access_token: Annotated[SecretStr, Field(min_length=1)]
    # A bound, because a lifetime beyond any calendar could not be added to a date.
    expires_in: Annotated[int, Field(gt=0, le=366 * 86_400)]
    refresh_token: SecretStr | None = None
    scope: str | None = None


class _OAuthErrorPayload(Payload):
    error: str
    error_description: str | None = None


def new_code_verifier() -> SecretStr:
    """A fresh PKCE code verifier of 256 random bits; it stays with us until the code is exchanged."""
    return SecretStr(secrets.token_urlsafe(32))


def authorize_url(
    app: AppCredentials,
    *,
    redirect_uri: str,
    state: SecretStr,
    code_verifier: SecretStr,
    scopes: Collection[str] = REQUESTED_SCOPES,
    show_dialog: bool = False,
    accounts_url: str = ACCOUNTS_URL,
) -> str:
    """Where to send the listener's browser for consent.

    Args:
        app: whose sign-in this is; its secret takes no part.
        redirect_uri: exactly as registered; https, or http on a loopback address (not `localhost`).
        state: single-use and bound to the browser; Spotify hands it back.
        code_verifier: only its SHA-256 travels (`S256`).
        scopes: what to ask consent for.
        show_dialog: ask again even if the listener has consented before.
        accounts_url: where the listener's browser reaches Spotify's accounts.
    """
    parameters = {
        "response_type": "code",
        "client_id": app.client_id,
        "redirect_uri": redirect_uri,
        "scope": " ".join(sorted(scopes)),
        "state": state.get_secret_value(),
        "code_challenge_method": "S256",
        "code_challenge": _code_challenge(code_verifier),
    }
    if show_dialog:
        parameters["show_dialog"] = "true"
    return f"{accounts_url.rstrip('/')}/authorize?{urlencode(parameters)}"


def exchange_code(
    http: SpotifyHttpClient,
    app: AppCredentials,
    *,
    code: SecretStr,
    redirect_uri: str,
    code_verifier: SecretStr,
) -> Tokens:
    """Trade the code that came with the redirect for tokens. Not safe to repeat: a code works once.

    Raises:
        ReauthRequiredError: the code is used, expired or not ours; the sign-in starts again.
        OperatorMisconfiguredError: client id, client secret or redirect URI is wrong.
        RateLimitedError, QuotaExceededError, UpstreamError: waiting helps, with a new sign-in.
    """
    form: dict[str, str | SecretStr] = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri,
        "code_verifier": code_verifier,
    }
    return _tokens(http, app, form)


def refresh(http: SpotifyHttpClient, app: AppCredentials, *, refresh_token: SecretStr) -> Tokens:
    """A new access token. Safe to repeat while Spotify does not rotate refresh tokens.

    Refreshing does not prolong the refresh token, which ends six months after consent.

    Raises:
        ReauthRequiredError: the refresh token has expired or was revoked; it will never work again.
        OperatorMisconfiguredError: Spotify refuses the app; the listener's connection is fine.
        RateLimitedError, QuotaExceededError, UpstreamError: waiting helps.
    """
    form: dict[str, str | SecretStr] = {"grant_type": "refresh_token", "refresh_token": refresh_token}
    return _tokens(http, app, form)


def _tokens(http: SpotifyHttpClient, app: AppCredentials, form: Mapping[str, str | SecretStr]) -> Tokens:
    authorization = None
    # A secret that is set to nothing is a common way to leave it out.
    if app.client_secret:
        authorization = _basic(app.client_id, app.client_secret)
    else:
        form = {**form, "client_id": app.client_id}
    answer = http.post_to_accounts(_TOKEN_PATH, form=form, authorization=authorization)
    if answer.status != 200:
        raise _refusal_of(answer)
    payload = read_payload(answer, _TokensPayload, source=_TOKEN_PATH)
    return Tokens(
        access_token=payload.access_token,
        # An empty one would overwrite the one in use if it were taken at its word.
        refresh_token=payload.refresh_token or None,
        expires_in=timedelta(seconds=payload.expires_in),
        scopes=None if payload.scope is None else frozenset(payload.scope.split()),
    )


def _refusal_of(answer: Answer) -> SpotifyError:
    if answer.status == 429:
        return too_many_requests(answer)
    if not 400 <= answer.status < 500:
        return unexpected(answer)
    try:
        refused = _OAuthErrorPayload.model_validate_json(answer.body)
    except ValidationError:
        # 400 and 401 are what a token endpoint says about an app; another status without OAuth's
        # JSON comes from something on the way.
        if answer.status in {400, 401}:
            return OperatorMisconfiguredError(oauth_error=f"status {answer.status}")
        return unexpected(answer)
    return _oauth_refusal(answer, refused)


def _oauth_refusal(answer: Answer, refused: _OAuthErrorPayload) -> SpotifyError:
    description = (refused.error_description or "").lower()
    if refused.error in _SERVER_FAULTS:
        return unexpected(answer)
    # RFC 6749, section 5.2 files a redirect URI that differs under invalid_grant, too.
    if refused.error == "invalid_grant" and "redirect" not in description:
        return ReauthRequiredError(reason=_reason_in(description))
    known = refused.error in _KNOWN_OAUTH_ERRORS
    return OperatorMisconfiguredError(oauth_error=refused.error if known else f"status {answer.status}")


def _reason_in(description: str) -> ReauthReason:
    if "expired" in description:
        return "expired"
    return "revoked" if "revoked" in description else "unknown"


def _code_challenge(code_verifier: SecretStr) -> str:
    digest = sha256(code_verifier.get_secret_value().encode()).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


def _basic(client_id: str, client_secret: SecretStr) -> SecretStr:
    pair = f"{client_id}:{client_secret.get_secret_value()}".encode()
    return SecretStr(f"Basic {b64encode(pair).decode()}")
