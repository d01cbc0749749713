"""Ingesting as a worker does, and looking at what it left in the database."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import select, text

from jobs_inline import job_row, work_off
from makers import a_connected_user
from spotify_insights.database.actor import SYSTEM, Actor
from spotify_insights.database.database import Database
from spotify_insights.jobs.models import BackgroundJob
from spotify_insights.listening import ingest as ingest_module
from spotify_insights.listening.models import ListeningSnapshot
from spotify_insights.listening.request import request_ingestion
from spotify_insights.listening.snapshot import Snapshot
from spotify_insights.listening.store_snapshot import load_snapshot
from spotify_insights.listening.time_range import TimeRange
from spotify_insights.pretend_spotify.running import RunningPretendSpotify
from spotify_insights.runtime import Runtime

# The listener that every test ingests unless it needs another; both tokens lead to one account.
ACCESS_TOKEN = "BQD-robin"
REFRESH_TOKEN = "AQC-robin"


def a_listener(runtime: Runtime, *, timezone: str = "UTC") -> UUID:
    """Somebody connected who listens to a lot of music."""
    return a_connected_user(
        runtime, access_token=ACCESS_TOKEN, refresh_token=REFRESH_TOKEN, timezone=timezone
    )


def told(pretend_spotify: RunningPretendSpotify, path: str) -> Any:
    """What Spotify answers about `a_listener`, read without our own client; it counts as a request."""
    headers = {"Authorization": f"Bearer {ACCESS_TOKEN}"}
    with httpx2.Client(base_url=pretend_spotify.base_url, trust_env=False, headers=headers) as client:
        return client.get(f"/v1/{path}").raise_for_status().json()


def told_top_tracks(pretend_spotify: RunningPretendSpotify, time_range: TimeRange) -> list[Any]:
    """The 50 top tracks of `a_listener`, best first, as Spotify tells them."""
    items: list[Any] = told(pretend_spotify, f"me/top/tracks?limit=50&time_range={time_range}")["items"]
    return items


def ingest(runtime: Runtime, user_id: UUID, time_range: TimeRange = TimeRange.SHORT_TERM) -> BackgroundJob:
    """Request an ingestion and make one attempt at it; the job as it stands then."""
    with runtime.database.transaction(acting_for=Actor.listener(user_id)) as tx:
        job_id = request_ingestion(tx, user_id, time_range)
    work_off(runtime)
    return job_row(runtime.database, job_id)


def ingested(runtime: Runtime, user_id: UUID, time_range: TimeRange = TimeRange.SHORT_TERM) -> Snapshot:
    """As `ingest`, which has to succeed; the snapshot that it took."""
    job = ingest(runtime, user_id, time_range)
    assert (job.status, job.error) == ("succeeded", None)
    assert job.result is not None
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        owner, snapshot = load_snapshot(tx.session, UUID(str(job.result["snapshot_id"])), acting_for=SYSTEM)
    assert owner == user_id
    return snapshot


def snapshot_rows(database: Database, user_id: UUID) -> list[ListeningSnapshot]:
    """The listener's snapshots, by day and range."""
    with database.transaction(acting_for=SYSTEM) as tx:
        return list(
            tx.session.scalars(
                select(ListeningSnapshot)
                .where(ListeningSnapshot.user_id == user_id)
                .order_by(ListeningSnapshot.snapshot_date, ListeningSnapshot.time_range)
            )
        )


def rows(database: Database, query: str, **parameters: Any) -> list[tuple[Any, ...]]:
    """What a query gives."""
    with database.transaction(acting_for=SYSTEM) as tx:
        return [tuple(row) for row in tx.session.execute(text(query), parameters)]


def count(database: Database, table: str, condition: str = "true") -> int:
    """How many rows of a table meet a condition."""
    [(number,)] = rows(database, f"SELECT count(*) FROM {table} WHERE {condition}")  # noqa: S608  # our own words
    assert isinstance(number, int)
    return number


def calls(pretend_spotify: RunningPretendSpotify, route: str) -> int:
    """How often a route was asked so far."""
    return pretend_spotify.control.counters().by_route.get(route, 0)


def asked_features(pretend_spotify: RunningPretendSpotify) -> list[list[str]]:
    """The ids of each call for audio features, in the order of the calls."""
    return [
        request.query["ids"].split(",")
        for request in pretend_spotify.control.requests()
        if request.path == "/v1/audio-features"
    ]


def stop_the_clock(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> None:
    """Let the ingestion believe that it is `moment`."""
    frozen: Callable[[], datetime] = lambda: moment  # noqa: E731  # the name says what it is
    monkeypatch.setattr(ingest_module, "now", frozen)
