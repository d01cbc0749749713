"""Whose a job is, and what work of one kind is still to be done."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

_ARGUMENTS: Final = text("""
    SELECT arguments FROM background_jobs
     WHERE task_name = :task_name AND status IN ('queued', 'running')
       AND (CAST(:owner_id AS uuid) IS NULL OR owner_id = :owner_id)
""")
_OWNER: Final = text("SELECT owner_id FROM background_jobs WHERE id = :job_id")


def owner_of(session: Session, job_id: UUID) -> UUID | None:
    """Whose job this is; None for one of the installation, and where there is none."""
    owner_id: UUID | None = session.scalar(_OWNER, {"job_id": job_id})
    return owner_id


def active_arguments(
    session: Session, task_name: str, *, owner_id: UUID | None = None
) -> Sequence[dict[str, Any]]:
    """The arguments of the jobs of this task that wait or run.

    Args:
        owner_id: only of this owner's jobs.
    """
    return session.scalars(_ARGUMENTS, {"task_name": task_name, "owner_id": owner_id}).all()
