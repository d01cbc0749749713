"""Forgetting what is old, a batch at a time."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from sqlalchemy import TextClause, text

from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.database import rows_changed
from spotify_insights.jobs.attempt import Attempt
from spotify_insights.jobs.job import Job, Queue
from spotify_insights.jobs.upkeep.purge import OLD_CANARIES
from spotify_insights.jobs.upkeep.retention import Retention

# One batch takes a few hundredths of a second, and nobody waits longer than that for a row of it.
BATCH: Final = 1000
# Half a million rows of each kind: what is left after that is for the next time, well within the time limit.
MOST_BATCHES: Final = 500

# A job stays as long as one that it queued: its progress is counted over those, and to let it go before them
# would change a row for every one of them in a single statement.
_JOBS: Final = """
    WITH old AS MATERIALIZED (
         SELECT id FROM background_jobs job
          WHERE {which} AND finished_at < statement_timestamp() - make_interval(days => :days)
            AND NOT EXISTS (SELECT FROM background_jobs child WHERE child.parent_id = job.id)
          ORDER BY finished_at
          LIMIT :batch
            FOR UPDATE SKIP LOCKED)
    DELETE FROM background_jobs job USING old WHERE job.id = old.id
"""
_FINISHED_JOBS: Final = text(_JOBS.format(which="status IN ('succeeded', 'cancelled')"))
_FAILED_JOBS: Final = text(_JOBS.format(which="status = 'failed'"))
_DEAD_JOBS: Final = text(_JOBS.format(which="status = 'dead'"))
# The newest slot of a schedule is the relay's memory of how far that schedule has come.
_SLOTS: Final = text("""
    WITH old AS MATERIALIZED (
         SELECT schedule, slot FROM schedule_slots fired
          WHERE slot < statement_timestamp() - make_interval(days => :days)
            AND EXISTS (SELECT FROM schedule_slots newer
                         WHERE newer.schedule = fired.schedule AND newer.slot > fired.slot)
          LIMIT :batch
            FOR UPDATE SKIP LOCKED)
    DELETE FROM schedule_slots fired USING old
     WHERE fired.schedule = old.schedule AND fired.slot = old.slot
""")
_ALERTS: Final = text("""
    WITH old AS MATERIALIZED (
         SELECT id FROM alerts
          WHERE resolved_at < statement_timestamp() - make_interval(days => :days)
          LIMIT :batch
            FOR UPDATE SKIP LOCKED)
    DELETE FROM alerts alert USING old WHERE alert.id = old.id
""")


class CleanupOldJobs(Job):
    """Forget ended jobs, fired slots and resolved alerts that are older than the retention settings."""

    task_name: ClassVar[str] = "scheduled.cleanup_old_jobs"
    queue: ClassVar[Queue] = Queue.SCHEDULED


def cleanup_old_jobs(
    attempt: Attempt, _job: CleanupOldJobs, *, retention: Retention, batch: int = BATCH
) -> None:
    """Delete what is older than `retention` allows, `batch` rows at a time and in a transaction of their own.

    Safe to repeat and to run several times at once. What somebody else has locked is left for the next time.
    """
    steps: dict[str, tuple[TextClause, Mapping[str, Any]]] = {
        "canaries_deleted": (OLD_CANARIES, {}),
        "finished_jobs_deleted": (_FINISHED_JOBS, {"days": retention.finished_job_days}),
        "failed_jobs_deleted": (_FAILED_JOBS, {"days": retention.failed_job_days}),
        "dead_jobs_deleted": (_DEAD_JOBS, {"days": retention.dead_job_days}),
        "slots_deleted": (_SLOTS, {"days": retention.slot_days}),
        "alerts_deleted": (_ALERTS, {"days": retention.alert_days}),
    }
    deleted = {
        name: _in_batches(attempt, statement, {**parameters, "batch": batch})
        for name, (statement, parameters) in steps.items()
    }
    with attempt.completion() as completion:
        completion.result = dict(deleted)


def _in_batches(attempt: Attempt, statement: TextClause, parameters: Mapping[str, Any]) -> int:
    deleted = 0
    for _ in range(MOST_BATCHES):
        attempt.checkpoint()
        with attempt.database.transaction(acting_for=SYSTEM) as tx:
            rows = rows_changed(tx.session, statement, parameters)
        # Not "fewer than a batch": with its last child a parent becomes old enough.
        if rows == 0:
            break
        deleted += rows
    return deleted
