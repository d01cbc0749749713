"""What Spotify says about one listener, as our own values. No database, no decisions."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar
from uuid import UUID

from typing_extensions import override

from spotify_insights.accounts.access import AccessTokens
from spotify_insights.audio_features.provider import AudioFeatureProvider, ProviderUnavailableError
from spotify_insights.audio_features.values import FEATURE_NAMES, AudioFeatures
from spotify_insights.listening.catalogue import ArtistEntry, TrackEntry
from spotify_insights.listening.plays import PlayEntry
from spotify_insights.listening.time_range import TimeRange
from spotify_insights.spotify.errors import AccessTokenRejectedError, EndpointUnavailableError
from spotify_insights.spotify.http_client import SpotifyHttpClient
from spotify_insights.spotify.payloads import TrackPayload
from spotify_insights.spotify.web_api import SpotifyWebApi

_T = TypeVar("_T")
SPOTIFY: Final = "spotify"


@dataclass(frozen=True)
class Fetched:
    """Top items in Spotify's order, and the latest plays with their tracks."""

    top_tracks: tuple[TrackEntry, ...]
    top_artists: tuple[ArtistEntry, ...]
    recent_tracks: tuple[TrackEntry, ...]
    plays: tuple[PlayEntry, ...]


class ListenerSpotify:
    """Spotify for one listener, with a token that is refreshed once where Spotify refuses it."""

    def __init__(self, user_id: UUID, tokens: AccessTokens, http: SpotifyHttpClient) -> None:
        self._user_id = user_id
        self._tokens = tokens
        self._http = http
        self._access = tokens.current(user_id)

    def ask(self, call: Callable[[SpotifyWebApi], _T]) -> _T:
        """Run one call of the Web API.

        Raises: as `SpotifyWebApi` and `AccessTokens`.
        """
        try:
            return call(SpotifyWebApi(self._access.token, self._http))
        except AccessTokenRejectedError:
            self._access = self._tokens.renewed(self._user_id, seen_version=self._access.version)
            return call(SpotifyWebApi(self._access.token, self._http))

    def fetch(self, time_range: TimeRange) -> Fetched:
        """Three calls: top tracks, top artists, recently played."""
        tracks = self.ask(lambda api: api.top_tracks(time_range.value))
        artists = self.ask(lambda api: api.top_artists(time_range.value))
        recent = self.ask(lambda api: api.recently_played())
        return Fetched(
            top_tracks=tuple(_track(track) for track in tracks),
            top_artists=tuple(
                ArtistEntry(spotify_id=artist.id, name=artist.name, genres=artist.genres or None)
                for artist in artists
            ),
            recent_tracks=tuple(_track(play.track) for play in recent.items),
            plays=tuple(
                PlayEntry(track_spotify_id=play.track.id, ended_at=play.played_at) for play in recent.items
            ),
        )


class SpotifyAudioFeatures(AudioFeatureProvider):
    """Spotify's own audio features, for apps that may still ask for them."""

    name: Final = SPOTIFY

    def __init__(self, listener: ListenerSpotify) -> None:
        self._listener = listener

    @override
    def fetch(self, spotify_ids: Sequence[str], /) -> Mapping[str, AudioFeatures]:
        try:
            given = self._listener.ask(lambda api: api.audio_features(spotify_ids))
        except EndpointUnavailableError as error:
            raise ProviderUnavailableError(error.message) from error
        return {
            features.id: AudioFeatures(**{name: getattr(features, name) for name in FEATURE_NAMES})
            for features in given
        }


def _track(payload: TrackPayload) -> TrackEntry:
    return TrackEntry(
        spotify_id=payload.id,
        name=payload.name,
        artists=tuple(
            ArtistEntry(spotify_id=artist.id, name=artist.name) for artist in payload.artists if artist.id
        ),
        album_name=payload.album.name if payload.album else None,
        album_spotify_id=payload.album.id if payload.album else None,
        duration_ms=payload.duration_ms,
        explicit=payload.explicit,
        isrc=payload.isrc,
    )
