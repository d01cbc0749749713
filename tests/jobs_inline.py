"""Doing queued jobs in the test's own process, through the same code as a worker."""

from contextlib import suppress
from uuid import UUID

from sqlalchemy import select

from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.database import Database
from spotify_insights.jobs.job import Job, JobStatus
from spotify_insights.jobs.models import BackgroundJob
from spotify_insights.jobs.run import run_job
from spotify_insights.runtime import Runtime
from spotify_insights.worker.tasks import JOB_TYPES, Handlers

_TYPE_BY_NAME: dict[str, type[Job]] = {job.task_name: job for job in JOB_TYPES}


def job_row(database: Database, job_id: UUID) -> BackgroundJob:
    """The job as it stands."""
    with database.transaction(acting_for=SYSTEM) as tx:
        return tx.session.get_one(BackgroundJob, job_id)


def queued_jobs(database: Database) -> list[BackgroundJob]:
    """What waits, oldest first."""
    with database.transaction(acting_for=SYSTEM) as tx:
        return list(
            tx.session.scalars(
                select(BackgroundJob)
                .where(BackgroundJob.status == JobStatus.QUEUED)
                .order_by(BackgroundJob.id)
            )
        )


def work_off(runtime: Runtime) -> list[UUID]:
    """Run every queued job once, with what they queue in turn; a failure is recorded, not raised."""
    handlers = Handlers.of(runtime)
    done: list[UUID] = []
    while waiting := [job for job in queued_jobs(runtime.database) if job.id not in done]:
        for job in waiting:
            job_type = _TYPE_BY_NAME[job.task_name]
            # The row tells the test how the job ended.
            with suppress(Exception):
                run_job(runtime.database, job.id, job_type, handlers[job_type])
            done.append(job.id)
    return done
