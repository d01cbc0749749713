"""Time passes at once: what waits for a moment finds that it has come."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.database import Database


def let_delays_pass(database: Database) -> None:
    """Every queued job is due."""
    _change(database, "UPDATE background_jobs SET available_at = clock_timestamp() WHERE status = 'queued'")


def let_pause_end(database: Database) -> None:
    """The time before which Spotify may not be asked is over."""
    _change(database, "UPDATE spotify_app_pauses SET not_before = clock_timestamp()")


def let_midnight_pass(database: Database) -> None:
    """All calls were made the day before."""
    _change(database, "UPDATE spotify_app_days SET day = day - 1")


def let_authorisation_end_in(database: Database, user_id: UUID, left: timedelta) -> None:
    """The listener's six months are over after `left`; what they were reminded of was about these months."""
    # Both have to agree: the end is what an authorisation is known by.
    _change(
        database,
        """
        WITH moved AS (
             UPDATE spotify_tokens token SET refresh_expires_at = clock_timestamp() + :remaining
               FROM spotify_tokens before
              WHERE before.id = token.id AND token.user_id = :user_id
          RETURNING token.user_id, before.refresh_expires_at AS old_end, token.refresh_expires_at AS new_end)
        UPDATE reauthorization_reminders reminder SET refresh_expires_at = moved.new_end
          FROM moved WHERE reminder.user_id = moved.user_id AND reminder.refresh_expires_at = moved.old_end
        """,
        user_id=user_id,
        remaining=left,
    )


def _change(database: Database, statement: str, **parameters: Any) -> None:
    with database.transaction(acting_for=SYSTEM) as tx:
        tx.session.execute(text(statement), parameters)
