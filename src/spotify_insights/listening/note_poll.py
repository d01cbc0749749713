"""Noting when a listener was polled, and when that is due again."""

from typing import Final
from uuid import UUID

from sqlalchemy import DateTime, text
from sqlalchemy.orm import Session

from spotify_insights.accounts.queries import timezone_of
from spotify_insights.listening.counted_by_spotify import COUNTED
from spotify_insights.listening.poll_plan import REMEMBERED, habits_of, next_poll_at
from spotify_insights.listening.weeks_to_tell import present

_PLAYS: Final = text(f"""
    SELECT p.ended_at FROM plays p
     WHERE p.user_id = :user_id AND p.ended_at > :since AND {COUNTED}
""").columns(ended_at=DateTime(timezone=True))  # noqa: S608  # only constants are put together
_KNOWN: Final = text("""
    SELECT (SELECT ended_at FROM plays WHERE user_id = :user_id ORDER BY ended_at LIMIT 1) AS first_play,
           EXISTS (SELECT FROM recently_played_polls WHERE user_id = :user_id) AS polled
""").columns(first_play=DateTime(timezone=True))
_NOTE_POLL: Final = text("""
    INSERT INTO recently_played_polls (user_id, polled_at, new_plays, next_poll_at)
    VALUES (:user_id, :polled_at, :new_plays, :next_poll_at)
        ON CONFLICT (user_id) DO UPDATE
       SET polled_at = excluded.polled_at, new_plays = excluded.new_plays,
           next_poll_at = excluded.next_poll_at
""")


def note_poll(session: Session, user_id: UUID, *, new_plays: int) -> None:
    """Note that the latest plays were asked for just now and are stored, and plan when to ask again."""
    moment = present(session)
    known = session.execute(_KNOWN, {"user_id": user_id}).one()
    habits = habits_of(
        session.scalars(_PLAYS, {"user_id": user_id, "since": moment - REMEMBERED}),
        timezone=timezone_of(session, user_id),
        moment=moment,
        known_since=known.first_play,
    )
    session.execute(
        _NOTE_POLL,
        {
            "user_id": user_id,
            "polled_at": moment,
            "new_plays": new_plays,
            "next_poll_at": next_poll_at(habits, moment, seen=new_plays if known.polled else None),
        },
    )
