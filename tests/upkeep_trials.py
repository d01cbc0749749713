"""For tests of upkeep: whole job tables at a stroke, and what is left of them."""

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import psycopg
from sqlalchemy import text

from as_owner import as_owner
from job_trials import WriteNote
from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.database import Database
from spotify_insights.database.hot_read import HotRead
from spotify_insights.database.table import new_id
from spotify_insights.jobs.job import JobStatus

A_MINUTE: Final = timedelta(minutes=1)
A_DAY: Final = timedelta(days=1)

_INSERT: Final = text("""
    INSERT INTO background_jobs (id, task_name, queue, deduplication_key, arguments, status, attempts,
                                 parent_id, queued_at, available_at, published_at, finished_at, error_code,
                                 lease_token, lease_expires_at)
    VALUES (CAST(:id AS uuid), :task_name, :queue, CAST(:id AS text), '{}', :status, :attempts, :parent_id,
            clock_timestamp() - CAST(:queued AS interval), clock_timestamp() - CAST(:due AS interval),
            CASE WHEN :published THEN clock_timestamp() END, clock_timestamp() - CAST(:ended AS interval),
            :error_code, CAST(:lease_token AS uuid),
            CASE WHEN CAST(:lease_token AS uuid) IS NOT NULL THEN clock_timestamp() + interval '1 hour' END)
""")


@dataclass(frozen=True)
class Row:
    """A job that is queued where nothing else is said; the times say how long ago something was."""

    task_name: str = WriteNote.task_name
    queue: str = "scheduled"
    status: str = "queued"
    attempts: int = 1
    queued: timedelta = timedelta(0)
    due: timedelta = timedelta(0)
    published: bool = False
    ended: timedelta = timedelta(0)
    error_code: str | None = None
    parent_id: UUID | None = None

    @property
    def is_active(self) -> bool:
        return self.status in {"queued", "running"}


def put(database: Database, *rows: Row) -> list[UUID]:
    """Store these jobs as they are; their ids."""
    ids = [new_id() for _ in rows]
    parameters = [
        vars(row)
        | {
            "id": str(job_id),
            "ended": None if row.is_active else row.ended,
            "lease_token": str(uuid4()) if row.status == "running" else None,
        }
        for job_id, row in zip(ids, rows, strict=True)
    ]
    if rows:
        with database.transaction(acting_for=SYSTEM) as tx:
            tx.session.execute(_INSERT, parameters)
    return ids


def ended(task_name: str, *statuses: str, ago: timedelta = A_MINUTE, error_code: str = "broken") -> list[Row]:
    """Jobs of one task that ended in this way."""
    return [
        Row(
            task_name=task_name,
            status=status,
            ended=ago,
            error_code=None if status == JobStatus.SUCCEEDED else error_code,
        )
        for status in statuses
    ]


def forget_all(database: Database) -> None:
    """Empty the tables of jobs."""
    as_owner(database.url, "TRUNCATE background_jobs, schedule_slots, alerts")


def job_ids(database: Database) -> set[UUID]:
    """The jobs that are there."""
    with database.transaction(acting_for=SYSTEM) as tx:
        return set(tx.session.scalars(text("SELECT id FROM background_jobs")))


def answer_of(database: Database, read: HotRead) -> Any:
    """What the web door would send, as values."""
    with psycopg.connect(database.url, autocommit=True) as connection:
        row = connection.execute(read.statement, read.parameters).fetchone()
    assert row is not None
    return json.loads(row[0])
