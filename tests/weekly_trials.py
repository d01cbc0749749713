"""The weekly slot as a worker runs it, at any moment one likes, over plays put into the database."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from invented_weeks import Heard
from job_trials import enqueued
from jobs_inline import job_row, work_off
from spotify_insights.audio_features.values import AudioFeatures
from spotify_insights.database.actor import SYSTEM
from spotify_insights.insights import queue_weekly_summaries, summarise_week
from spotify_insights.insights.jobs import GenerateWeeklySummaries
from spotify_insights.jobs.models import BackgroundJob
from spotify_insights.listening.catalogue import (
    ArtistEntry,
    TrackEntry,
    store_artists,
    store_features,
    store_tracks,
)
from spotify_insights.listening.plays import PlayEntry, store_plays
from spotify_insights.runtime import Runtime

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
