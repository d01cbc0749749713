"""One writer at a time for each listener's history."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from spotify_insights.errors import SnoozeError
from spotify_insights.jobs.attempt import Attempt

_TRY: Final = text("SELECT pg_try_advisory_xact_lock(hashtextextended('history ' || :user_id, 0))")
# Without taking it: who only looks is in nobody's way. How a key of 64 bits is told: PostgreSQL's manual,
# "System Views", pg_locks.
_IS_HELD: Final = text("""
    SELECT EXISTS (
           SELECT FROM pg_locks held, hashtextextended('history ' || :user_id, 0) AS key
            WHERE held.locktype = 'advisory' AND held.granted AND held.objsubid = 1
              AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
              AND held.classid::bigint = (key >> 32) & 4294967295
              AND held.objid::bigint = key & 4294967295)
""")
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


def wait_for_history(attempt: Attempt, user_id: UUID) -> None:
    """To be called before Spotify is asked: no call is spent on what could not be stored.

    Raises:
        HistoryBusyError: somebody holds the history at this moment.
    """
    with attempt.database.transaction(acting_for=attempt.actor) as tx:
        if tx.session.scalar(_IS_HELD, {"user_id": str(user_id)}):
            raise HistoryBusyError


def can_hold_history(session: Session, user_id: UUID) -> bool:
    """As `hold_history`, for somebody who goes on without it where it is held."""
    return bool(session.scalar(_TRY, {"user_id": str(user_id)}))
