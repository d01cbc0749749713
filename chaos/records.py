"""What the suite writes down in the database: starts, effects, and breaches of the rules that no job may see.

A trigger watches the job table itself, so that a breach is found even where it happens to leave no effect.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg.rows import class_row
from sqlalchemy import text

from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.database import Transaction
from spotify_insights.jobs.attempt import Attempt

_TABLES: Final = """
    CREATE TABLE chaos_starts (
        job_id uuid NOT NULL, attempt int NOT NULL, at timestamptz NOT NULL DEFAULT clock_timestamp());
    CREATE INDEX ON chaos_starts (job_id);

    -- Without a unique constraint: a doubled effect has to show, not to fail.
    CREATE TABLE chaos_effects (
        job_id uuid NOT NULL, attempt int NOT NULL, at timestamptz NOT NULL DEFAULT clock_timestamp());
    CREATE INDEX ON chaos_effects (job_id);

    CREATE TABLE chaos_cancellations (
        job_id uuid NOT NULL, at timestamptz NOT NULL DEFAULT clock_timestamp());

    CREATE TABLE chaos_breaches (
        kind text NOT NULL, job_id uuid NOT NULL, at timestamptz NOT NULL DEFAULT clock_timestamp());

    CREATE FUNCTION chaos_watch() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF OLD.status = 'running' AND NEW.status = 'running' AND OLD.lease_token <> NEW.lease_token
           AND OLD.lease_expires_at > clock_timestamp() THEN
            INSERT INTO chaos_breaches (kind, job_id) VALUES ('stolen', OLD.id);
        END IF;
        IF OLD.finished_at IS NOT NULL
           AND (OLD.status, OLD.finished_at, OLD.attempts)
               IS DISTINCT FROM (NEW.status, NEW.finished_at, NEW.attempts) THEN
            INSERT INTO chaos_breaches (kind, job_id) VALUES ('revived', OLD.id);
        END IF;
        IF NEW.cancel_requested AND NOT OLD.cancel_requested THEN
            INSERT INTO chaos_cancellations (job_id) VALUES (OLD.id);
        END IF;
        RETURN NULL;
    END $$;
    CREATE TRIGGER chaos_watch AFTER UPDATE ON background_jobs FOR EACH ROW EXECUTE FUNCTION chaos_watch();

    -- Whatever role a process works as, it may write down what it did.
    GRANT ALL ON chaos_starts, chaos_effects, chaos_cancellations, chaos_breaches
          TO spotify_insights_api, spotify_insights_worker, spotify_insights_relay;
"""

_NOTE_START: Final = text("INSERT INTO chaos_starts (job_id, attempt) VALUES (:job_id, :attempt)")
_COUNT_STARTS: Final = text("SELECT count(*) FROM chaos_starts WHERE job_id = :job_id")
_NOTE_EFFECT: Final = text("INSERT INTO chaos_effects (job_id, attempt) VALUES (:job_id, :attempt)")

_ROWS: Final = """
    SELECT job.id, job.task_name, job.parent_id, job.arguments, job.status, job.attempts, job.snoozes,
           job.cancel_requested, job.error_code,
           job.queued_at, job.finished_at,
           (SELECT min(at) FROM chaos_cancellations WHERE job_id = job.id) AS cancelled_at,
           (SELECT count(*) FROM chaos_effects WHERE job_id = job.id) AS effects,
           job.publishes,
           ARRAY(SELECT at FROM chaos_starts WHERE job_id = job.id ORDER BY at) AS starts
      FROM background_jobs job
     WHERE job.task_name LIKE '%.chaos%'
     ORDER BY job.queued_at
"""
_SLOTS: Final = "SELECT schedule, slot, job_id FROM schedule_slots WHERE job_id IS NOT NULL"
_BREACHES: Final = "SELECT kind, count(DISTINCT job_id) FROM chaos_breaches GROUP BY kind"
_UNFINISHED: Final = """
    SELECT count(*) FROM background_jobs WHERE status IN ('queued', 'running') AND task_name LIKE '%.chaos%'
