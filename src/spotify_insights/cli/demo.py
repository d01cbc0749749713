"""What the demo adds to `up`: a pretend Spotify, and a listener with a year and a half of history."""

import socket
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import islice
from typing import Final, TypeVar
from uuid import UUID

from pydantic import SecretStr

from spotify_insights.accounts.connect import store_tokens
from spotify_insights.accounts.register import Identity, register_user
from spotify_insights.cli.up import DemoHooks
from spotify_insights.clock import now
from spotify_insights.database.actor import SYSTEM, Actor
from spotify_insights.database.database import Transaction
from spotify_insights.database.role import DatabaseRole
from spotify_insights.listening.catalogue import ArtistEntry, TrackEntry, store_artists, store_tracks
from spotify_insights.listening.plays import PlayEntry, store_plays
from spotify_insights.listening.request import request_ingestion
from spotify_insights.listening.time_range import DAILY_RANGES, TimeRange
from spotify_insights.pretend_spotify.catalogue import Artist, Track
from spotify_insights.pretend_spotify.config import PretendSpotifyConfig
from spotify_insights.pretend_spotify.day import Play
from spotify_insights.pretend_spotify.listenbrainz import LISTENBRAINZ_PREFIX
from spotify_insights.pretend_spotify.listener import Listener
from spotify_insights.pretend_spotify.personas import PERSONA_BY_KEY, Persona
from spotify_insights.pretend_spotify.reccobeats import RECCOBEATS_PREFIX
from spotify_insights.pretend_spotify.sign_in import sign_in
from spotify_insights.runtime import Runtime
from spotify_insights.settings import Settings
from spotify_insights.spotify.web_api import SpotifyWebApi

HISTORY: Final = timedelta(days=548)
# The seeded plays stand for an export that the listener uploaded: they know how long each track was heard.
SOURCE: Final = "spotify_export"
_ROWS_AT_ONCE: Final = 2000
_T = TypeVar("_T")


def demo_hooks() -> DemoHooks:
    """The pretend Spotify on a free port of its own, and the seed. Nothing here reaches beyond loopback."""
    listening = socket.create_server(("127.0.0.1", 0))
    base_url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    config = PretendSpotifyConfig()

    def seed(environment: Mapping[str, str]) -> None:
        _seed(Settings.from_environment(environment), base_url, config)
        # The pretend Spotify has its own copy of the socket by now.
        listening.close()

    return DemoHooks(
        pretend_arguments=[
            *("--fd", str(listening.fileno())),
            *("--mode", "extended"),
            "--accept-unknown-tokens",
        ],
        pretend_environment={},
        pretend_pass_fds=[listening.fileno()],
        environment={
            "SPOTIFY_API_URL": base_url,
            "SPOTIFY_ACCOUNTS_URL": base_url,
            "LISTENBRAINZ_API_URL": f"{base_url}{LISTENBRAINZ_PREFIX}",
            "RECCOBEATS_API_URL": f"{base_url}{RECCOBEATS_PREFIX}",
            "SPOTIFY_MODE": "extended",
            "SPOTIFY_CLIENT_ID": config.client_id,
            "SPOTIFY_CLIENT_SECRET": config.client_secret or "",
        },
        seed=seed,
    )


def _seed(settings: Settings, base_url: str, config: PretendSpotifyConfig) -> None:
    """Register the demo listener, connect them, fill in their history. Safe to repeat at every start."""
    persona = PERSONA_BY_KEY[config.demo_persona]
    tokens = sign_in(base_url, config)
    runtime = Runtime.from_settings(settings, role=DatabaseRole.WORKER, process="spotify-insights demo")
    try:
        profile = SpotifyWebApi(SecretStr(tokens.access_token), runtime.spotify_http).me()
        with runtime.database.transaction(acting_for=SYSTEM) as tx:
            listener = register_user(
                tx,
                Identity(provider="spotify", provider_user_id=profile.id, account_id=profile.account_id),
                display_name=persona.display_name,
                timezone=persona.timezone,
            )
        with runtime.database.transaction(acting_for=Actor.listener(listener.user_id)) as tx:
            store_tokens(
                tx,
                runtime.sealer,
                listener.user_id,
                access_token=SecretStr(tokens.access_token),
                refresh_token=SecretStr(tokens.refresh_token),
                expires_in=tokens.expires_in,
                scope=tokens.scope.split(),
            )
            _store_history(tx, listener.user_id, persona, seed=config.seed)
            for time_range in (*TimeRange, *DAILY_RANGES):
                request_ingestion(tx, listener.user_id, time_range)
    finally:
        runtime.close()


def _store_history(tx: Transaction, user_id: UUID, persona: Persona, *, seed: int) -> None:
    until = now()
    plays = Listener(persona, seed=seed).plays_between(until - HISTORY, until)
    tracks = list({play.track.id: play.track for play in plays}.values())
    for some in _chunks(tracks):
        artists = store_artists(
            tx.session, (_artist(artist) for track in some for artist in track.artists), source=SOURCE
        )
        keys = store_tracks(tx.session, (_track(track) for track in some), artists, source=SOURCE)
        known = [play for play in plays if play.track.id in keys]
        store_plays(tx.session, user_id, (_play(play) for play in known), keys, source=SOURCE)


def _artist(artist: Artist) -> ArtistEntry:
    return ArtistEntry(spotify_id=artist.id, name=artist.name, genres=artist.genres)


def _track(track: Track) -> TrackEntry:
    return TrackEntry(
        spotify_id=track.id,
        name=track.name,
        artists=tuple(_artist(artist) for artist in track.artists),
        album_name=track.album.name,
        album_spotify_id=track.album.id,
        duration_ms=track.duration_ms,
        explicit=track.explicit,
        isrc=track.isrc,
    )


def _play(play: Play) -> PlayEntry:
    return PlayEntry(track_spotify_id=play.track.id, ended_at=play.ended_at, ms_played=play.ms_played)


def _chunks(items: Sequence[_T]) -> Iterator[Sequence[_T]]:
    remaining = iter(items)
    while some := list(islice(remaining, _ROWS_AT_ONCE)):
        yield some
