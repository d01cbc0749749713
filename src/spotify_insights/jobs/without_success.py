"""Whose work of one kind ended without success lately."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

# `statement_timestamp()` stands still during the statement and may therefore bound an index scan.
_OWNERS: Final = text("""
    SELECT DISTINCT owner_id FROM background_jobs
     WHERE finished_at > statement_timestamp() - CAST(:within AS interval) AND task_name = :task_name
       AND status IN ('failed', 'dead') AND owner_id IS NOT NULL
""")


def owners_without_success(session: Session, task_name: str, *, within: timedelta) -> frozenset[UUID]:
    """The owners of jobs of this task that failed or died within so short a time."""
    return frozenset(session.scalars(_OWNERS, {"task_name": task_name, "within": within}))
