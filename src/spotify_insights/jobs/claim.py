"""Taking a job for one attempt."""

from datetime import timedelta
from typing import Final
from uuid import UUID, uuid4

from pydantic import ValidationError
from sqlalchemy import text

from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.database import Database
from spotify_insights.errors import PermanentError
from spotify_insights.jobs.attempt import LEASE, Attempt
from spotify_insights.jobs.job import Job

_CLAIM: Final = text("""
    UPDATE background_jobs
       SET status = 'running',
           attempts = attempts + 1,
           lease_token = :lease_token,
           lease_expires_at = clock_timestamp() + least(:lease, :time_limit),
           deadline_at = clock_timestamp() + :time_limit,
           started_at = clock_timestamp(),
           worker = :worker,
           error = NULL, error_code = NULL, progress = NULL
     WHERE id = :job_id AND task_name = :task_name
       AND attempts < max_attempts
       AND NOT cancel_requested
       AND (expires_at IS NULL OR clock_timestamp() < expires_at)
       AND ((status = 'queued' AND available_at <= clock_timestamp())
            OR (status = 'running' AND lease_expires_at < clock_timestamp()))
 RETURNING owner_id, arguments, attempts, max_attempts
""")

# While a new version is rolled out, workers of the old one are still there: the job waits for another.
_UNFIT: Final = text("""
    UPDATE background_jobs
       SET status = CASE WHEN attempts >= max_attempts THEN 'failed' ELSE 'queued' END,
           finished_at = CASE WHEN attempts >= max_attempts THEN clock_timestamp() END,
           error = :error, error_code = :error_code,
           available_at = clock_timestamp() + interval '1 minute', published_at = NULL, publishes = 0,
           lease_token = NULL, lease_expires_at = NULL
     WHERE id = :job_id AND lease_token = :lease_token
""")


class UnfitArgumentsError(PermanentError):
    """The stored arguments are not those of this version's job."""

    code = "unfit_arguments"

    def __init__(self) -> None:
        super().__init__(
            "This job was queued by another version of the service, which this one does not understand. "
            "Ask for the work again."
        )


def claim(
    database: Database,
    job_id: UUID,
    job_type: type[Job],
    *,
    worker: str | None = None,
    lease: timedelta = LEASE,
) -> Attempt | None:
    """Take the job for one attempt; None where there is nothing to do (done, held, not yet due, unknown).

    Messages may come twice, late, or for rows that are long gone: each of these is a None.

    Args:
        worker: how the worker process calls itself; it may give back what it holds under this name.
        lease: how long the job is ours without a further sign of life.

    Raises:
        UnfitArgumentsError: its arguments cannot be read; the job waits a minute for another worker, and has
            failed with its last attempt.
    """
    lease_token = uuid4()
    holder = {"job_id": job_id, "lease_token": lease_token}
    claiming = {
        "task_name": job_type.task_name,
        "lease": lease,
        "time_limit": job_type.time_limit,
        "worker": worker,
    }
    with database.transaction(acting_for=SYSTEM) as tx:
        row = tx.session.execute(_CLAIM, holder | claiming).one_or_none()
        if row is None:
            return None
        try:
            job: Job | None = job_type.model_validate(row.arguments)
        except ValidationError:
            job = None
            unfit = UnfitArgumentsError()
            tx.session.execute(_UNFIT, holder | {"error": unfit.message, "error_code": unfit.code})
    if job is None:
        raise UnfitArgumentsError
    return Attempt(
        database=database,
        job_id=job_id,
        job=job,
        lease_token=lease_token,
        number=row.attempts,
        max_attempts=row.max_attempts,
        lease=lease,
    )
