"""Whose latest plays are to be asked for now."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import DateTime, text
from sqlalchemy.orm import Session

from spotify_insights.listening.counted_by_spotify import COUNTED
from spotify_insights.listening.poll_plan import WEEKS, Round, Waiting, choose, same_time_before

_POLLS: Final = text("""
    SELECT u.id, u.timezone, p.polled_at, p.next_poll_at
      FROM users u LEFT JOIN recently_played_polls p ON p.user_id = u.id
     WHERE u.id = ANY(CAST(:user_ids AS uuid[]))
""").columns(polled_at=DateTime(timezone=True), next_poll_at=DateTime(timezone=True))
_PLAYS: Final = text(f"""
    SELECT p.user_id, count(*) AS plays
      FROM unnest(CAST(:user_ids AS uuid[]), CAST(:since AS timestamptz[]), CAST(:until AS timestamptz[]))
           AS asked (user_id, since, until)
      JOIN plays p
        ON p.user_id = asked.user_id AND p.ended_at > asked.since AND p.ended_at <= asked.until AND {COUNTED}
     GROUP BY p.user_id
""")  # noqa: S608  # only constants are put together


def due_polls(session: Session, user_ids: Sequence[UUID], *, moment: datetime, room: int) -> Round:
    """Who of these listeners is polled now; see `choose`.

    Args:
        room: how many calls are left until midnight UTC.
    """
    rows = session.execute(_POLLS, {"user_ids": list(user_ids)}).all()
    asked = [
        (row.id, since, until)
        for row in rows
        if row.polled_at is not None and (row.next_poll_at is None or row.next_poll_at <= moment)
        for since, until in same_time_before(row.polled_at, moment, timezone=row.timezone)
    ]
    given = {
        "user_ids": [user_id for user_id, _, _ in asked],
        "since": [since for _, since, _ in asked],
        "until": [until for _, _, until in asked],
    }
    plays = {row.user_id: row.plays for row in session.execute(_PLAYS, given)} if asked else {}
    waiting = (
        Waiting(
            user_id=row.id,
            polled_at=row.polled_at,
            due_at=row.next_poll_at,
            expected=plays.get(row.id, 0) / WEEKS,
        )
        for row in rows
    )
    return choose(waiting, moment=moment, room=room, left=_until_midnight(moment))


def _until_midnight(moment: datetime) -> timedelta:
    utc = moment.astimezone(UTC)
    return utc.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1) - utc
