"""What can go wrong with Spotify, each with a sentence for the person who can mend it.

Three bases answer whether waiting helps: `SnoozeError` (Spotify named a wait), `TemporaryError`
(try again like any failure) and `PermanentError` (a person has to act, or the program is wrong).
No message ever repeats what Spotify sent: a foreign body may echo a token.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Literal

from spotify_insights.errors import PermanentError, ProductError, SnoozeError, TemporaryError

ReauthReason = Literal["expired", "revoked", "unknown"]


class SpotifyError(ProductError):
    """Any situation that Spotify, or the way to it, has put us in."""

    code = "spotify"


class RateLimitedError(SpotifyError, SnoozeError):
    """Too many calls within Spotify's rolling 30 seconds; `retry_after` is how long to stay away.

    Source: https://developer.spotify.com/documentation/web-api/concepts/rate-limits
    """

    code = "spotify_rate_limited"

    def __init__(self, *, retry_after: timedelta) -> None:
        super().__init__(
            f"Spotify asks us to slow down; this goes on by itself in {_in_words(retry_after)}.",
            wait=retry_after,
        )
        self.retry_after = retry_after


class QuotaExceededError(SpotifyError, SnoozeError):
    """The developer account's quota is used up: no call of any listener succeeds for `retry_after`.

    Source: https://developer.spotify.com/blog/2026-07-23-web-api-quota-updates
    """

    code = "spotify_quota_exceeded"

    def __init__(self, *, retry_after: timedelta) -> None:
        super().__init__(
            "This installation has used up what Spotify allows its app; "
            f"this goes on by itself in {_in_words(retry_after)}.",
            wait=retry_after,
        )
        self.retry_after = retry_after


class ReauthRequiredError(SpotifyError, PermanentError):
    """The refresh token or sign-in code has ended; only the listener's consent starts a new one.

    `reason` tells an end by age (six months after consent) from one by the listener's hand.
    Source: https://developer.spotify.com/blog/2026-06-18-refresh-token-expiration
    """

    code = "spotify_reauth_required"

    def __init__(self, *, reason: ReauthReason = "unknown") -> None:
        super().__init__("Spotify no longer accepts this connection; please connect Spotify again.")
        self.reason = reason


class AccessTokenRejectedError(SpotifyError, PermanentError):
    """The access token is expired or wrong; whoever holds the refresh token refreshes once."""

    code = "spotify_access_token_rejected"

    def __init__(self) -> None:
        super().__init__(
            "Spotify did not accept the access token; if this stays, please connect Spotify again."
        )


class InsufficientScopeError(SpotifyError, PermanentError):
    """The listener's consent does not cover this call; refreshing does not widen it.

    `missing` names the scopes where they are known: then Spotify was not even asked.
    """

    code = "spotify_insufficient_scope"

    def __init__(self, *, missing: Sequence[str] = ()) -> None:
        allow = " and ".join(missing) or "what it asks for"
        super().__init__(
            f"This needs a permission that the connection lacks. Connect Spotify again and allow {allow}."
        )
        self.missing = tuple(missing)


class UserNotAllowlistedError(SpotifyError, PermanentError):
    """Sign-in works for anybody, calls only for the users that the app's owner has registered.

    Source: https://developer.spotify.com/documentation/web-api/concepts/quota-modes
    """

    code = "spotify_user_not_allowlisted"

    def __init__(self) -> None:
        super().__init__(
            "Spotify does not know this listener as a user of the app; the operator adds them "
            "under User Management in Spotify's developer dashboard."
        )


class OwnerNotPremiumError(SpotifyError, PermanentError):
    """The owner of the app has no active Premium subscription, which development mode demands.

    Source: https://developer.spotify.com/blog/2026-02-06-update-on-developer-access-and-platform-security
    """

    code = "spotify_owner_not_premium"

    def __init__(self) -> None:
        super().__init__(
            "Spotify answers only while the owner of the app has Premium; the operator renews it, "
            "and a few hours later calls work again."
        )


class EndpointUnavailableError(SpotifyError, PermanentError):
    """Spotify does not offer `endpoint` to this app, as with audio features in development mode.

    Source: https://developer.spotify.com/blog/2024-11-27-changes-to-the-web-api
    """

    code = "spotify_endpoint_unavailable"

    def __init__(self, *, endpoint: str) -> None:
        super().__init__(
            f"Spotify does not offer {endpoint} to this app; it needs extended quota mode, "
            "or another source for the same facts."
        )
        self.endpoint = endpoint


class OperatorMisconfiguredError(SpotifyError, PermanentError):
    """Spotify refused the app itself, not the listener; `oauth_error` is RFC 6749's code for it."""

    code = "spotify_operator_misconfigured"

    def __init__(self, *, oauth_error: str) -> None:
        super().__init__(
            f"Spotify refused this installation's app ({oauth_error}); the operator compares client id, "
            "client secret and redirect URI with Spotify's developer dashboard."
        )
        self.oauth_error = oauth_error


class NotSetUpError(SpotifyError, PermanentError):
    """This installation has no app at Spotify, so nobody is asked."""

    code = "spotify_not_set_up"

    def __init__(self) -> None:
        super().__init__("Spotify is not set up here: SPOTIFY_CLIENT_ID is missing. The operator sets it.")


class RequestRejectedError(SpotifyError, PermanentError):
    """Spotify found the request itself invalid, which is a fault in this program."""

    code = "spotify_request_rejected"

    def __init__(self, *, status: int) -> None:
        super().__init__(
            f"Spotify found our request invalid (status {status}); please report this as a fault."
        )
        self.status = status


class UpstreamError(SpotifyError, TemporaryError):
    """Spotify, or the way to it, failed: 5xx, a time limit, a reset, or an answer we cannot read.

    `detail` says which in a few words; `status` is None where no answer came.
    """

    code = "spotify_upstream"

    def __init__(self, *, detail: str, status: int | None = None) -> None:
        super().__init__(
            f"Spotify did not answer as it should ({detail}). If this stays, see whether Spotify itself "
            "works, then try again."
        )
        self.detail = detail
        self.status = status


def _in_words(wait: timedelta) -> str:
    seconds = round(wait.total_seconds())
    if seconds < 120:
        return f"{seconds} s"
    if seconds < 7200:
        return f"about {round(seconds / 60)} min"
    return f"about {round(seconds / 3600)} h"
