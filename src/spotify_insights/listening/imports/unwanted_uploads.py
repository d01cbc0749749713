"""Uploads that nobody is going to read: their import was cancelled while it waited, or given up for dead."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.orm import Session

from spotify_insights.jobs.active import active_arguments
from spotify_insights.listening.imports.jobs import ImportHistory
from spotify_insights.storage.read import complete_files
from spotify_insights.storage.write import expire_files


def expire_unwanted_uploads(session: Session, user_id: UUID | None = None) -> Sequence[UUID]:
    """Let the time of those uploads be over; their ids. Safe to repeat.

    What has not arrived as a whole is left alone.

    Args:
        user_id: only of this user; None, for the system, means everybody.
    """
    # Files first: one that is complete has its job from the same moment on.
    complete = complete_files(session, user_id, kind="upload")
    if not complete:
        return []
    jobs = active_arguments(session, ImportHistory.task_name, owner_id=user_id)
    wanted = {UUID(arguments["file_id"]) for arguments in jobs}
    unwanted = [file_id for file_id in complete if file_id not in wanted]
    expire_files(session, unwanted)
    return unwanted
