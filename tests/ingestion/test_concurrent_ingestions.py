"""Ingestions at the same time: they share tracks and artists and never wait for each other in a circle."""

import random
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from as_owner import as_owner
from ingestions import a_listener, count, rows
from jobs_inline import job_row, work_off
from passing_time import let_delays_pass
from spotify_insights.accounts.models import User
from spotify_insights.audio_features.values import AudioFeatures
from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.database import Database
from spotify_insights.jobs.enqueue import enqueue
from spotify_insights.jobs.run import run_job
from spotify_insights.listening.catalogue import ArtistEntry, TrackEntry, store_artists, store_tracks
from spotify_insights.listening.features.store import store_features
from spotify_insights.listening.hold_history import HistoryBusyError
from spotify_insights.listening.jobs import IngestListeningData
from spotify_insights.listening.plays import PlayEntry, store_plays
from spotify_insights.listening.time_range import TimeRange
from spotify_insights.runtime import Runtime
from spotify_insights.worker.tasks import Handlers

IDS = [f"id-{number}" for number in range(150)]
ROUNDS, WRITERS = 8, 4
ONE_LISTENER, MOMENT = UUID(int=1), datetime(2026, 11, 22, tzinfo=UTC)

# With many plays PostgreSQL looks each new one up, in the order in which they are told; with few it sorts.
_LONG_HISTORY = text("""
    INSERT INTO plays (user_id, track_id, ended_at, source)
    SELECT :user_id, (SELECT min(id) FROM tracks), timestamptz '2025-01-01' + number * interval '5 minutes',
           'spotify_export'
      FROM generate_series(1, 5000) AS numbered (number)
""")


def test_listeners_who_share_all_their_music_are_ingested_at_once(runtime: Runtime) -> None:
    handlers = Handlers.of(runtime)
    listeners = [a_listener(runtime), a_listener(runtime)]
    for _ in range(2):
        empty_catalogue(runtime.database)
        job_ids = [queued(runtime, user_id, time_range) for user_id in listeners for time_range in TimeRange]

        def run(job_id: UUID) -> None:
            # Who comes while another one stores is put off.
            with suppress(HistoryBusyError):
                run_job(runtime.database, job_id, IngestListeningData, handlers[IngestListeningData])

        with ThreadPoolExecutor(len(job_ids)) as pool:
            list(pool.map(run, job_ids))
        let_delays_pass(runtime.database)
        work_off(runtime)
        finished = [job_row(runtime.database, job_id) for job_id in job_ids]
        assert {(job.status, job.attempts) for job in finished} == {("succeeded", 1)}
    # Each play once, though three ranges of one listener brought it at the same time.
    plays = rows(runtime.database, "SELECT count(*) FROM plays GROUP BY user_id")
    assert plays == [(50,), (50,)]
    assert count(runtime.database, "listening_snapshots") == 6


def artists_in(session: Session, ids: Sequence[str]) -> None:
    store_artists(session, (ArtistEntry(spotify_id=name, name=name) for name in ids), source="spotify_api")


def tracks_in(session: Session, ids: Sequence[str]) -> None:
    store_tracks(session, [a_track(name) for name in ids], {}, source="spotify_api")


def features_in(session: Session, ids: Sequence[str]) -> None:
    keys = track_keys(session)
    features = {name: AudioFeatures(energy=0.5) for name in ids}
    store_features(session, keys, features, asked=ids, provider="spotify")


def plays_in(session: Session, ids: Sequence[str]) -> None:
    plays = [PlayEntry(track_spotify_id=name, ended_at=MOMENT) for name in ids]
    # One history has one writer at a time; a job would be put off.
    with suppress(HistoryBusyError):
        store_plays(session, ONE_LISTENER, plays, track_keys(session), source="spotify_api")


@pytest.mark.parametrize("store", [artists_in, tracks_in, features_in, plays_in])
def test_the_same_rows_are_written_by_several_at_once_whatever_their_order(
    runtime: Runtime, store: Callable[[Session, Sequence[str]], None]
) -> None:
    """Spotify's order differs from listener to listener; rows are written in one order for all of them."""
    chance = random.Random(store.__name__)  # noqa: S311  # any order will do
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        tx.session.add(User(id=ONE_LISTENER))
    for _ in range(ROUNDS):
        empty_catalogue(runtime.database)
        if store in {features_in, plays_in}:
            with runtime.database.transaction(acting_for=SYSTEM) as tx:
                tracks_in(tx.session, IDS)
                if store is plays_in:
                    tx.session.execute(_LONG_HISTORY, {"user_id": ONE_LISTENER})
            as_owner(runtime.database.url, "ANALYZE plays")
        together = threading.Barrier(WRITERS)

        def write(order: Sequence[str], together: threading.Barrier = together) -> None:
            with runtime.database.transaction(acting_for=SYSTEM) as tx:
                together.wait()
                store(tx.session, order)

        with ThreadPoolExecutor(WRITERS) as pool:
            list(pool.map(write, [chance.sample(IDS, len(IDS)) for _ in range(WRITERS)]))


def track_keys(session: Session) -> dict[str, int]:
    found = session.execute(text("SELECT spotify_id, id FROM tracks"))
    return {row.spotify_id: row.id for row in found}


def a_track(name: str) -> TrackEntry:
    return TrackEntry(
        spotify_id=name,
        name=name,
        artists=(),
        album_name=None,
        album_spotify_id=None,
        duration_ms=None,
        explicit=None,
        isrc=None,
    )


def queued(runtime: Runtime, user_id: UUID, time_range: TimeRange) -> UUID:
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        return enqueue(tx, IngestListeningData(user_id=user_id, time_range=time_range))


def empty_catalogue(database: Database) -> None:
    """Forget all music, so that everybody inserts the same new rows."""
    as_owner(database.url, "TRUNCATE plays, track_features, track_artists, tracks, artist_genres, artists")
