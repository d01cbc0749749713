"""Spotify as a provider of identities: authorization code with PKCE, then the profile."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from uuid import UUID

from pydantic import SecretStr

from spotify_insights.accounts.call_budget import CallBudget, Purpose, ReservedCalls
from spotify_insights.accounts.connect import store_tokens
from spotify_insights.accounts.register import Identity
from spotify_insights.database.database import Transaction
from spotify_insights.errors import ProductError, SnoozeError
from spotify_insights.listening.request import request_ingestion
from spotify_insights.listening.time_range import TimeRange
from spotify_insights.security.sealing import Sealer
from spotify_insights.sign_in.problem import Problem, ProblemKind, SignInError
from spotify_insights.sign_in.providers.provider import Kept
from spotify_insights.sign_in.providers.told_text import check_identity, cleaned
from spotify_insights.spotify.errors import (
    OperatorMisconfiguredError,
    OwnerNotPremiumError,
    ReauthRequiredError,
    SpotifyError,
    UserNotAllowlistedError,
)
from spotify_insights.spotify.http_client import SpotifyHttpClient
from spotify_insights.spotify.login import AppCredentials, Tokens, authorize_url, exchange_code
from spotify_insights.spotify.payloads import ProfilePayload
from spotify_insights.spotify.scopes import REQUESTED_SCOPES
from spotify_insights.spotify.web_api import SpotifyWebApi

LONGEST_NAME: Final = 200
# The code for tokens, and whose they are.
_CALLS: Final = 2
_KEPT_OF: Final[Mapping[str | None, Kept]] = {
    None: Kept.CONNECTED,
    "reauth_required": Kept.REAUTHORISED,
    "connected": Kept.RENEWED,
}
_PROBLEMS: Final[Mapping[str, Problem]] = {
    "code_refused": Problem(
        ProblemKind.START_AGAIN,
        "Spotify no longer accepts this",
        "What Spotify sent you back with has expired or was used before, so nobody could be signed in.",
        ("Start again, and agree at Spotify within a few minutes.",),
    ),
    "not_on_the_list": Problem(
        ProblemKind.NOT_ALLOWED,
        "Spotify does not let you use this app yet",
        "You agreed, but Spotify answers only for people whom the operator has added to the app's list of "
        "users.",
        (
            "Ask the operator to add you in Spotify's developer dashboard, under “User Management”.",
            "They need your name and the e-mail address of your Spotify account.",
            "Then sign in again.",
        ),
    ),
    "owner_without_premium": Problem(
        ProblemKind.LATER,
        "Spotify has suspended this app",
        "Spotify answers only while the owner of this installation's app has Spotify Premium.",
        (
            "The operator renews their Premium subscription.",
            "A few hours later Spotify answers again: then sign in.",
        ),
    ),
    "app_refused": Problem(
        ProblemKind.OPERATOR,
        "Spotify refuses this installation's app",
        "Spotify does not accept the client id, the client secret or the redirect URI that this installation "
        "shows. You did nothing wrong.",
        (
            "The operator opens the app's settings in Spotify's developer dashboard.",
            "Under “Redirect URIs” this one must stand, character by character: {redirect_uri}",
            "SPOTIFY_CLIENT_ID and SPOTIFY_CLIENT_SECRET must be those of the same app.",
        ),
    ),
    "slow_down": Problem(
        ProblemKind.LATER,
        "Too many calls to Spotify just now",
        "Spotify, or the daily budget of this installation, allows no further calls for a while. Nothing was "
        "changed.",
        ("Try again {wait}.",),
    ),
}


@dataclass(frozen=True)
class SpotifyProof:
    """A profile, and the tokens that came with it."""

    profile: ProfilePayload
    tokens: Tokens
    refresh_token: SecretStr
    sealer: Sealer = field(repr=False)

    @property
    def identity(self) -> Identity:
        return Identity(
            provider="spotify", provider_user_id=self.profile.id, account_id=self.profile.account_id
        )

    @property
    def display_name(self) -> str | None:
        return cleaned(self.profile.display_name or "")[:LONGEST_NAME] or None

    def keep(self, tx: Transaction, user_id: UUID) -> Kept:
        # An answer that does not name the scopes granted all that were asked for (RFC 6749, section 5.1).
        granted = REQUESTED_SCOPES if self.tokens.scopes is None else self.tokens.scopes
        before = store_tokens(
            tx,
            self.sealer,
            user_id,
            access_token=self.tokens.access_token,
            refresh_token=self.refresh_token,
            expires_in=self.tokens.expires_in // timedelta(seconds=1),
            scope=sorted(granted),
        )
        kept = _KEPT_OF[before]
        if kept is not Kept.RENEWED:
            request_ingestion(tx, user_id, TimeRange.MEDIUM_TERM)
        return kept


class SpotifyProvider:
    """Sign-in with the app of this installation."""

    name: Final = "spotify"
    title: Final = "Spotify"
    problems: Final = _PROBLEMS

    def __init__(
        self,
        *,
        http: SpotifyHttpClient,
        app: AppCredentials,
        budget: CallBudget,
        sealer: Sealer,
        accounts_url: str,
        redirect_uri: str,
    ) -> None:
        self._http = http
        self._app = app
        self._budget = budget
        self._sealer = sealer
        self._accounts_url = accounts_url
        self.redirect_uri: Final = redirect_uri

    @property
    def is_configured(self) -> bool:
        return bool(self._app.client_id)

    def authorize_url(self, *, state: SecretStr, code_verifier: SecretStr) -> str:
        return authorize_url(
            self._app,
            redirect_uri=self.redirect_uri,
            state=state,
            code_verifier=code_verifier,
            accounts_url=self._accounts_url,
        )

    def prove(self, *, code: SecretStr, code_verifier: SecretStr) -> SpotifyProof:
        try:
            tokens, profile = self._ask(code, code_verifier)
        except (SpotifyError, SnoozeError) as error:
            refusal = _problem_of(error)
        else:
            if tokens.refresh_token is not None:
                check_identity(profile.id, profile.account_id)
                return SpotifyProof(profile, tokens, tokens.refresh_token, self._sealer)
            refusal = SignInError("provider_away")
        # Raised here and not where it happened, so that no traceback leads to what was sent.
        raise refusal

    def _ask(self, code: SecretStr, code_verifier: SecretStr) -> tuple[Tokens, ProfilePayload]:
        with ReservedCalls(self._budget, _CALLS, purpose=Purpose.ASKED_FOR) as calls:
            tokens = calls.make(
                lambda: exchange_code(
                    self._http,
                    self._app,
                    code=code,
                    redirect_uri=self.redirect_uri,
                    code_verifier=code_verifier,
                )
            )
            api = SpotifyWebApi(tokens.access_token, self._http, granted=tokens.scopes)
            return tokens, calls.make(api.me)


def _problem_of(error: ProductError) -> SignInError:
    match error:
        case SnoozeError():
            return SignInError("slow_down", wait=error.wait)
        case ReauthRequiredError():
            return SignInError("code_refused")
        case UserNotAllowlistedError():
            return SignInError("not_on_the_list")
        case OwnerNotPremiumError():
            return SignInError("owner_without_premium")
        case OperatorMisconfiguredError():
            return SignInError("app_refused")
        case _:
            return SignInError("provider_away")
