"""Jobs with children, and jobs in every state, for tests of following them."""

from datetime import timedelta
from uuid import UUID

from job_trials import WriteNote, WritePersonalNote, claimed
from makers import a_user
from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.database import Database
from spotify_insights.jobs.attempt import Attempt
from spotify_insights.jobs.enqueue import enqueue
from spotify_insights.jobs.job import Job, JobStatus
from spotify_insights.runtime import Runtime


def queued(database: Database, job: Job, *, parent_id: UUID | None = None) -> UUID:
    with database.transaction(acting_for=SYSTEM) as tx:
        return enqueue(tx, job, parent_id=parent_id)


def succeed(attempt: Attempt) -> None:
    with attempt.completion():
        pass


def a_job(
    runtime: Runtime,
    status: JobStatus,
    *,
    user_id: UUID | None = None,
    parent_id: UUID | None = None,
    about: str = "the weather",
    error_code: str = "no_paper",
) -> UUID:
    """A listener's job in that status, by the same steps as in life."""
    user_id = user_id or a_user(runtime)
    job_id = queued(runtime.database, WritePersonalNote(user_id=user_id, about=about), parent_id=parent_id)
    if status is not JobStatus.QUEUED:
        bring_to(runtime.database, job_id, status, error_code=error_code)
    return job_id


def bring_to(database: Database, job_id: UUID, status: JobStatus, *, error_code: str = "no_paper") -> None:
    """Begin a queued job and let it come to that status."""
    attempt = claimed(database, job_id, WritePersonalNote)
    if status is JobStatus.SUCCEEDED:
        succeed(attempt)
    elif status is not JobStatus.RUNNING:
        attempt.end(status, error="There is no paper.", error_code=error_code)


def a_family(runtime: Runtime, *children: JobStatus) -> tuple[UUID, list[UUID]]:
    """A job that has succeeded, and the jobs that it queued, in these states."""
    parent_id = queued(runtime.database, WriteNote())
    succeed(claimed(runtime.database, parent_id))
    return parent_id, [a_job(runtime, status, parent_id=parent_id) for status in children]


def put_off(attempt: Attempt, *, wait: timedelta, consumes_attempt: bool) -> None:
    attempt.again(wait=wait, error="Not now.", error_code="later", consumes_attempt=consumes_attempt)
