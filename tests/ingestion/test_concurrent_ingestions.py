"""Ingestions at the same time: they share tracks and artists and never wait for each other in a circle."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from sqlalchemy import text

from ingestions import a_listener, count, rows
from jobs_inline import job_row
from makers import a_user
from spotify_insights.audio_features.values import AudioFeatures
from spotify_insights.clock import now
from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.database import Database
from spotify_insights.jobs.enqueue import enqueue
from spotify_insights.jobs.run import run_job
from spotify_insights.listening.catalogue import (
    ArtistEntry,
    TrackEntry,
    store_artists,
    store_features,
    store_tracks,
)
from spotify_insights.listening.jobs import IngestListeningData
from spotify_insights.listening.plays import PlayEntry, store_plays
from spotify_insights.listening.time_range import TimeRange
from spotify_insights.runtime import Runtime
from spotify_insights.worker.tasks import Handlers

ARTISTS = [ArtistEntry(spotify_id=f"artist-{number}", name=f"Band {number}") for number in range(20)]
MOMENT = now()


def test_listeners_who_share_all_their_music_are_ingested_at_once(runtime: Runtime) -> None:
    handlers = Handlers.of(runtime)
    listeners = [a_listener(runtime), a_listener(runtime)]
    for _ in range(3):
        empty_catalogue(runtime.database)
        job_ids = [queued(runtime, user_id, time_range) for user_id in listeners for time_range in TimeRange]

        def run(job_id: UUID) -> None:
            run_job(runtime.database, job_id, IngestListeningData, handlers[IngestListeningData])

        with ThreadPoolExecutor(len(job_ids)) as pool:
            list(pool.map(run, job_ids))
        finished = [job_row(runtime.database, job_id) for job_id in job_ids]
        assert {(job.status, job.attempts) for job in finished} == {("succeeded", 1)}
    # Each play once, though three ranges of one listener brought it at the same time.
    plays = rows(runtime.database, "SELECT count(*) FROM plays GROUP BY user_id")
    assert plays == [(50,), (50,)]
    assert count(runtime.database, "listening_snapshots") == 6


def test_the_same_rows_in_any_order_are_stored_by_several_at_once(runtime: Runtime) -> None:
    """Spotify's order differs from listener to listener; rows are written in one order for all of them."""
    users = [a_user(runtime) for _ in range(4)]
    for round_number in range(12):
        empty_catalogue(runtime.database)
        together = threading.Barrier(len(users))

        def store(
            user_id: UUID, round_number: int = round_number, together: threading.Barrier = together
        ) -> None:
            together.wait()
            order = random.Random(f"{round_number} {user_id}")  # noqa: S311  # any order will do
            store_shuffled(runtime.database, user_id, order)

        with ThreadPoolExecutor(len(users)) as pool:
            list(pool.map(store, users))
    assert count(runtime.database, "track_artists") == 80
    assert count(runtime.database, "plays") == 4 * 40


def store_shuffled(database: Database, user_id: UUID, chance: random.Random) -> None:
    """What an ingestion stores, in an order of this listener's own and with news about every row."""
    artists = [
        ArtistEntry(spotify_id=known.spotify_id, name=f"{known.name} {chance.random()}") for known in ARTISTS
    ]
    tracks = [
        TrackEntry(
            spotify_id=f"track-{number}",
            name=f"Song {number} {chance.random()}",
            artists=(artists[number % 20], artists[(number + 7) % 20]),
            album_name=None,
            album_spotify_id=None,
            duration_ms=None,
            explicit=None,
            isrc=None,
        )
        for number in range(40)
    ]
    chance.shuffle(artists)
    chance.shuffle(tracks)
    ids = [track.spotify_id for track in tracks]
    with database.transaction(acting_for=SYSTEM) as tx:
        artist_keys = store_artists(tx.session, artists, source="spotify_api")
        keys = store_tracks(tx.session, tracks, artist_keys, source="spotify_api")
        features = {track_id: AudioFeatures(energy=chance.random()) for track_id in ids}
        store_features(tx.session, keys, features, asked=ids, provider="spotify")
        plays = [PlayEntry(track_spotify_id=track_id, ended_at=MOMENT) for track_id in ids]
        store_plays(tx.session, user_id, plays, keys, source="spotify_api")


def queued(runtime: Runtime, user_id: UUID, time_range: TimeRange) -> UUID:
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        return enqueue(tx, IngestListeningData(user_id=user_id, time_range=time_range))


def empty_catalogue(database: Database) -> None:
    """Forget all music, so that everybody inserts the same new rows."""
    with database.transaction(acting_for=SYSTEM) as tx:
        tx.session.execute(text("TRUNCATE plays, track_features, track_artists, tracks, artists"))
