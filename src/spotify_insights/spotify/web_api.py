"""The few calls we make for one listener, as typed functions of Spotify's Web API."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from pydantic import SecretStr

from spotify_insights.spotify.errors import InsufficientScopeError
from spotify_insights.spotify.http_client import SpotifyHttpClient
from spotify_insights.spotify.payloads import (
    ArtistPayload,
    AudioFeaturesBatchPayload,
    AudioFeaturesPayload,
    PayloadType,
    ProfilePayload,
    RecentlyPlayedPayload,
    TopArtistsPayload,
    TopTracksPayload,
    TrackPayload,
    read_payload,
)
from spotify_insights.spotify.refusals import refusal_of
from spotify_insights.spotify.scopes import ApiCall, missing_scopes

# Web API reference, "Get Several Tracks' Audio Features": at most 100 ids a call.
_FEATURES_PER_CALL: Final = 100
_UNIX_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class SpotifyWebApi:
    """Spotify as one listener sees it. All calls only read, so all are safe to repeat.

    Every call raises one of the errors in `spotify_insights.spotify.errors`. An
    `AccessTokenRejectedError` asks the caller to refresh once and to start over with the new token;
    nothing here refreshes, retries or sleeps. A call whose scopes (`scopes.ApiCall`) were not granted raises
    `InsufficientScopeError` without asking.

    Args:
        granted: the scopes that the listener granted, or None where that is unknown: then Spotify decides.
    """

    def __init__(
        self, access_token: SecretStr, http: SpotifyHttpClient, *, granted: Collection[str] | None = None
    ) -> None:
        self._access_token = access_token
        self._http = http
        self._granted = granted

    def me(self) -> ProfilePayload:
        """Who the token belongs to."""
        return self._get(ApiCall.ME, ProfilePayload)

    def top_tracks(self, time_range: str, *, limit: int = 50) -> tuple[TrackPayload, ...]:
        """The tracks that Spotify ranks highest for the listener, best first; no play counts, no times.

        Args:
            time_range: `short_term` (about 4 weeks), `medium_term` (6 months) or `long_term` (1 year).
            limit: 1 to 50.
        """
        query: Mapping[str, str | int] = {"time_range": time_range, "limit": limit}
        return self._get(ApiCall.TOP_TRACKS, TopTracksPayload, query).items

    def top_artists(self, time_range: str, *, limit: int = 50) -> tuple[ArtistPayload, ...]:
        """Likewise for artists."""
        query: Mapping[str, str | int] = {"time_range": time_range, "limit": limit}
        return self._get(ApiCall.TOP_ARTISTS, TopArtistsPayload, query).items

    def recently_played(self, *, after: datetime | None = None, limit: int = 50) -> RecentlyPlayedPayload:
        """The latest plays, newest first. Spotify keeps about 50, however far one pages.

        Args:
            after: leave out plays that ended at this aware moment or earlier, to the millisecond.
            limit: 1 to 50.
        """
        query: dict[str, str | int] = {"limit": limit}
        if after is not None:
            query["after"] = (after - _UNIX_EPOCH) // timedelta(milliseconds=1)
        return self._get(ApiCall.RECENTLY_PLAYED, RecentlyPlayedPayload, query)

    def audio_features(self, ids: Sequence[str]) -> tuple[AudioFeaturesPayload, ...]:
        """Features of the tracks with these Spotify ids, one call for each 100; unknown ones are left out.

        Raises:
            EndpointUnavailableError: the app is in development mode or was made after November 2024.
        """
        return tuple(
            features
            for start in range(0, len(ids), _FEATURES_PER_CALL)
            for features in self._get(
                ApiCall.AUDIO_FEATURES,
                AudioFeaturesBatchPayload,
                {"ids": ",".join(ids[start : start + _FEATURES_PER_CALL])},
            ).audio_features
        )

    def _get(
        self, call: ApiCall, shape: type[PayloadType], query: Mapping[str, str | int] | None = None
    ) -> PayloadType:
        missing = missing_scopes(self._granted, needed=call.scopes)
        if missing:
            raise InsufficientScopeError(missing=missing)
        answer = self._http.get_from_api(call.path, access_token=self._access_token, query=query or {})
        if answer.status != 200:
            raise refusal_of(answer, endpoint=call.path)
        return read_payload(answer, shape, source=call.path)
