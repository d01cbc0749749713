"""What can go wrong with ListenBrainz, each with a sentence for the person who can mend it."""

from datetime import timedelta

from spotify_insights.errors import PermanentError, ProductError, SnoozeError, TemporaryError


class ListenBrainzError(ProductError):
    """Any situation that ListenBrainz, or the way to it, has put us in."""

    code = "listenbrainz"


class TokenRejectedError(ListenBrainzError, PermanentError):
    """ListenBrainz does not know this user token: mistyped, or reset since it was copied."""

    code = "listenbrainz_token_rejected"

    def __init__(self) -> None:
        super().__init__(
            "ListenBrainz does not know this token. Copy it again from listenbrainz.org/settings; "
            "it changes whenever it is reset there."
        )


class ListenBrainzRateLimitedError(ListenBrainzError, SnoozeError):
    """Too many calls from this address; `wait` is how long to stay away.

    Source: https://listenbrainz.readthedocs.io/en/latest/users/api/index.html (rate limiting)
    """

    code = "listenbrainz_rate_limited"

    def __init__(self, *, wait: timedelta) -> None:
        super().__init__("ListenBrainz asks us to slow down. Try again in a minute.", wait=wait)


class ListenBrainzUpstreamError(ListenBrainzError, TemporaryError):
    """ListenBrainz, or the way to it, failed; `detail` says which in a few words."""

    code = "listenbrainz_upstream"

    def __init__(self, *, detail: str) -> None:
        super().__init__(
            f"ListenBrainz is not answering as it should ({detail}). Try again in a few minutes."
        )
        self.detail = detail


class _NotToldError(ListenBrainzError, PermanentError):
    def __init__(self, *, status: int) -> None:
        super().__init__(
            f"ListenBrainz does not tell us genres (status {status}). If this stays, switch them off with "
            "GENRE_TAGS=off."
        )


class GenresUnavailableError(_NotToldError):
    """ListenBrainz does not tell this installation genres, however often it is asked."""

    code = "listenbrainz_genres_unavailable"


class ArtistRefusedError(_NotToldError):
    """ListenBrainz refuses a question about this artist. Of others it may tell.

    One refusal does not say whether it is about the artist or about us; several in a row do.
    """

    code = "listenbrainz_artist_refused"
