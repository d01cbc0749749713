"""One writer at a time for each listener's history."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from spotify_insights.errors import SnoozeError

_TRY: Final = text("SELECT pg_try_advisory_xact_lock(hashtextextended('history ' || :user_id, 0))")
_WAIT: Final = timedelta(seconds=10)


class HistoryBusyError(SnoozeError):
    """Another job is changing this listener's history just now."""

    code = "history_busy"

    def __init__(self) -> None:
        super().__init__("Another job is changing this history; this waits for the end of that.", wait=_WAIT)


def hold_history(session: Session, user_id: UUID) -> None:
    """Let nobody else add or delete plays of this listener until the transaction ends.

    Which of several accounts of a play counts is decided from all of them; two writers who cannot see each
    other's plays would both be wrong.

    Raises:
        HistoryBusyError: somebody else holds it; nobody waits for an import inside of a transaction.
    """
    if not can_hold_history(session, user_id):
        raise HistoryBusyError


def can_hold_history(session: Session, user_id: UUID) -> bool:
    """As `hold_history`, for somebody who goes on without it where it is held."""
    return bool(session.scalar(_TRY, {"user_id": str(user_id)}))
