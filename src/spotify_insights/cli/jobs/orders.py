"""`jobs retry` and `jobs cancel`: what an operator may change, one sentence for each job."""

from collections.abc import Callable, Sequence

from spotify_insights.audit.event import AuditEvent
from spotify_insights.audit.record import record_of_operator
from spotify_insights.cli.jobs.choosing import choose_job
from spotify_insights.cli.jobs.operator_database import OperatorDatabase
from spotify_insights.cli.jobs.words import short_id
from spotify_insights.cli.terminal import complain, say
from spotify_insights.database.actor import OPERATOR
from spotify_insights.database.database import Transaction
from spotify_insights.errors import ConflictError, InvalidInputError, NotFoundError
from spotify_insights.jobs.cancel import Cancellation, cancel_job
from spotify_insights.jobs.job import JobStatus
from spotify_insights.jobs.overview import JobView, dead_jobs
from spotify_insights.jobs.requeue import requeue_job, requeue_jobs
from spotify_insights.privacy.jobs import PROMISED

_NAMED_AT_MOST = 10


def retry_these(database: OperatorDatabase, typed: Sequence[str]) -> int:
    """Queue each of these jobs again; the exit code is 1 where one of them could not be."""

    def retry(tx: Transaction, job: JobView) -> str:
        requeue_job(tx, job.id)
        record_of_operator(tx, AuditEvent.JOB_REQUEUED, target=str(job.id))
        return f"{_name(job)}: queued again."

    return _each(database, typed, retry)


def cancel_these(database: OperatorDatabase, typed: Sequence[str]) -> int:
    """Cancel each of these jobs; the exit code is 1 where one of them had ended already, or goes on."""

    def cancel(tx: Transaction, job: JobView) -> str:
        cancellation = cancel_job(tx, job.id, acting_for=OPERATOR, promised=PROMISED)
        record_of_operator(tx, AuditEvent.JOB_CANCELLED_BY_ADMIN, target=str(job.id))
        match cancellation:
            case Cancellation.CANCELLED:
                return f"{_name(job)}: cancelled."
            case Cancellation.REQUESTED:
                return f"{_name(job)}: runs, and stops at its next checkpoint."
            case Cancellation.ENDED_ALREADY:
                raise ConflictError(f"it has ended already ({job.status}).")

    return _each(database, typed, cancel)


def retry_dead(
    database: OperatorDatabase, *, task_name: str | None, error_code: str | None, limit: int
) -> int:
    """Queue up to `limit` dead jobs again, and say which were left and why."""
    with database.transaction() as tx:
        before = dead_jobs(tx.session, task_name=task_name, error_code=error_code)
        requeued = requeue_jobs(
            tx, status=JobStatus.DEAD, task_name=task_name, error_code=error_code, limit=limit
        )
        if requeued:
            record_of_operator(tx, AuditEvent.JOB_REQUEUED, details={"count": requeued, "status": "dead"})
        left = dead_jobs(tx.session, task_name=task_name, error_code=error_code)
    if not before.under_way and not before.others:
        say("No dead job is like that.")
        return 0
    say(f"{_jobs(requeued)} queued again.")
    if left.under_way:
        say(f"{_jobs(len(left.under_way))} left, because the same work is queued or running in another job:")
        for job in left.under_way[:_NAMED_AT_MOST]:
            say(f"  {_name(job)}")
        if len(left.under_way) > _NAMED_AT_MOST:
            say(f"  and {len(left.under_way) - _NAMED_AT_MOST} more")
    if left.others:
        say(f"{_jobs(len(left.others))} left by --limit {limit}; the same command again takes the next ones.")
    return 0


def _each(
    database: OperatorDatabase, typed: Sequence[str], order: Callable[[Transaction, JobView], str]
) -> int:
    """Carry out the order for every job, each in a transaction of its own."""
    exit_code = 0
    for one in typed:
        try:
            with database.transaction() as tx:
                job = choose_job(tx.session, one)
                try:
                    done = order(tx, job)
                except ConflictError as refusal:
                    raise ConflictError(f"{_name(job)}: {refusal.message}") from None
            say(done)
        except (ConflictError, InvalidInputError, NotFoundError) as refusal:
            complain(refusal.message)
            exit_code = 1
    return exit_code


def _name(job: JobView) -> str:
    return f"{short_id(job.id)} {job.task_name}"


def _jobs(count: int) -> str:
    return "1 job" if count == 1 else f"{count} jobs"
