"""A worker ends leases of its own that nobody works for any more, so that no one waits until they expire."""

from enum import Enum
from typing import Final
from uuid import UUID

from sqlalchemy import text

from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.database import Database
from spotify_insights.observability import get_logger

_log = get_logger(__name__)

# The statement must not keep a worker that has other things to do: a lease that stays expires by itself.
_NO_LONG_WAITS: Final = text("""
    SELECT set_config('lock_timeout', '2s', true), set_config('statement_timeout', '4s', true)
""")

# Rows are locked in the order of their ids, as by everything that locks several jobs.
_GIVE_BACK: Final = text("""
    WITH held AS MATERIALIZED (
         SELECT id, CASE WHEN cancel_requested THEN 'cancelled'
                         WHEN :attempt_counts AND attempts >= max_attempts THEN 'dead'
                         WHEN clock_timestamp() >= expires_at THEN 'dead'
                         ELSE 'queued' END AS status
           FROM background_jobs
          WHERE status = 'running' AND (worker = :worker OR starts_with(worker, :worker || '/'))
            AND (CAST(:job_id AS uuid) IS NULL OR id = :job_id)
          ORDER BY id
            FOR NO KEY UPDATE)
    UPDATE background_jobs job
       SET status = held.status, progress = NULL,
           error = CASE held.status WHEN 'cancelled' THEN 'The job was cancelled.' ELSE :error END,
           error_code = CASE held.status WHEN 'cancelled' THEN 'cancelled' ELSE :error_code END,
           attempts = CASE WHEN :attempt_counts THEN attempts ELSE attempts - 1 END,
           available_at = clock_timestamp(), published_at = NULL, publishes = 0,
           lease_token = NULL, lease_expires_at = NULL,
           finished_at = CASE WHEN held.status <> 'queued' THEN clock_timestamp() END,
           run_ms = CASE WHEN held.status <> 'queued'
                         THEN extract(epoch FROM clock_timestamp() - started_at) * 1000 END
      FROM held WHERE job.id = held.id
 RETURNING job.id, job.status, job.task_name
""")


class Reason(Enum):
    """Why a job is given back: its error code, the sentence for people, and whether the attempt counts."""

    PROCESS_LOST = ("process_lost", "The process that ran this job ended in the middle of it.", True)
    TIME_LIMIT = ("time_limit", "The job took longer than it may.", True)
    WORKER_STOPPED = ("worker_stopped", "The worker that ran this job had to stop.", False)

    def __init__(self, error_code: str, error: str, attempt_counts: bool) -> None:  # noqa: FBT001  # spelt above
        self.error_code = error_code
        self.error = error
        self.attempt_counts = attempt_counts


def process_name(worker: str, pid: int) -> str:
    """How a process of the pool of `worker` calls itself when it claims."""
    return f"{worker}/{pid}"


def give_back(database: Database, *, worker: str, reason: Reason, job_id: UUID | None = None) -> int:
    """End the leases that `worker` or its pool holds: another attempt may begin at once; the number of them.

    A job whose attempts are used up is dead then, and one whose cancellation was asked for is cancelled.
    What another worker holds is left alone, as is what ended meanwhile.

    Args:
        worker: the name of a worker, for all of its pool, or the `process_name` of one process. No two
            workers may ever have the same name.
        job_id: only this job.

    Raises:
        UnavailableError: the database did not do it in a few seconds; the leases expire by themselves.
    """
    parameters = {
        "worker": worker,
        "job_id": job_id,
        "attempt_counts": reason.attempt_counts,
        "error": reason.error,
        "error_code": reason.error_code,
    }
    with database.transaction(acting_for=SYSTEM) as tx:
        tx.session.execute(_NO_LONG_WAITS)
        rows = tx.session.execute(_GIVE_BACK, parameters).all()
    for row in rows:
        _log.warning(
            "job_given_back",
            job_id=str(row.id),
            task=row.task_name,
            error_code=reason.error_code,
            became=row.status,
        )
    return len(rows)
