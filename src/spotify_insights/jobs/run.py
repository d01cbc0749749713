"""Running one job from claim to end: the only place that decides between done, again, failed and dead."""

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from billiard.exceptions import SoftTimeLimitExceeded

from spotify_insights.database.database import Database
from spotify_insights.errors import ProductError, SnoozeError, TemporaryError, UnavailableError
from spotify_insights.jobs.attempt import LEASE, Attempt, FencedError, JobCancelledError
from spotify_insights.jobs.claim import claim
from spotify_insights.jobs.heartbeat import heartbeat
from spotify_insights.jobs.job import Job, JobStatus
from spotify_insights.observability import get_logger

_log = get_logger(__name__)

Handler = Callable[[Attempt, Any], None]
"""Does the work of a job: `(attempt, job)`. It must end through `attempt.completion()`."""

FIRST_WAIT: Final = timedelta(seconds=2)
LONGEST_WAIT: Final = timedelta(minutes=15)
UNFORESEEN: Final = "Something went wrong inside the service. The operator finds the details in the log."
TOOK_TOO_LONG: Final = "The job took longer than it may."


class NotCompletedError(RuntimeError):
    """A handler returned without completing its job: a defect of the handler."""


def run_job(
    database: Database,
    job_id: UUID,
    job_type: type[Job],
    handler: Handler,
    *,
    worker: str | None = None,
    lease: timedelta = LEASE,
) -> bool:
    """Claim the job, run `handler`, record how it ended. Safe to call any number of times for one id.

    Args:
        worker: how the worker process calls itself, as stored with the claim.
        lease: how long the job is ours without a further sign of life.

    Returns:
        False where there was nothing to claim, True where the job was done or cancelled.

    Raises:
        Exception: what the handler raised, after it was recorded, so that a monitor of the worker counts it.
    """
    attempt = claim(database, job_id, job_type, worker=worker, lease=lease)
    if attempt is None:
        return False
    log = _log.bind(job_id=str(job_id), task=job_type.task_name, attempt=attempt.number)
    try:
        with heartbeat(attempt):
            handler(attempt, attempt.job)
        _require_completion(attempt)
    except FencedError:
        log.warning("job_fenced")
        raise
    except JobCancelledError as error:
        attempt.end(JobStatus.CANCELLED, error=error.message, error_code=error.code)
        log.info("job_cancelled")
        return True
    except SnoozeError as error:
        became = attempt.again(
            wait=error.wait, error=error.message, error_code=error.code, consumes_attempt=False
        )
        log.info("job_snoozed", wait_seconds=error.wait.total_seconds(), error_code=error.code, became=became)
        raise
    except (TemporaryError, UnavailableError) as error:
        became = _again_or_dead(attempt, error=error.message, error_code=error.code)
        log.warning("job_attempt_failed", error_code=error.code, became=became)
        raise
    except ProductError as error:
        attempt.end(JobStatus.FAILED, error=error.message, error_code=error.code)
        log.warning("job_failed", error_code=error.code)
        raise
    except SoftTimeLimitExceeded:
        became = _again_or_dead(attempt, error=TOOK_TOO_LONG, error_code="time_limit")
        log.warning("job_took_too_long", became=became)
        raise
    except Exception:
        log.exception("job_crashed")
        _again_or_dead(attempt, error=UNFORESEEN, error_code="unforeseen")
        raise
    log.info("job_succeeded")
    return True


def _require_completion(attempt: Attempt) -> None:
    if not attempt.completed:
        raise NotCompletedError("The handler of this job returned without completing it.")


def backoff(attempt_number: int) -> timedelta:
    """Full jitter: anywhere between zero and a bound that doubles with every attempt.

    Source: Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    """
    bound: timedelta = min(FIRST_WAIT * 2 ** (attempt_number - 1), LONGEST_WAIT)
    return bound * random.random()  # noqa: S311  # spreads load, guards nothing


def _again_or_dead(attempt: Attempt, *, error: str, error_code: str) -> JobStatus:
    if attempt.number >= attempt.max_attempts:
        attempt.end(JobStatus.DEAD, error=error, error_code=error_code)
        return JobStatus.DEAD
    return attempt.again(
        wait=backoff(attempt.number), error=error, error_code=error_code, consumes_attempt=True
    )
