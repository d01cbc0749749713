"""Authorization codes, access tokens and refresh tokens, with the lifetimes that Spotify gives them.

https://developer.spotify.com/documentation/web-api/tutorials/code-flow
https://developer.spotify.com/blog/2026-06-18-refresh-token-expiration
"""

import base64
import calendar
import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final

from spotify_insights.pretend_spotify.accounts import Account, AccountDirectory
from spotify_insights.pretend_spotify.config import RefreshTokenAnswer
from spotify_insights.pretend_spotify.failures import OAuthError, WebApiError

ACCESS_TOKEN_LIFETIME: Final = timedelta(seconds=3600)
CODE_LIFETIME: Final = timedelta(minutes=10)
SCOPES: Final = ("user-read-email", "user-read-private", "user-read-recently-played", "user-top-read")


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """What a user agreed to; `challenge` is the PKCE challenge (S256), None without PKCE."""

    account: Account
    scopes: tuple[str, ...]
    redirect_uri: str
    challenge: str | None


@dataclass(frozen=True, slots=True)
class _Code:
    consent: Consent
    expires_at: datetime


@dataclass(slots=True)
class _Grant:
    """One authorization by a user; refreshing never moves `authorized_at`."""

    account: Account
    scopes: tuple[str, ...]
    authorized_at: datetime
    public_client: bool
    revoked: bool = False


@dataclass(slots=True)
class AccessToken:
    """`expires_at` is None for a token that nobody issued: its age is unknown."""

    account: Account
    scopes: tuple[str, ...]
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class IssuedTokens:
    """`refresh_token` None leaves the field out of the answer."""

    access_token: str
    refresh_token: str | None
    scopes: tuple[str, ...]


def six_months_after(moment: datetime) -> datetime:
    """The same day of the month and time six months on, or that month's last day where it is shorter."""
    years, month = divmod(moment.month - 1 + 6, 12)
    year = moment.year + years
    day = min(moment.day, calendar.monthrange(year, month + 1)[1])
    return moment.replace(year=year, month=month + 1, day=day)


