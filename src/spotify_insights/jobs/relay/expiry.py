"""Ending what nobody works on: leases whose worker is gone, and jobs that nobody could begin in time."""

from collections import Counter
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from spotify_insights.jobs.job import JobStatus
from spotify_insights.observability import get_logger

_log = get_logger(__name__)
BATCH: Final = 500

_EXPIRE_LEASES: Final = text("""
    WITH expired AS MATERIALIZED (
         SELECT id, CASE WHEN cancel_requested THEN 'cancelled'
                         WHEN attempts >= max_attempts OR clock_timestamp() >= expires_at THEN 'dead'
                         ELSE 'queued' END AS status
           FROM background_jobs
          WHERE status = 'running' AND lease_expires_at < statement_timestamp()
          ORDER BY lease_expires_at
          LIMIT :batch
            FOR UPDATE SKIP LOCKED)
    UPDATE background_jobs job
       SET status = expired.status,
           finished_at = CASE WHEN expired.status <> 'queued' THEN clock_timestamp() END,
           run_ms = CASE WHEN expired.status <> 'queued'
                         THEN extract(epoch FROM clock_timestamp() - started_at) * 1000 END,
           error = CASE expired.status WHEN 'cancelled' THEN 'The job was cancelled.'
                                       ELSE 'The worker that ran this job stopped answering.' END,
           error_code = CASE expired.status WHEN 'cancelled' THEN 'cancelled' ELSE 'lease_expired' END,
           available_at = clock_timestamp(), published_at = NULL, publishes = 0, progress = NULL,
           lease_token = NULL, lease_expires_at = NULL
      FROM expired WHERE job.id = expired.id
 RETURNING job.id, job.status, job.task_name, job.worker
""")

_BURY: Final = text("""
    WITH late AS MATERIALIZED (
         SELECT id FROM background_jobs
          WHERE status = 'queued' AND expires_at < statement_timestamp()
          LIMIT :batch
            FOR UPDATE SKIP LOCKED)
    UPDATE background_jobs job
       SET status = 'dead', finished_at = clock_timestamp(),
           error = coalesce(error, 'No worker could begin this job in time.'),
           error_code = coalesce(error_code, 'expired')
      FROM late WHERE job.id = late.id
 RETURNING job.id, job.task_name
""")


def expire_leases(session: Session) -> Counter[JobStatus]:
    """Queue again every running job whose lease has run out, or end it; how many became what.

    A job is dead where it has no attempt left or may not begin any more, and cancelled where that was asked.
    """
    rows: list[Any] = list(session.execute(_EXPIRE_LEASES, {"batch": BATCH}))
    for row in rows:
        _log.warning(
            "lease_expired", job_id=str(row.id), task=row.task_name, worker=row.worker, became=row.status
        )
    return Counter(JobStatus(row.status) for row in rows)


def bury_unbegun(session: Session) -> int:
    """Declare queued jobs dead whose time to begin has passed; the number of them."""
    rows = session.execute(_BURY, {"batch": BATCH}).all()
    for row in rows:
        _log.error("job_never_begun", job_id=str(row.id), task=row.task_name)
    return len(rows)
