from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs
from structlog.typing import EventDict

from job_trials import AN_HOUR, WriteNote, claimed, enqueued, present, set_from_now
from jobs_inline import job_row
from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.database import Database
from spotify_insights.jobs.job import JobStatus
from spotify_insights.jobs.models import BackgroundJob, ScheduleSlot
from spotify_insights.jobs.run import run_job
from spotify_insights.jobs.upkeep import (
    CleanupOldJobs,
    MonitorFailedJobs,
    cleanup_old_jobs,
    monitor_failed_jobs,
)

RETENTION_DAYS = 30
OLD = timedelta(days=-31)
YOUNG = timedelta(days=-29)


def a_job(database: Database, about: str, status: JobStatus) -> UUID:
    job_id = enqueued(database, WriteNote(about=about))
    if status == JobStatus.QUEUED:
        return job_id
    attempt = claimed(database, job_id)
    if status == JobStatus.SUCCEEDED:
        with attempt.completion():
            pass
    elif status != JobStatus.RUNNING:
        attempt.end(status=status, error="It did not work.", error_code="permanent")
    return job_id


def clean_up(database: Database) -> Any:
    job_id = enqueued(database, CleanupOldJobs())
    assert run_job(
        database,
        job_id,
        CleanupOldJobs,
        lambda attempt, job: cleanup_old_jobs(attempt, job, retention_days=RETENTION_DAYS),
    )
    return job_row(database, job_id).result


def test_clean_up_forgets_old_ended_jobs_and_keeps_dead_young_and_active_ones(database: Database) -> None:
    old_succeeded = a_job(database, "1", JobStatus.SUCCEEDED)
    old_failed = a_job(database, "2", JobStatus.FAILED)
    old_dead = a_job(database, "3", JobStatus.DEAD)
    young_succeeded = a_job(database, "4", JobStatus.SUCCEEDED)
    young_failed = a_job(database, "5", JobStatus.FAILED)
    waiting_long = a_job(database, "6", JobStatus.QUEUED)
    running_long = a_job(database, "7", JobStatus.RUNNING)
    for job_id in (old_succeeded, old_failed, old_dead):
        set_from_now(database, job_id, finished_at=OLD)
    for job_id in (young_succeeded, young_failed):
        set_from_now(database, job_id, finished_at=YOUNG)
    for job_id in (waiting_long, running_long):
        set_from_now(database, job_id, queued_at=OLD, available_at=OLD)

    assert clean_up(database) == {"jobs_deleted": 2, "slots_deleted": 0}

    with database.transaction(acting_for=SYSTEM) as tx:
        kept = set(
            tx.session.scalars(select(BackgroundJob.id).where(BackgroundJob.task_name == WriteNote.task_name))
        )
    assert kept == {old_dead, young_succeeded, young_failed, waiting_long, running_long}
    assert clean_up(database) == {"jobs_deleted": 0, "slots_deleted": 0}


def test_clean_up_forgets_old_slots_of_the_schedule_and_keeps_young_ones(database: Database) -> None:
    moment = present(database)
    with database.transaction(acting_for=SYSTEM) as tx:
        tx.session.add(ScheduleSlot(schedule="weekly", slot=moment + OLD))
        tx.session.add(ScheduleSlot(schedule="weekly", slot=moment + YOUNG))

    assert clean_up(database) == {"jobs_deleted": 0, "slots_deleted": 1}

    with database.transaction(acting_for=SYSTEM) as tx:
        assert tx.session.scalars(select(ScheduleSlot.slot)).all() == [moment + YOUNG]


def monitored(database: Database) -> tuple[Any, EventDict]:
    """The stored report and the logged one."""
    job_id = enqueued(database, MonitorFailedJobs())
    with capture_logs() as log:
        assert run_job(database, job_id, MonitorFailedJobs, monitor_failed_jobs)
    [line] = [line for line in log if line["event"] == "job_monitor"]
    return job_row(database, job_id).result, line


def test_the_monitor_reports_dead_jobs_and_the_oldest_due_one_as_a_warning(database: Database) -> None:
    for about in ("1", "2"):
        a_job(database, about, JobStatus.DEAD)
    a_job(database, "3", JobStatus.FAILED)
    waiting = [a_job(database, about, JobStatus.QUEUED) for about in ("4", "5", "6")]
    for job_id, age in zip(waiting, (20, 90, -3600), strict=True):
        set_from_now(database, job_id, available_at=timedelta(seconds=-age))

    result, line = monitored(database)

    assert result["dead"] == line["dead"] == 2
    assert result["oldest_due_seconds"] == line["oldest_due_seconds"] == pytest.approx(90, abs=5)
    assert line["log_level"] == "warning"
    # The monitor's own job is running while it looks.
    assert line["jobs"] == {
        "scheduled/dead": 2,
        "scheduled/failed": 1,
        "scheduled/queued": 3,
        "scheduled/running": 1,
    }


def test_a_job_of_the_future_is_not_overdue_and_nothing_dead_is_no_warning(database: Database) -> None:
    set_from_now(database, a_job(database, "1", JobStatus.QUEUED), available_at=AN_HOUR)

    result, line = monitored(database)

    assert result == {"dead": 0, "oldest_due_seconds": 0}
    assert line["log_level"] == "info"