def challenge_of(verifier: str) -> str:
    """The S256 challenge of a PKCE verifier (RFC 7636, section 4.2)."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


class Authorizations:
    """Everything issued so far, in memory. Not thread-safe: it belongs to one event loop."""

    def __init__(
        self, *, now: Callable[[], datetime], accounts: AccountDirectory, accept_unknown: bool
    ) -> None:
        self._now = now
        self._accounts = accounts
        self._accept_unknown = accept_unknown
        self._codes: dict[str, _Code] = {}
        self._grants: dict[str, _Grant] = {}
        self._access_tokens: dict[str, AccessToken] = {}
        self._revoked_accounts: set[str] = set()

    def issue_code(self, consent: Consent) -> str:
        """A code that can be redeemed once within ten minutes."""
        code = "AQ" + secrets.token_urlsafe(96)
        self._codes[code] = _Code(consent, self._now() + CODE_LIFETIME)
        return code

    def redeem(
        self, code: str, *, redirect_uri: str, verifier: str | None, secret_proved: bool
    ) -> IssuedTokens:
        """Tokens for a code.

        Raises OAuthError for a code that is unknown, used or expired, another redirect URI, or a
        verifier that does not fit; the code stays good for the one who can show the right verifier.
        """
        pending = self._codes.get(code)
        if pending is None:
            raise OAuthError("invalid_grant", "Invalid authorization code")
        if pending.expires_at <= self._now():
            raise OAuthError("invalid_grant", "Authorization code expired")
        consent = pending.consent
        if redirect_uri != consent.redirect_uri:
            raise OAuthError("invalid_grant", "Invalid redirect URI")
        if consent.challenge is None and not secret_proved:
            raise OAuthError("invalid_client", "Invalid client secret")
        if consent.challenge is not None and challenge_of(verifier or "") != consent.challenge:
            raise OAuthError("invalid_grant", "code_verifier was incorrect")
        del self._codes[code]
        grant = _Grant(consent.account, consent.scopes, self._now(), public_client=not secret_proved)
        return IssuedTokens(self._issue_access_token(grant), self._issue_refresh_token(grant), grant.scopes)

    def refresh(self, refresh_token: str, *, secret_proved: bool, answer: RefreshTokenAnswer) -> IssuedTokens:
        """A new access token.

        Raises OAuthError once the token was revoked or six months have passed since the user agreed.
        With `RefreshTokenAnswer.NEW` the old refresh token is retired and the end stays where it was.
        """
        grant = self._grants.get(refresh_token) or self._adopt_refresh_token(refresh_token)
        if not (secret_proved or grant.public_client):
            raise OAuthError("invalid_client", "Invalid client secret")
        if grant.revoked:
            raise OAuthError("invalid_grant", "Refresh token revoked")
        if six_months_after(grant.authorized_at) <= self._now():
            raise OAuthError("invalid_grant", "Refresh token expired")
        new_refresh_token: str | None = None
        match answer:
            case RefreshTokenAnswer.ABSENT:
                pass
            case RefreshTokenAnswer.EMPTY:
                new_refresh_token = ""
            case RefreshTokenAnswer.NEW:
                successor = _Grant(grant.account, grant.scopes, grant.authorized_at, grant.public_client)
                grant.revoked = True
                grant = successor
                new_refresh_token = self._issue_refresh_token(successor)
        return IssuedTokens(self._issue_access_token(grant), new_refresh_token, grant.scopes)

    def holder_of(self, access_token: str) -> AccessToken:
        """The token's account and scopes; raises WebApiError 401 for a wrong or expired one."""
        token = self._access_tokens.get(access_token)
        if token is None:
            if not self._accept_unknown:
                raise WebApiError(HTTPStatus.UNAUTHORIZED, "Invalid access token")
            token = AccessToken(self._accounts.of_unknown_token(access_token), SCOPES, expires_at=None)
            self._access_tokens[access_token] = token
        if token.expires_at is not None and token.expires_at <= self._now():
            raise WebApiError(HTTPStatus.UNAUTHORIZED, "The access token expired")
        return token

    def revoke(self, user_id: str | None) -> int:
        """Revoke the refresh tokens of one user, or of everybody seen so far; says how many users.

        The user may authorize again. Access tokens live on until they expire.
        """
        seen = {grant.account.id for grant in self._grants.values()}
        seen |= {token.account.id for token in self._access_tokens.values()}
        users = seen if user_id is None else {user_id}
        # A refresh token that nobody issued may turn up only later; its account is revoked all the same.
        self._revoked_accounts |= users
        for grant in self._grants.values():
            grant.revoked = grant.revoked or grant.account.id in users
        return len(users)

    def expire_access_tokens(self, user_id: str | None) -> int:
        """Let the access tokens of one user, or all, expire this moment; says how many."""
        tokens = [t for t in self._access_tokens.values() if user_id in {None, t.account.id}]
        for token in tokens:
            token.expires_at = self._now()
        return len(tokens)

    def _adopt_refresh_token(self, refresh_token: str) -> _Grant:
        if not self._accept_unknown:
            raise OAuthError("invalid_grant", "Invalid refresh token")
        account = self._accounts.of_unknown_token(refresh_token)
        grant = _Grant(account, SCOPES, self._now(), public_client=True)
        grant.revoked = account.id in self._revoked_accounts
        self._grants[refresh_token] = grant
        return grant

    def _issue_access_token(self, grant: _Grant) -> str:
        token = "BQ" + secrets.token_urlsafe(96)
        expires_at = self._now() + ACCESS_TOKEN_LIFETIME
        self._access_tokens[token] = AccessToken(grant.account, grant.scopes, expires_at)
        return token

    def _issue_refresh_token(self, grant: _Grant) -> str:
        token = "AQ" + secrets.token_urlsafe(96)
        self._grants[token] = grant
        return token
