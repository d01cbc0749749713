"""The end of an authorisation after six months: reminders before it, and what happens when it has come.

An authorisation is known by its end: a listener who consents again has a new end, and reminders begin anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

# Days before the end, from the first reminder to the last.
REMINDER_DAYS: Final = (30, 7, 1)

# The refresh token goes with the connection: it could only be refused.
_END_OVERDUE: Final = """
    UPDATE spotify_tokens
       SET status = 'reauth_required', sealed_access_token = NULL, sealed_refresh_token = NULL,
           version = version + 1, lease_token = NULL, lease_expires_at = NULL,
           updated_at = clock_timestamp()
     WHERE status = 'connected' AND refresh_expires_at <= clock_timestamp()
"""
_END_EVERY_OVERDUE: Final = text(f"{_END_OVERDUE} RETURNING user_id")
_END_IF_OVERDUE: Final = text(f"{_END_OVERDUE} AND user_id = :user_id")

# Of the reminders that are due only the most urgent is given: one that was missed says nothing new any more.
_REMIND: Final = text("""
    INSERT INTO reauthorization_reminders (user_id, refresh_expires_at, days_before)
    SELECT token.user_id, token.refresh_expires_at, min(due.days_before)
      FROM spotify_tokens token
      JOIN unnest(CAST(:reminder_days AS integer[])) AS due (days_before)
        ON token.refresh_expires_at <= clock_timestamp() + make_interval(days => due.days_before)
     WHERE token.status = 'connected' AND token.refresh_expires_at > clock_timestamp()
     GROUP BY token.user_id, token.refresh_expires_at
     ORDER BY token.user_id
        ON CONFLICT DO NOTHING
 RETURNING user_id, days_before, refresh_expires_at - clock_timestamp() AS left_over
""")


@dataclass(frozen=True)
class Reminder:
    """A reminder that was given just now: the one due so many days before, and the whole days left."""

    user_id: UUID
    days_before: int
    days_left: int


def end_overdue_connections(session: Session) -> Sequence[UUID]:
    """Mark every connection whose authorisation has ended by age; whose they were. Asks Spotify nothing."""
    return session.scalars(_END_EVERY_OVERDUE).all()


def end_if_overdue(session: Session, user_id: UUID) -> None:
    """As `end_overdue_connections`, for one listener."""
    session.execute(_END_IF_OVERDUE, {"user_id": user_id})


def remind(session: Session) -> Sequence[Reminder]:
    """Record the reminders that are due and were not given yet; each is given to one caller only."""
    rows = session.execute(_REMIND, {"reminder_days": list(REMINDER_DAYS)})
    return [
        Reminder(
            user_id=row.user_id, days_before=row.days_before, days_left=row.left_over // timedelta(days=1)
        )
        for row in rows
    ]
