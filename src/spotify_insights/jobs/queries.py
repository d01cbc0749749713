"""Questions about jobs, as clients and operators ask them."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from spotify_insights.database.hot_read import HotRead, moment

# Clients see Celery's own state names.
_TASK: Final = f"""
    json_build_object(
        'task_id', j.id, 'task_name', j.task_name, 'queue', j.queue, 'user_id', j.owner_id,
        'status', CASE j.status
                  WHEN 'queued' THEN CASE WHEN j.attempts > 0 THEN 'RETRY' ELSE 'PENDING' END
                  WHEN 'running' THEN 'STARTED'
                  WHEN 'succeeded' THEN 'SUCCESS'
                  WHEN 'cancelled' THEN 'REVOKED'
                  ELSE 'FAILURE' END,
        'result', j.result, 'error', j.error, 'error_code', j.error_code, 'progress', j.progress,
        'attempts', j.attempts, 'max_attempts', j.max_attempts,
        'queued_at', {moment("j.queued_at")},
        'available_at', {moment("j.available_at")},
        'started_at', {moment("j.started_at")},
        'finished_at', {moment("j.finished_at")}, 'run_ms', j.run_ms)
"""

_ONE: Final = f"""
    SELECT {_TASK}::text, (j.finished_at IS NOT NULL)::text
      FROM background_jobs j WHERE j.id = %(task_id)s
"""  # noqa: S608  # only constants are put together

_PAGE: Final = f"""
    WITH page AS MATERIALIZED (
         SELECT j.*, row_number() OVER (ORDER BY j.id DESC) AS place
           FROM background_jobs j
          WHERE j.owner_id = %(user_id)s AND (%(before)s::uuid IS NULL OR j.id < %(before)s)
          ORDER BY j.id DESC
          LIMIT %(limit)s + 1)
    SELECT coalesce((SELECT json_agg({_TASK} ORDER BY j.place) FROM page j WHERE j.place <= %(limit)s),
                    '[]')::text,
           (SELECT json_build_array(j.id)::text FROM page j
             WHERE j.place = %(limit)s AND (SELECT count(*) FROM page) > %(limit)s)
      FROM users u WHERE u.id = %(user_id)s
"""  # noqa: S608  # only constants are put together

_COUNTS: Final = text("""
    SELECT queue, status, count(*) AS jobs,
           extract(epoch FROM clock_timestamp() - min(available_at) FILTER (WHERE status = 'queued'))
               AS oldest_seconds
      FROM background_jobs GROUP BY queue, status
""")


def task_document(task_id: UUID) -> HotRead:
    """One job as a client polls it; the second column says whether it has ended ("true")."""
    return HotRead(_ONE, {"task_id": task_id})


def task_documents(user_id: UUID, *, limit: int, before: UUID | None) -> HotRead:
    """A page of one listener's jobs, the newest first."""
    return HotRead(_PAGE, {"user_id": user_id, "limit": limit, "before": before})


def job_counts(session: Session) -> Mapping[tuple[str, str], tuple[int, float | None]]:
    """Jobs by (queue, status): how many, and for queued ones how long the oldest has been due, in seconds."""
    return {
        (row.queue, row.status): (
            row.jobs,
            None if row.oldest_seconds is None else float(row.oldest_seconds),
        )
        for row in session.execute(_COUNTS)
    }
