"""What people's exports and erasures need to know of background work."""

from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from spotify_insights.database.personal_data import PersonalTable
from spotify_insights.jobs.models import BackgroundJob

_OPERATION: Final = "It is about how this installation shares work among its processes, not about you."

PERSONAL: Final = (
    PersonalTable(
        model=BackgroundJob,
        topic="tasks",
        about="Work that was done for you in the background.",
        owners=("owner_id",),
        withheld={
            "requested_by": "It may name somebody else who asked for the work.",
            "deduplication_key": "It repeats the arguments.",
            "lease_token": _OPERATION,
            "lease_expires_at": _OPERATION,
            "deadline_at": _OPERATION,
            "published_at": _OPERATION,
            "publishes": _OPERATION,
            "worker": _OPERATION,
        },
    ),
)

_OPEN: Final = text("""
    SELECT id FROM background_jobs
     WHERE owner_id = :owner_id AND status IN ('queued', 'running') AND NOT cancel_requested
       AND (CAST(:prefixes AS text[]) IS NULL OR task_name LIKE ANY(CAST(:prefixes AS text[])))
       AND task_name <> ALL(CAST(:kept AS text[]))
     ORDER BY id
       FOR NO KEY UPDATE
""")
_CANCEL: Final = text("""
    UPDATE background_jobs
       SET cancel_requested = true,
           status = CASE status WHEN 'queued' THEN 'cancelled' ELSE status END,
           finished_at = CASE status WHEN 'queued' THEN clock_timestamp() ELSE finished_at END,
           error = CASE status WHEN 'queued' THEN 'The job was cancelled.' ELSE error END,
           error_code = CASE status WHEN 'queued' THEN 'cancelled' ELSE error_code END
     WHERE id = ANY(:job_ids) AND status IN ('queued', 'running')
""")
_IS_ACTIVE: Final = text("""
    SELECT EXISTS (SELECT FROM background_jobs
                    WHERE owner_id = :owner_id AND task_name = :task_name
                      AND status IN ('queued', 'running') AND NOT cancel_requested)
""")
_JOB_IDS: Final = text("SELECT id FROM background_jobs WHERE owner_id = :owner_id")
_FORGET_REQUESTER: Final = text(
    "UPDATE background_jobs SET requested_by = NULL WHERE requested_by = :user_id"
)


def cancel_jobs_of(
    session: Session, owner_id: UUID, *, prefixes: tuple[str, ...] | None = None, kept: tuple[str, ...] = ()
) -> int:
    """Cancel all active jobs of a listener; how many. Once committed, none of them stores anything more.

    Args:
        prefixes: only jobs whose task's name begins with one of these.
        kept: names of tasks to leave alone.
    """
    chosen = {
        "owner_id": owner_id,
        "prefixes": None if prefixes is None else [f"{prefix}%" for prefix in prefixes],
        "kept": list(kept),
    }
    cancelled = 0
    # While we wait for a row, its holder may commit a job that our statement cannot see.
    while job_ids := session.scalars(_OPEN, chosen).all():
        session.execute(_CANCEL, {"job_ids": job_ids})
        cancelled += len(job_ids)
    return cancelled


def has_active_job(session: Session, owner_id: UUID, task_name: str) -> bool:
    """Whether such a job of this listener waits or runs."""
    return bool(session.scalar(_IS_ACTIVE, {"owner_id": owner_id, "task_name": task_name}))


def job_ids_of(session: Session, owner_id: UUID) -> list[UUID]:
    """Every job of a listener."""
    return list(session.scalars(_JOB_IDS, {"owner_id": owner_id}))


def forget_requester(session: Session, user_id: UUID) -> None:
    """Let nobody be named as the one who asked for what `user_id` had asked for."""
    session.execute(_FORGET_REQUESTER, {"user_id": user_id})
