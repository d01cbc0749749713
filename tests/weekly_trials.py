"""The weekly slot as a worker runs it, at any moment one likes, over plays put into the database."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from ingestions import rows
from invented_weeks import WEEK, Heard
from job_trials import enqueued
from jobs_inline import job_row, work_off
from makers import a_user
from spotify_insights.audio_features.values import AudioFeatures
from spotify_insights.database.actor import SYSTEM
from spotify_insights.insights import queue_weekly_summaries, summarise_week
from spotify_insights.insights.jobs import GenerateWeeklySummaries, GenerateWeeklySummary
from spotify_insights.jobs.models import BackgroundJob
from spotify_insights.jobs.run import run_job
from spotify_insights.listening.catalogue import ArtistEntry, TrackEntry, store_artists, store_tracks
from spotify_insights.listening.features.store import store_features
from spotify_insights.listening.plays import PlayEntry, store_plays
from spotify_insights.runtime import Runtime
from spotify_insights.worker.tasks import Handlers

SOURCE = "spotify_export"


@dataclass(frozen=True)
class Played:
    """A play as a source reports it."""

    title: str
    ended_at: datetime
    artists: tuple[str, ...] = ("Paper Lanterns",)
    ms_played: int | None = 200_000


def stand_at(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> None:
    """Let the weekly jobs believe that the database's clock shows `moment`."""
    for module in (queue_weekly_summaries, summarise_week):
        monkeypatch.setattr(module, "present", lambda _session: moment)


def has_played(
    runtime: Runtime,
    user_id: UUID,
    plays: Iterable[Played],
    *,
    features: dict[str, AudioFeatures] | None = None,
) -> None:
    """Store the plays, with what they are plays of; `features` are given by title."""
    heard = list(plays)
    entries = {play.title: _entry(play) for play in heard}
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        artists = store_artists(
            tx.session, (artist for entry in entries.values() for artist in entry.artists), source=SOURCE
        )
        keys = store_tracks(tx.session, entries.values(), artists, source=SOURCE)
        known = {entries[title].spotify_id: given for title, given in (features or {}).items()}
        store_features(tx.session, keys, known, asked=known, provider="reccobeats")
        told = (
            PlayEntry(
                track_spotify_id=entries[play.title].spotify_id,
                ended_at=play.ended_at,
                ms_played=play.ms_played,
            )
            for play in heard
        )
        store_plays(tx.session, user_id, told, keys, source=SOURCE)


def as_played(heard: Iterable[Heard]) -> list[Played]:
    """The same plays, some seconds apart where they would be at one moment."""
    return [Played(play.title, play.moment, play.artists) for play in heard]


def run_slot(runtime: Runtime) -> BackgroundJob:
    """Fire the weekly slot and do everything that it asks for; the slot's own job as it stands then."""
    slot_id = enqueued(runtime.database, GenerateWeeklySummaries())
    work_off(runtime)
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        tx.session.execute(
            text("UPDATE background_jobs SET available_at = clock_timestamp() WHERE status = 'queued'")
        )
    work_off(runtime)
    return job_row(runtime.database, slot_id)


def result_of(job: BackgroundJob) -> dict[str, Any]:
    """What a job that succeeded gave."""
    assert (job.status, job.error) == ("succeeded", None)
    assert job.result is not None
    return job.result


ZONES = {
    "Pacific/Kiritimati": datetime(2026, 11, 21, 19, 0, tzinfo=UTC),
    "Asia/Kathmandu": datetime(2026, 11, 22, 3, 15, tzinfo=UTC),
    "Europe/Berlin": datetime(2026, 11, 22, 8, 0, tzinfo=UTC),
    "America/New_York": datetime(2026, 11, 22, 14, 0, tzinfo=UTC),
    "Pacific/Pago_Pago": datetime(2026, 11, 22, 20, 0, tzinfo=UTC),
}
NINE_IN_BERLIN = ZONES["Europe/Berlin"]
HOUR = timedelta(hours=1)


def a_week_of_plays(zone: str, *, plays: int = 24, title: str = "Song") -> list[Played]:
    """So many plays from the first moment of the listener's week to its last."""
    begins, ends = WEEK.bounds(zone)
    step = (ends - begins - timedelta(seconds=1)) / max(1, plays - 1)
    return [Played(f"{title} {number % 9}", begins + number * step) for number in range(plays)]


def a_listener(runtime: Runtime, zone: str = "Europe/Berlin", *, plays: int = 24) -> UUID:
    """Somebody with so many plays in the week."""
    user_id = a_user(runtime, timezone=zone)
    has_played(runtime, user_id, a_week_of_plays(zone, plays=plays))
    return user_id


def letters(client: TestClient, user_id: UUID) -> list[dict[str, Any]]:
    """What the API gives for the listener's weekly insights."""
    answer = client.get(f"/api/insights/user/{user_id}", params={"insight_type": "weekly"})
    documents: list[dict[str, Any]] = answer.raise_for_status().json()
    return documents


def weeks(client: TestClient, user_id: UUID) -> list[dict[str, Any]]:
    query = {"user_id": str(user_id), "time_range": "week"}
    snapshots: list[dict[str, Any]] = (
        client.get("/api/listening/snapshots", params=query).raise_for_status().json()
    )
    return snapshots


def summarised(runtime: Runtime, user_id: UUID, ends_on: date = WEEK.ends_on) -> dict[str, Any]:
    """The result of one run of the listener's own job."""
    job_id = enqueued(runtime.database, GenerateWeeklySummary(user_id=user_id, week_ends_on=ends_on))
    work_off(runtime)
    return result_of(job_row(runtime.database, job_id))


def children(runtime: Runtime, parent_id: UUID) -> list[Any]:
    """The jobs that a job queued, in the order of their turn."""
    ids: Iterable[tuple[Any, ...]] = rows(
        runtime.database,
        "SELECT id FROM background_jobs WHERE parent_id = :parent_id ORDER BY available_at",
        parent_id=parent_id,
    )
    return [job_row(runtime.database, job_id) for (job_id,) in ids]


def work_off_first(runtime: Runtime, job_id: UUID) -> None:
    """Run this one job and leave what it queues."""
    run_job(runtime.database, job_id, GenerateWeeklySummaries, Handlers.of(runtime)[GenerateWeeklySummaries])


def _entry(play: Played) -> TrackEntry:
    return TrackEntry(
        spotify_id=f"id of {play.title}",
        name=play.title,
        artists=tuple(ArtistEntry(spotify_id=f"id of {name}", name=name) for name in play.artists),
        album_name=None,
        album_spotify_id=None,
        duration_ms=None,
        explicit=None,
        isrc=None,
    )
