"""Cancelling a job, and with it whatever it queued."""

from collections.abc import Collection
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text

from spotify_insights.database.actor import Actor
from spotify_insights.database.database import Transaction
from spotify_insights.errors import ConflictError, NotFoundError

# Rows are locked in the order of their ids, as by everything that locks several jobs.
_FAMILY: Final = """
    WITH RECURSIVE family AS (
         SELECT id FROM background_jobs WHERE id = :job_id AND {owned}
          UNION
         SELECT child.id FROM background_jobs child JOIN family ON child.parent_id = family.id)
    SELECT id, status, task_name FROM background_jobs
     WHERE id IN (SELECT id FROM family)
     ORDER BY id
       FOR NO KEY UPDATE
"""
_CANCEL: Final = text("""
    UPDATE background_jobs
       SET cancel_requested = true,
           status = CASE status WHEN 'queued' THEN 'cancelled' ELSE status END,
           finished_at = CASE status WHEN 'queued' THEN clock_timestamp() ELSE finished_at END,
           error = CASE status WHEN 'queued' THEN 'The job was cancelled.' ELSE error END,
           error_code = CASE status WHEN 'queued' THEN 'cancelled' ELSE error_code END
     WHERE id = ANY(:job_ids) AND status IN ('queued', 'running')
""")


class Cancellation(StrEnum):
    """What a wish to cancel met: a job that is over now, one that stops soon, or one that had ended."""

    CANCELLED = "cancelled"
    REQUESTED = "requested"
    ENDED_ALREADY = "ended_already"


def no_such_job() -> NotFoundError:
    return NotFoundError("There is no such task.")


def cancel_job(
    tx: Transaction, job_id: UUID, *, acting_for: Actor, promised: Collection[str] = ()
) -> Cancellation:
    """Cancel the job and its descendants: what is queued at once, what runs at its next checkpoint.

    Once this transaction is committed, a job that it found unfinished stores nothing more. Safe to repeat.

    Args:
        promised: names of tasks that go on, whoever wants to cancel them.

    Raises:
        NotFoundError: there is no such job among the actor's.
        ConflictError: its task was promised.
    """
    family = _locked_family(tx, job_id, acting_for)
    if job_id not in family:
        raise no_such_job()
    job = family[job_id]
    if job.task_name in promised and job.status in {"queued", "running"}:
        raise ConflictError("Somebody was promised that this will be deleted, so it cannot be cancelled.")
    to_cancel = [member.id for member in family.values() if member.task_name not in promised]
    tx.session.execute(_CANCEL, {"job_ids": to_cancel})
    match job.status:
        case "queued" | "cancelled":
            return Cancellation.CANCELLED
        case "running":
            return Cancellation.REQUESTED
        case _:
            return Cancellation.ENDED_ALREADY


def _locked_family(tx: Transaction, job_id: UUID, actor: Actor) -> dict[UUID, Row[Any]]:
    """The job and its descendants as they stand; none of them can queue another one any more.

    While we wait for a row, its holder may commit children that our statement cannot see. So the family is
    read until it has stopped growing.
    """
    statement = text(_FAMILY.format(owned=actor.owns("owner_id", acting_user=":acting_user")))
    parameters = {"job_id": job_id} | ({"acting_user": actor.user_id} if actor.user_id else {})
    family: dict[UUID, Row[Any]] = {}
    while True:
        seen = {row.id: row for row in tx.session.execute(statement, parameters)}
        if seen.keys() == family.keys():
            return seen
        family = seen
