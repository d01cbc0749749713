"""Looking at the job table for what an operator should know."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from spotify_insights.jobs.slots import Schedule
from spotify_insights.jobs.upkeep.awake import awake_for
from spotify_insights.jobs.upkeep.canary import CANARY_TASKS
from spotify_insights.jobs.upkeep.findings import Ended, Observation
from spotify_insights.jobs.upkeep.thresholds import Thresholds

# What was answered from an earlier result was never run: such rows succeed without an attempt and would hide
# behind them that everything that does run fails.
_ENDED: Final = text("""
    SELECT task_name, status, coalesce(error_code, 'unknown') AS reason, count(*) AS jobs
      FROM background_jobs
     WHERE finished_at > statement_timestamp() - :failure_window
       AND (status IN ('failed', 'dead') OR (status = 'succeeded' AND attempts > 0))
     GROUP BY task_name, status, reason
""")
_DIED: Final = text("""
    SELECT task_name, status, coalesce(error_code, 'unknown') AS reason, count(*) AS jobs
      FROM background_jobs
     WHERE status = 'dead' AND finished_at > statement_timestamp() - :dead_window
     GROUP BY task_name, status, reason
""")
_WAITING: Final = text("""
    SELECT queue, statement_timestamp() - min(available_at) AS waited
      FROM background_jobs
     WHERE status = 'queued' AND available_at <= statement_timestamp()
     GROUP BY queue
""")
# A canary that died a moment ago is not the beginning of a new count. Each status has an index of its own.
_CANARIES: Final = text(f"""
    SELECT queue, statement_timestamp() - min(queued_at) AS waited
      FROM (SELECT queue, queued_at FROM background_jobs
             WHERE task_name IN ({CANARY_TASKS}) AND status = 'queued'
             UNION ALL
            SELECT queue, queued_at FROM background_jobs
             WHERE task_name IN ({CANARY_TASKS}) AND status = 'running'
             UNION ALL
            SELECT queue, queued_at FROM background_jobs
             WHERE task_name IN ({CANARY_TASKS}) AND status = 'dead'
               AND finished_at > statement_timestamp() - :silent) AS canaries
     GROUP BY queue
""")  # noqa: S608  # only constants are put in
# A dead job needs no worker: the relay declares it dead.
_WORKING: Final = text("""
    SELECT DISTINCT queue FROM background_jobs
     WHERE finished_at > statement_timestamp() - :silent
       AND status IN ('succeeded', 'failed') AND attempts > 0
""")


def observe(session: Session, thresholds: Thresholds, schedule: Schedule | None = None) -> Observation:
    """The job table as it stands, by the database's clock.

    Args:
        schedule: waiting counts from when it has been kept without a break; None counts all waiting.
    """
    silent = {"silent": thresholds.silent}
    awake = awake_for(session, schedule or {})
    return Observation(
        ended=_by_task(session.execute(_ENDED, {"failure_window": thresholds.failure_window})),
        died=_by_task(session.execute(_DIED, {"dead_window": thresholds.dead_window})),
        waiting=_waited(session.execute(_WAITING), awake),
        canary_waiting=_waited(session.execute(_CANARIES, silent), awake),
        working=frozenset(session.scalars(_WORKING, silent)),
    )


def _waited(rows: Iterable[Any], awake: timedelta | None) -> Mapping[str, timedelta]:
    return {row.queue: row.waited if awake is None else min(row.waited, awake) for row in rows}


def _by_task(rows: Iterable[Any]) -> Mapping[str, Ended]:
    jobs: Counter[str] = Counter()
    reasons: dict[str, Counter[str]] = {}
    for row in rows:
        jobs[row.task_name] += row.jobs
        counted = reasons.setdefault(row.task_name, Counter())
        if row.status != "succeeded":
            counted[row.reason] += row.jobs
    return {task: Ended(jobs=jobs[task], reasons=reasons[task]) for task in jobs}
