"""Ingesting one listener's data: load what we know, ask Spotify, then store everything and the snapshot.

No transaction is open while Spotify is asked. All effects are stored together with the end of the job.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

from sqlalchemy.orm import Session

from spotify_insights.accounts.access import AccessTokens
from spotify_insights.accounts.queries import connected_user_ids, timezone_of
from spotify_insights.audio_features.chain import Filled, fill
from spotify_insights.audio_features.provider import AudioFeatureProvider
from spotify_insights.cache.cache import Cache
from spotify_insights.cache.keys import listener_scope
from spotify_insights.clock import now, today_in
from spotify_insights.jobs.attempt import Attempt
from spotify_insights.jobs.enqueue import enqueue
from spotify_insights.listening.catalogue import (
    KnownFeatures,
    known_features,
    store_artists,
    store_features,
    store_tracks,
)
from spotify_insights.listening.fetch import SPOTIFY, Fetched, ListenerSpotify, SpotifyAudioFeatures
from spotify_insights.listening.jobs import IngestAllUsersData, IngestListeningData
from spotify_insights.listening.plays import plays_ended_at, store_plays
from spotify_insights.listening.snapshot import Snapshot, TopArtist, TopTrack
from spotify_insights.listening.store_snapshot import store_snapshot
from spotify_insights.listening.take_snapshot import SuppliedFeatures, take_snapshot
from spotify_insights.listening.time_range import TimeRange
from spotify_insights.spotify.http_client import SpotifyHttpClient

SOURCE: Final = "spotify_api"


@dataclass(frozen=True)
class SpotifySource:
    """Everything needed to ask Spotify about any listener."""

    http: SpotifyHttpClient
    tokens: AccessTokens
    mode: Literal["development", "extended"]

    def listener(self, user_id: UUID) -> ListenerSpotify:
        """Spotify for one listener."""
        return ListenerSpotify(user_id, self.tokens, self.http)

    def feature_providers(self, listener: ListenerSpotify) -> Sequence[AudioFeatureProvider]:
        """Who may be asked for audio features. Spotify serves them to extended apps only."""
        return [SpotifyAudioFeatures(listener)] if self.mode == "extended" else []


def ingest_listening_data(
    attempt: Attempt, job: IngestListeningData, *, source: SpotifySource, cache: Cache
) -> None:
    """Fetch, store and summarise. Running it again on one day updates the same snapshot.

    Raises: as `ListenerSpotify.ask`.
    """
    database = attempt.database
    with database.transaction(acting_for=attempt.actor) as tx:
        timezone = timezone_of(tx.session, job.user_id)

    listener = source.listener(job.user_id)
    fetched = listener.fetch(job.time_range)
    top_ids = [track.spotify_id for track in fetched.top_tracks]
    with database.transaction(acting_for=attempt.actor) as tx:
        known = known_features(tx.session, top_ids)
    unknown = [track_id for track_id in top_ids if track_id not in known.asked]
    providers = source.feature_providers(listener)
    filled = fill(unknown, providers)

    with attempt.completion() as completion:
        session = completion.tx.session
        cache.invalidate(completion.tx, [listener_scope(job.user_id)])
        new_plays = _store(session, job.user_id, fetched, filled, asked=unknown if providers else [])
        snapshot = _snapshot(session, job, timezone, fetched, _all_features(known, filled))
        snapshot_id = store_snapshot(session, job.user_id, snapshot)
        completion.result = {"snapshot_id": str(snapshot_id), "new_plays": new_plays}


def ingest_all_users_data(attempt: Attempt, _job: IngestAllUsersData) -> None:
    """Queue an ingestion of each range for every connected listener."""
    with attempt.completion() as completion:
        listeners = connected_user_ids(completion.tx.session)
        for user_id in listeners:
            for time_range in TimeRange:
                job = IngestListeningData(user_id=user_id, time_range=time_range)
                enqueue(completion.tx, job, parent_id=attempt.job_id)
        completion.result = {"listeners": len(listeners)}


def _store(session: Session, user_id: UUID, fetched: Fetched, filled: Filled, *, asked: Sequence[str]) -> int:
    # Artists before tracks: an entry from the top list may know genres that a track's credit does not.
    credited = (artist for track in (*fetched.top_tracks, *fetched.recent_tracks) for artist in track.artists)
    artist_keys = store_artists(session, (*fetched.top_artists, *credited), source=SOURCE)
    tracks = (*fetched.top_tracks, *fetched.recent_tracks)
    keys = store_tracks(session, tracks, artist_keys, source=SOURCE)
    answered = SPOTIFY not in filled.unavailable and SPOTIFY not in filled.failed
    store_features(
        session,
        keys,
        {
            track: features
            for track, features in filled.features.items()
            if filled.supplied_by[track] == SPOTIFY
        },
        asked=asked if answered else [],
        provider=SPOTIFY,
    )
    return store_plays(session, user_id, fetched.plays, keys, source=SOURCE)


def _all_features(known: KnownFeatures, filled: Filled) -> Mapping[str, SuppliedFeatures]:
    fresh = {
        track: SuppliedFeatures(features=features, provider=filled.supplied_by[track])
        for track, features in filled.features.items()
    }
    return {**known.found, **fresh}


def _snapshot(
    session: Session,
    job: IngestListeningData,
    timezone: str,
    fetched: Fetched,
    features: Mapping[str, SuppliedFeatures],
) -> Snapshot:
    moment = now()
    return take_snapshot(
        snapshot_date=today_in(timezone, moment),
        time_range=job.time_range,
        timezone=timezone,
        top_tracks=[
            TopTrack(
                rank=rank,
                spotify_id=track.spotify_id,
                name=track.name,
                artists=tuple(artist.name for artist in track.artists),
            )
            for rank, track in enumerate(fetched.top_tracks, start=1)
        ],
        top_artists=[
            TopArtist(rank=rank, spotify_id=artist.spotify_id, name=artist.name, genres=artist.genres or ())
            for rank, artist in enumerate(fetched.top_artists, start=1)
        ],
        features=features,
        plays_ended_at=plays_ended_at(
            session, job.user_id, since=moment - job.time_range.window, until=moment
        ),
    )
