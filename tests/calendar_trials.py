"""Snapshots of month, year and all time as a worker takes them, at any moment one likes."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from job_trials import enqueued
from jobs_inline import job_row, work_off
from spotify_insights.database.actor import SYSTEM
from spotify_insights.listening import queue_calendar_snapshots, take_calendar_snapshots
from spotify_insights.listening.jobs import TakeCalendarSnapshots, TakeEverybodysCalendarSnapshots
from spotify_insights.listening.time_range import CalendarRange
from spotify_insights.runtime import Runtime
from weekly_trials import result_of


def stand_at(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> None:
    """Let the jobs believe that the database's clock shows `moment`."""
    for module in (queue_calendar_snapshots, take_calendar_snapshots):
        monkeypatch.setattr(module, "present", lambda _session: moment)


def taken(
    runtime: Runtime, user_id: UUID, last_day: date | None, time_range: CalendarRange | None = None
) -> dict[str, Any]:
    """The result of one run of the listener's own job."""
    job = TakeCalendarSnapshots(user_id=user_id, last_day=last_day, time_range=time_range)
    job_id = enqueued(runtime.database, job)
    work_off(runtime)
    return result_of(job_row(runtime.database, job_id))


def run_slot(runtime: Runtime) -> dict[str, Any]:
    """Fire the slot and do everything that it asks for; what it says."""
    slot_id = enqueued(runtime.database, TakeEverybodysCalendarSnapshots())
    work_off(runtime)
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        tx.session.execute(
            text("UPDATE background_jobs SET available_at = clock_timestamp() WHERE status = 'queued'")
        )
    work_off(runtime)
    return result_of(job_row(runtime.database, slot_id))


def snapshots(client: TestClient, user_id: UUID, **asked: str) -> list[dict[str, Any]]:
    """What the API lists, the one computed last first."""
    query = {"user_id": str(user_id), **asked}
    documents: list[dict[str, Any]] = (
        client.get("/api/listening/snapshots", params=query).raise_for_status().json()
    )
    return documents
