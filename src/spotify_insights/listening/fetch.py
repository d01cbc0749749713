"""What Spotify says about one listener, as our own values. It decides and stores nothing."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Literal, TypeVar
from uuid import UUID

from typing_extensions import override

from spotify_insights.accounts.access import AccessTokens
from spotify_insights.accounts.call_budget import CallBudget, Purpose, ReservedCalls
from spotify_insights.audio_features.provider import AudioFeatureProvider, ProviderUnavailableError
from spotify_insights.audio_features.values import FEATURE_NAMES, AudioFeatures
from spotify_insights.listening.catalogue import ArtistEntry, TrackEntry
from spotify_insights.listening.plays import PlayEntry
from spotify_insights.listening.time_range import TimeRange
from spotify_insights.spotify.errors import AccessTokenRejectedError, EndpointUnavailableError
from spotify_insights.spotify.http_client import SpotifyHttpClient
from spotify_insights.spotify.payloads import AudioFeaturesPayload, TrackPayload
from spotify_insights.spotify.web_api import SpotifyWebApi

_T = TypeVar("_T")
SPOTIFY: Final = "spotify"
# Web API reference, "Get Several Tracks' Audio Features". Asked in these portions, each is one call.
_FEATURES_PER_CALL: Final = 100


@dataclass(frozen=True)
class TopItems:
    """Top tracks and artists of one range, in Spotify's order."""

    tracks: tuple[TrackEntry, ...]
    artists: tuple[ArtistEntry, ...]


@dataclass(frozen=True)
class RecentPlays:
    """The latest plays, with their tracks; `told` is how many Spotify told, with those that name no track."""

    tracks: tuple[TrackEntry, ...]
    plays: tuple[PlayEntry, ...]
    told: int


class ListenerSpotify:
    """Spotify for one listener: each call out of a reservation, a refused token refreshed once."""

    def __init__(
        self, user_id: UUID, tokens: AccessTokens, http: SpotifyHttpClient, calls: ReservedCalls
    ) -> None:
        self._user_id = user_id
        self._tokens = tokens
        self._http = http
        self._calls = calls
        self._access = tokens.current(user_id, purpose=calls.purpose)

    def ask(self, call: Callable[[SpotifyWebApi], _T]) -> _T:
        """Run `call`, which asks the Web API once.

        Raises: as `SpotifyWebApi`, `AccessTokens` and `ReservedCalls.make`.
        """
        try:
            return self._make(call)
        except AccessTokenRejectedError:
            self._access = self._tokens.renewed(
                self._user_id, seen_version=self._access.version, purpose=self._calls.purpose
            )
            return self._make(call)

    def top_tracks(self, time_range: TimeRange) -> tuple[TrackEntry, ...]:
        """One call: the tracks that Spotify ranks highest, best first."""
        return tuple(_track(track) for track in self.ask(lambda api: api.top_tracks(time_range.value)))

    def top_artists(self, time_range: TimeRange) -> tuple[ArtistEntry, ...]:
        """Likewise for artists."""
        return tuple(
            ArtistEntry(spotify_id=artist.id, name=artist.name, genres=artist.genres or None)
            for artist in self.ask(lambda api: api.top_artists(time_range.value))
        )

    def recently_played(self) -> RecentPlays:
        """One call: all the latest plays that Spotify tells."""
        recent = self.ask(lambda api: api.recently_played())
        return RecentPlays(
            tracks=tuple(_track(play.track) for play in recent.items),
            plays=tuple(
                PlayEntry(track_spotify_id=play.track.id, ended_at=play.played_at) for play in recent.items
            ),
            told=recent.told,
        )

    def _make(self, call: Callable[[SpotifyWebApi], _T]) -> _T:
        access = self._access
        return self._calls.make(lambda: call(SpotifyWebApi(access.token, self._http, granted=access.scopes)))


class SpotifyAudioFeatures(AudioFeatureProvider):
    """Spotify's own audio features, for apps that may still ask for them."""

    name: Final = SPOTIFY

    def __init__(self, listener: ListenerSpotify) -> None:
        self._listener = listener

    @override
    def fetch(self, spotify_ids: Sequence[str], /) -> Mapping[str, AudioFeatures]:
        try:
            given = [
                features
                for start in range(0, len(spotify_ids), _FEATURES_PER_CALL)
                for features in self._told(spotify_ids[start : start + _FEATURES_PER_CALL])
            ]
        except EndpointUnavailableError as error:
            raise ProviderUnavailableError(error.message) from error
        return {
            features.id: AudioFeatures(**{name: getattr(features, name) for name in FEATURE_NAMES})
            for features in given
        }

    def _told(self, spotify_ids: Sequence[str]) -> Sequence[AudioFeaturesPayload]:
        return self._listener.ask(lambda api: api.audio_features(spotify_ids))


@dataclass(frozen=True)
class SpotifySource:
    """Everything needed to ask Spotify about any listener."""

    http: SpotifyHttpClient
    tokens: AccessTokens
    budget: CallBudget
    mode: Literal["development", "extended"]

    @contextmanager
    def listener(self, user_id: UUID, *, calls: int, purpose: Purpose) -> Iterator[ListenerSpotify]:
        """Spotify for one listener while the block runs.

        Args:
            calls: how many will be made at least; all of them are reserved before the first.
            purpose: which part of the day's budget they may use.

        Raises: as `CallBudget.reserve` and `AccessTokens.current`.
        """
        with ReservedCalls(self.budget, calls, purpose=purpose) as reserved:
            yield ListenerSpotify(user_id, self.tokens, self.http, reserved)

    def feature_providers(self, listener: ListenerSpotify) -> Sequence[AudioFeatureProvider]:
        """Who may be asked for audio features. Spotify serves them to extended apps only."""
        return [SpotifyAudioFeatures(listener)] if self.mode == "extended" else []


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