"""


@dataclass(frozen=True)
class Row:
    """A job as the run left it."""

    id: UUID
    task_name: str
    parent_id: UUID | None
    arguments: dict[str, Any]
    status: str
    attempts: int
    snoozes: int
    cancel_requested: bool
    error_code: str | None
    queued_at: datetime
    finished_at: datetime | None
    cancelled_at: datetime | None
    effects: int
    publishes: int
    starts: list[datetime]

    @property
    def first_start(self) -> datetime | None:
        return self.starts[0] if self.starts else None


@dataclass(frozen=True)
class Slot:
    """A fired moment of the schedule."""

    schedule: str
    slot: datetime
    job_id: UUID


@dataclass(frozen=True)
class Records:
    """Everything that was written down."""

    rows: list[Row]
    slots: list[Slot]
    breaches: dict[str, int]


def look_behind(database_url: str) -> psycopg.Connection:
    """A connection past row-level security, as migrations have it: the suite accounts for every row."""
    return psycopg.connect(database_url, connect_timeout=2, options="-c app.actor_role=migration")


def prepare(database_url: str) -> None:
    """Make the tables and the trigger in a database that has the product's schema."""
    with look_behind(database_url) as connection:
        connection.execute(_TABLES.encode())


def drop_unique_index(database_url: str) -> None:
    """The part of the control without a unique index that happens in the database."""
    with look_behind(database_url) as connection:
        connection.execute("DROP INDEX uq_background_jobs_active")


def note_start(attempt: Attempt) -> int:
    """Write down that this attempt began; how many of its job have begun by now."""
    parameters = {"job_id": attempt.job_id, "attempt": attempt.number}
    with attempt.database.transaction(acting_for=SYSTEM) as tx:
        tx.session.execute(_NOTE_START, parameters)
        return int(tx.session.execute(_COUNT_STARTS, parameters).scalar_one())


def note_effect(tx: Transaction, attempt: Attempt) -> None:
    """Leave the effect of a job in the transaction that ends it."""
    tx.session.execute(_NOTE_EFFECT, {"job_id": attempt.job_id, "attempt": attempt.number})


def unfinished(database_url: str) -> int:
    """How many jobs of the suite have not ended."""
    with look_behind(database_url) as connection:
        row = connection.execute(_UNFINISHED).fetchone()
    return 0 if row is None else int(row[0])


def running_on(database_url: str, worker_pid: int) -> list[UUID]:
    """The jobs whose lease this worker holds; none where the database does not tell."""
    query = """
        SELECT id FROM background_jobs
         WHERE status = 'running' AND worker LIKE '%%:' || %s || ':%%' AND task_name <> %s
    """
    try:
        with look_behind(database_url) as connection:
            rows = connection.execute(query, (str(worker_pid), "insights.chaos_hopeless")).fetchall()
    except psycopg.OperationalError:
        return []
    return [row[0] for row in rows]


def has_begun(database_url: str, job_id: UUID) -> bool:
    """Whether an attempt at this job has begun; False where the database does not tell."""
    query = "SELECT 1 FROM chaos_starts WHERE job_id = %s"
    try:
        with look_behind(database_url) as connection:
            return connection.execute(query, (job_id,)).fetchone() is not None
    except psycopg.OperationalError:
        return False


def read_records(database_url: str) -> Records:
    """Everything, at the end of a run."""
    with look_behind(database_url) as connection:
        with connection.cursor(row_factory=class_row(Row)) as cursor:
            rows = cursor.execute(_ROWS).fetchall()
        with connection.cursor(row_factory=class_row(Slot)) as cursor:
            slots = cursor.execute(_SLOTS).fetchall()
        breaches: dict[str, int] = dict(connection.execute(_BREACHES).fetchall())
    return Records(rows, slots, breaches)
