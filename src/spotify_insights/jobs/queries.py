"""Questions about jobs, as clients and operators ask them."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from spotify_insights.database.actor import Actor
from spotify_insights.database.hot_read import HotRead, moment
from spotify_insights.jobs.job import JobStatus, Queue


class TaskStatus(StrEnum):
    """A job's status as clients see it: Celery's own state names."""

    PENDING = "PENDING"
    RETRY = "RETRY"
    STARTED = "STARTED"
    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"
    REVOKED = "REVOKED"


_HAS_STATUS: Final = {
    TaskStatus.PENDING: "j.status = 'queued' AND j.attempts = 0",
    TaskStatus.RETRY: "j.status = 'queued' AND j.attempts > 0",
    TaskStatus.STARTED: "j.status = 'running'",
    TaskStatus.SUCCESS: "j.status = 'succeeded'",
    TaskStatus.FAILURE: "j.status IN ('failed', 'dead')",
    TaskStatus.REVOKED: "j.status = 'cancelled'",
}
_CLIENT_STATUS: Final = " ".join(
    ["CASE", *(f"WHEN {condition} THEN '{status}'" for status, condition in _HAS_STATUS.items()), "END"]
)

_COUNT_BY_STATUS: Final = ", ".join(
    f"'{status}', count(*) FILTER (WHERE child.status = '{status}')" for status in JobStatus
)
# What a job queued in turn; NULL where that is nothing.
_CHILDREN: Final = f"""
    (SELECT CASE WHEN count(*) > 0 THEN json_build_object(
                'total', count(*), 'done', count(child.finished_at), {_COUNT_BY_STATUS}) END
       FROM background_jobs child WHERE child.parent_id = j.id)
"""  # noqa: S608  # only constants are put together

_TASK: Final = f"""
    json_build_object(
        'task_id', j.id, 'task_name', j.task_name, 'queue', j.queue, 'user_id', j.owner_id,
        'parent_id', j.parent_id,
        'status', {_CLIENT_STATUS},
        'result', j.result, 'error', j.error, 'error_code', j.error_code,
        'progress', j.progress, 'children', {_CHILDREN},
        'attempts', j.attempts, 'max_attempts', j.max_attempts, 'snoozes', j.snoozes,
        'cancel_requested', j.cancel_requested,
        'queued_at', {moment("j.queued_at")},
        'next_run_at', CASE j.status WHEN 'queued' THEN {moment("j.available_at")} END,
        'started_at', {moment("j.started_at")},
        'finished_at', {moment("j.finished_at")}, 'run_ms', j.run_ms)
"""

_JOB: Final = f"""
    json_build_object(
        'job_id', j.id, 'task_name', j.task_name, 'queue', j.queue, 'user_id', j.owner_id,
        'parent_id', j.parent_id, 'arguments', j.arguments, 'status', j.status,
        'result', j.result, 'error', j.error, 'error_code', j.error_code,
        'progress', j.progress, 'children', {_CHILDREN},
        'attempts', j.attempts, 'max_attempts', j.max_attempts, 'snoozes', j.snoozes,
        'publishes', j.publishes, 'worker', j.worker, 'cancel_requested', j.cancel_requested,
        'queued_at', {moment("j.queued_at")},
        'next_run_at', CASE j.status WHEN 'queued' THEN {moment("j.available_at")} END,
        'expires_at', {moment("j.expires_at")},
        'started_at', {moment("j.started_at")},
        'lease_expires_at', {moment("j.lease_expires_at")},
        'finished_at', {moment("j.finished_at")}, 'run_ms', j.run_ms)
"""

# Only success is final: what failed, died or was cancelled may be queued again, and so may a child.
_FINAL: Final = """
    (j.status = 'succeeded' AND NOT EXISTS (
        SELECT FROM background_jobs child WHERE child.parent_id = j.id AND child.status <> 'succeeded'))
"""
_OVER: Final = """
    (j.finished_at IS NOT NULL AND NOT EXISTS (
        SELECT FROM background_jobs child WHERE child.parent_id = j.id AND child.finished_at IS NULL))
"""

_ONE: Final = f"""
    SELECT {_TASK}::text, {_FINAL}::text
      FROM background_jobs j WHERE j.id = %(task_id)s AND """  # noqa: S608  # only constants are put together

_ONE_JOB: Final = f"SELECT {_JOB}::text FROM background_jobs j WHERE j.id = %(job_id)s"  # noqa: S608  # constants
_IS_OVER: Final = f"SELECT {_OVER}::text FROM background_jobs j WHERE j.id = %(task_id)s AND "  # noqa: S608  # constants

# Every change of a row gives it another xmin, so comparing that and the counts of the children tells what
# changed, and only of that a document is built.
_CHANGED: Final = f"""
    SELECT w.id, seen.stamp, CASE WHEN j.id IS NOT NULL THEN {_TASK}::text END, {_OVER}
      FROM unnest(%(task_ids)s::uuid[], %(stamps)s::text[]) AS w (id, stamp)
      LEFT JOIN background_jobs j ON j.id = w.id
     CROSS JOIN LATERAL (SELECT concat_ws(' ', j.xmin, {_CHILDREN}) AS stamp) seen
     WHERE j.id IS NULL OR seen.stamp IS DISTINCT FROM w.stamp
