"""The job table looking after itself."""

from typing import Any, ClassVar, Final

from sqlalchemy import text

from spotify_insights.database.database import rows_changed
from spotify_insights.jobs.attempt import Attempt
from spotify_insights.jobs.job import Job, Queue
from spotify_insights.jobs.queries import job_counts
from spotify_insights.observability import get_logger

_log = get_logger(__name__)

# Dead jobs stay: they are the operator's list of what went wrong.
_PURGE_JOBS: Final = text("""
    DELETE FROM background_jobs
     WHERE finished_at < clock_timestamp() - make_interval(days => :days) AND status <> 'dead'
""")
_PURGE_SLOTS: Final = text("""
    DELETE FROM schedule_slots WHERE slot < clock_timestamp() - make_interval(days => :days)
""")


class CleanupOldJobs(Job):
    """Forget finished jobs that are older than the retention setting."""

    task_name: ClassVar[str] = "scheduled.cleanup_old_jobs"
    queue: ClassVar[Queue] = Queue.SCHEDULED


class MonitorFailedJobs(Job):
    """Look at the job table and report what an operator should know."""

    task_name: ClassVar[str] = "scheduled.monitor_failed_jobs"
    queue: ClassVar[Queue] = Queue.SCHEDULED


def cleanup_old_jobs(attempt: Attempt, _job: CleanupOldJobs, *, retention_days: int) -> None:
    """Delete finished jobs and fired slots older than `retention_days`. Safe to repeat."""
    with attempt.completion() as completion:
        session = completion.tx.session
        jobs = rows_changed(session, _PURGE_JOBS, {"days": retention_days})
        slots = rows_changed(session, _PURGE_SLOTS, {"days": retention_days})
        completion.result = {"jobs_deleted": jobs, "slots_deleted": slots}


def monitor_failed_jobs(attempt: Attempt, _job: MonitorFailedJobs) -> None:
    """Write one log line with jobs by queue and status and the age of the oldest due job."""
    with attempt.completion() as completion:
        counts = job_counts(completion.tx.session)
        dead = sum(jobs for (_, status), (jobs, _) in counts.items() if status == "dead")
        oldest = max((age for _, age in counts.values() if age is not None), default=0.0)
        report: dict[str, Any] = {"dead": dead, "oldest_due_seconds": round(max(oldest, 0.0), 1)}
        completion.result = report
    log = _log.warning if dead else _log.info
    log("job_monitor", **report, jobs={f"{queue}/{status}": n for (queue, status), (n, _) in counts.items()})
