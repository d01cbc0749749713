"""The job table in numbers, for /metrics: one statement that reads what is open or recent, by index."""

import json
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from spotify_insights.database.hot_read import HotRead
from spotify_insights.jobs.job import Queue
from spotify_insights.jobs.upkeep.canary import CANARIES, CANARY_TASKS

# Jobs that ended well stay for a month, and nobody needs to count them every few seconds; those of the last
# hour are one short range of an index.
FINISHED_WINDOW: Final = "1 hour"
# A queue that has been silent for longer has no canary to tell of; retention would end the search anyway.
_LAST_CANARY_WITHIN: Final = "7 days"

_QUEUES: Final = ", ".join(f"('{queue.value}', '{CANARIES[queue].task_name}')" for queue in Queue)


def _seconds_since(moment: str) -> str:
    return f"round(extract(epoch FROM statement_timestamp() - {moment}), 3)"


# `statement_timestamp()` is the database's clock, too, and stands still during the statement: unlike
# `clock_timestamp()` it may be the bound of an index scan.
_FIGURES: Final = f"""
    WITH queues (queue, canary) AS (VALUES {_QUEUES}),
         active AS MATERIALIZED (
         SELECT queue, status, count(*) AS jobs,
                min(available_at) FILTER (WHERE available_at <= statement_timestamp()) AS due_since,
                min(available_at) FILTER (WHERE available_at <= statement_timestamp()
                                            AND published_at IS NULL) AS unpublished_since
           FROM background_jobs
          WHERE status = 'queued'
          GROUP BY queue, status
          -- Apart, because each has an index of its own.
          UNION ALL
         SELECT queue, status, count(*), NULL, NULL
           FROM background_jobs
          WHERE status = 'running'
          GROUP BY queue, status),
         troubled AS MATERIALIZED (
         SELECT queue, status, count(*) AS jobs
           FROM background_jobs
          WHERE status IN ('failed', 'dead')
          GROUP BY queue, status),
         recent AS MATERIALIZED (
         SELECT queue, status, count(*) AS jobs,
                max(finished_at) FILTER (WHERE status = 'succeeded' AND task_name IN ({CANARY_TASKS}))
                    AS canary_at
           FROM background_jobs
          WHERE finished_at > statement_timestamp() - interval '{FINISHED_WINDOW}'
            AND status IN ('succeeded', 'cancelled')
          GROUP BY queue, status),
         counted AS (
         SELECT queue, status, jobs FROM active UNION ALL
         SELECT queue, status, jobs FROM troubled UNION ALL
         SELECT queue, status, jobs FROM recent),
         lately AS (
         SELECT queues.queue,
                (SELECT min(due_since) FROM active WHERE active.queue = queues.queue) AS due_since,
                -- The second search runs only where the first finds nothing: while a queue is silent.
                coalesce((SELECT max(canary_at) FROM recent WHERE recent.queue = queues.queue),
                         (SELECT finished_at FROM background_jobs
                           WHERE task_name = queues.canary AND status = 'succeeded'
                             AND finished_at > statement_timestamp() - interval '{_LAST_CANARY_WITHIN}'
                           ORDER BY finished_at DESC LIMIT 1)) AS canary_at
           FROM queues)
    SELECT json_build_object(
           'jobs', (SELECT coalesce(json_agg(json_build_object(
                                      'queue', queue, 'status', status, 'count', jobs)
                                  ORDER BY queue, status), '[]') FROM counted),
           'oldest_due_seconds', (SELECT json_object_agg(queue, {_seconds_since("due_since")}) FROM lately),
           'relay_lag_seconds', (SELECT coalesce({_seconds_since("min(unpublished_since)")}, 0) FROM active),
           'dead', (SELECT coalesce(sum(jobs), 0) FROM troubled WHERE status = 'dead'),
           'failed', (SELECT coalesce(sum(jobs), 0) FROM troubled WHERE status = 'failed'),
           'open_alerts', (SELECT coalesce(json_agg(json_build_object(
                                      'kind', kind, 'subject', subject, 'severity', severity)
                                  ORDER BY kind, subject), '[]') FROM alerts WHERE resolved_at IS NULL),
           'canary_seconds', (SELECT json_object_agg(queue, {_seconds_since("canary_at")}) FROM lately))::text
"""  # noqa: S608  # only constants are put together


def job_figures() -> HotRead:
    """The job table in numbers, as one JSON object.

    `jobs` counts by queue and status: all that is queued, running, failed or dead, and what succeeded or was
    cancelled within FINISHED_WINDOW. `oldest_due_seconds` and `canary_seconds` (since the last canary ended
    well) have a number or null for every queue. `relay_lag_seconds` is the age of the oldest due job that no
    relay has published yet. `open_alerts` are as the monitor left them.
    """
    return HotRead(_FIGURES, {})


def read_figures(session: Session) -> dict[str, Any]:
    """The same numbers for synchronous callers."""
    figures: dict[str, Any] = json.loads(session.execute(text(_FIGURES)).scalar_one())
    return figures