"""  # noqa: S608  # only constants are put together


def owned_jobs(actor: Actor) -> str:
    """The condition on the job `j` that it is one of the actor's: for one of theirs, or asked for by them."""
    owned = actor.owns("j.owner_id")
    return f"({owned} OR j.requested_by = %(acting_user)s)" if actor.user_id else owned


def task_document(actor: Actor, task_id: UUID) -> HotRead:
    """One job as a client polls it, if it is one of the actor's.

    The second column says whether it can never change again ("true").
    """
    return HotRead(_ONE + owned_jobs(actor), {"task_id": task_id, **actor.owner_parameters})


def job_document(job_id: UUID) -> HotRead:
    """One job with all that an operator may know."""
    return HotRead(_ONE_JOB, {"job_id": job_id})


def task_is_over(actor: Actor, task_id: UUID) -> HotRead:
    """Whether the job and every job that it queued have ended: "true" or "false"."""
    return HotRead(_IS_OVER + owned_jobs(actor), {"task_id": task_id, **actor.owner_parameters})


def changed_tasks(stamps: Mapping[UUID, str | None]) -> HotRead:
    """Of these jobs the ones that are no longer what their stamp says; not one row but any number.

    Each row is (id, stamp, document, over): a new stamp to compare with next time, the document as
    `task_document` gives it, and whether the job and every job that it queued have ended. A job that does not
    exist has no document.
    """
    return HotRead(_CHANGED, {"task_ids": list(stamps), "stamps": list(stamps.values())})


def task_documents(
    user_id: UUID,
    *,
    status: TaskStatus | None = None,
    task_name: str | None = None,
    limit: int,
    before: UUID | None,
) -> HotRead:
    """A page of one listener's jobs, the newest first; no row where there is no such listener."""
    conditions = ["j.owner_id = %(user_id)s"]
    if status is not None:
        conditions.append(_HAS_STATUS[status])
    if task_name is not None:
        conditions.append("j.task_name = %(task_name)s")
    return HotRead(
        _page(_TASK, conditions, before) + " FROM users u WHERE u.id = %(user_id)s",
        {"user_id": user_id, "task_name": task_name, "limit": limit, "before": before},
    )


def job_documents(
    *,
    status: JobStatus | None = None,
    queue: Queue | None = None,
    task_name: str | None = None,
    user_id: UUID | None = None,
    limit: int,
    before: UUID | None,
) -> HotRead:
    """A page of everybody's jobs with all that an operator may know, the newest first."""
    given = {"status": status, "queue": queue, "task_name": task_name, "owner_id": user_id}
    return _jobs([], given, limit=limit, before=before)


def dead_letters(
    *,
    status: JobStatus | None = None,
    task_name: str | None = None,
    error_code: str | None = None,
    limit: int,
    before: UUID | None,
) -> HotRead:
    """As `job_documents`: the jobs that nobody will try again, which are those that failed or died."""
    given = {"status": status, "task_name": task_name, "error_code": error_code}
    # Written out, so that a plan for all parameters still knows the index.
    return _jobs(["j.status IN ('failed', 'dead')"], given, limit=limit, before=before)


def _jobs(conditions: Sequence[str], given: Mapping[str, Any], *, limit: int, before: UUID | None) -> HotRead:
    wanted = {column: value for column, value in given.items() if value is not None}
    compared = [f"j.{column} = %({column})s" for column in wanted]
    return HotRead(
        _page(_JOB, [*conditions, *compared], before), {**wanted, "limit": limit, "before": before}
    )


def _page(document: str, conditions: Sequence[str], before: UUID | None) -> str:
    """A page by descending id. Conditions that are not asked for are left out, for the planner's sake."""
    keyset = [] if before is None else ["j.id < %(before)s"]
    return f"""
    WITH page AS MATERIALIZED (
         SELECT j.*, row_number() OVER (ORDER BY j.id DESC) AS place
           FROM background_jobs j
          WHERE {" AND ".join([*conditions, *keyset]) or "true"}
          ORDER BY j.id DESC
          LIMIT %(limit)s + 1)
    SELECT coalesce((SELECT json_agg({document} ORDER BY j.place) FROM page j WHERE j.place <= %(limit)s),
                    '[]')::text,
           (SELECT json_build_array(j.id)::text FROM page j
             WHERE j.place = %(limit)s AND (SELECT count(*) FROM page) > %(limit)s)
    """  # noqa: S608  # only constants are put together
