"""Giving jobs that ended without success another chance."""

from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from spotify_insights.database.database import Transaction, rows_changed
from spotify_insights.errors import ConflictError
from spotify_insights.jobs.cancel import no_such_job
from spotify_insights.jobs.enqueue import relay_bell
from spotify_insights.jobs.job import JobStatus

_TRIES: Final = 3
UNSUCCESSFUL: Final = (JobStatus.FAILED, JobStatus.DEAD, JobStatus.CANCELLED)

# A fresh life: attempts, snoozes and the time to begin start anew. Rows are locked in the order of their ids,
# as by everything that locks several jobs.
_REQUEUE: Final = text("""
    WITH chosen AS MATERIALIZED (
         SELECT id FROM background_jobs
          WHERE id = ANY(:job_ids) AND status IN ('failed', 'dead', 'cancelled')
          ORDER BY id
            FOR UPDATE)
    UPDATE background_jobs job
       SET status = 'queued', attempts = 0, snoozes = 0, cancel_requested = false,
           expires_at = clock_timestamp() + (expires_at - queued_at), queued_at = clock_timestamp(),
           available_at = clock_timestamp(), published_at = NULL, publishes = 0,
           error = NULL, error_code = NULL, finished_at = NULL, run_ms = NULL
      FROM chosen WHERE job.id = chosen.id
""")
# Of equal jobs one is enough, and none where one is active.
_CHOOSE: Final = text("""
    SELECT DISTINCT ON (task_name, owner_id, deduplication_key) id
      FROM background_jobs ended
     WHERE status = :status
       AND (CAST(:task_name AS text) IS NULL OR task_name = :task_name)
       AND (CAST(:error_code AS text) IS NULL OR error_code = :error_code)
       AND NOT EXISTS (
           SELECT 1 FROM background_jobs active
            WHERE active.task_name = ended.task_name
              AND active.owner_id IS NOT DISTINCT FROM ended.owner_id
              AND active.deduplication_key = ended.deduplication_key
              AND active.status IN ('queued', 'running') AND NOT active.cancel_requested)
     ORDER BY task_name, owner_id, deduplication_key, id DESC
     LIMIT :limit
""")
_STATUS: Final = text("SELECT status FROM background_jobs WHERE id = :job_id FOR UPDATE")


def requeue_job(tx: Transaction, job_id: UUID) -> None:
    """Queue a job that failed, died or was cancelled again, with all its attempts before it.

    Raises:
        NotFoundError: there is no such job.
        ConflictError: it did not end without success, or the same work is under way in another job.
    """
    status = tx.session.scalar(_STATUS, {"job_id": job_id})
    if status is None:
        raise no_such_job()
    if status not in UNSUCCESSFUL:
        raise ConflictError(
            f"The job is {status}. Only jobs that failed, died or were cancelled can be queued again."
        )
    if _requeue(tx, [job_id]) is None:
        raise ConflictError("The same work is under way in another job. Wait for that one.")


def requeue_jobs(
    tx: Transaction,
    *,
    status: JobStatus = JobStatus.DEAD,
    task_name: str | None = None,
    error_code: str | None = None,
    limit: int = 1000,
) -> int:
    """Queue up to `limit` jobs of that status again; the number of them. Safe to repeat.

    Jobs whose work is under way in another job are left alone, and of several equal ones the last is taken.

    Args:
        task_name: only jobs of this task.
        error_code: only jobs that ended for this reason.

    Raises:
        ConflictError: others keep queueing the same work at this moment.
    """
    wanted = {"status": status.value, "task_name": task_name, "error_code": error_code, "limit": limit}
    for _ in range(_TRIES):
        requeued = _requeue(tx, list(tx.session.scalars(_CHOOSE, wanted)))
        if requeued is not None:
            return requeued
    raise ConflictError("Some of this work is being queued by others at this moment. Try again.")


def _requeue(tx: Transaction, job_ids: list[UUID]) -> int | None:
    """The number of jobs queued again; None where an equal one became active meanwhile."""
    try:
        with tx.session.begin_nested():
            requeued = rows_changed(tx.session, _REQUEUE, {"job_ids": job_ids})
    except IntegrityError:
        return None
    tx.at_end(relay_bell.ring)
    return requeued
