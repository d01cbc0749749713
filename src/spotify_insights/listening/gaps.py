"""Times about which nobody told: more was played than Spotify's list held.

A list that is full and in which no play is known to us may have lost others at its older end. That is noted,
so that nobody takes the time for silence. What an imported export covers, from its first play to its last one
besides videos, is told after all: such a time is no gap as long as the import is there, which `gap_documents`
of `listening.queries` works out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import DateTime, text
from sqlalchemy.orm import Session

from spotify_insights.database.database import rows_changed
from spotify_insights.database.table import new_id
from spotify_insights.listening.plays import PlayEntry
from spotify_insights.listening.poll_plan import LIST_LENGTH

# What was played before this list began, and whether anybody asked before. What an import tells may be
# undone: the last play that the same source told counts, and another one only where there is none.
_BEFORE: Final = text("""
    SELECT coalesce((SELECT max(ended_at) FROM plays
                      WHERE user_id = :user_id AND ended_at < :oldest AND source = :source),
                    (SELECT max(ended_at) FROM plays WHERE user_id = :user_id AND ended_at < :oldest))
           AS last_play,
           (EXISTS (SELECT FROM plays
                     WHERE user_id = :user_id AND ended_at < :oldest AND source = :source)
            OR EXISTS (SELECT FROM recently_played_polls
                        WHERE user_id = :user_id AND polled_at < :oldest)) AS asked_before
""").columns(last_play=DateTime(timezone=True))
_NOTE: Final = text("""
    INSERT INTO listening_gaps (id, user_id, since, until)
    VALUES (:id, :user_id, :since, :until)
        ON CONFLICT (user_id, until) DO NOTHING
""")
_FORGET: Final = text("DELETE FROM listening_gaps WHERE user_id = :user_id AND found_at <= :until")


@dataclass(frozen=True)
class Gap:
    """No poll told what was played between `since`, a play that we hold (None: we hold none), and `until`."""

    since: datetime | None
    until: datetime


def note_gap(
    session: Session, user_id: UUID, plays: Sequence[PlayEntry], *, told: int, new_plays: int, source: str
) -> Gap | None:
    """Note a gap before this list of plays, if there may be one. Safe to repeat.

    A listener's first list follows upon nothing. Nor is there a gap where old plays were forgotten meanwhile,
    and the list reaches back beyond the last poll.

    To be called while the history is held, after the plays were stored and before the poll is noted.

    Args:
        plays: the whole list, but for plays that name no track, such as withdrawn ones.
        told: how long the list was with those.
        new_plays: how many of them neither this source nor a better one had told before.
    """
    different = {(play.track_spotify_id, play.ended_at) for play in plays}
    if told < LIST_LENGTH or not plays or new_plays < len(different):
        return None
    oldest = min(play.ended_at for play in plays)
    before = session.execute(_BEFORE, {"user_id": user_id, "oldest": oldest, "source": source}).one()
    if not before.asked_before:
        return None
    gap = Gap(since=before.last_play, until=oldest)
    session.execute(_NOTE, {"id": new_id(), "user_id": user_id, "since": gap.since, "until": gap.until})
    return gap


def forget_gaps(session: Session, user_id: UUID, *, until: datetime) -> int:
    """Delete the gaps that were found up to this moment; how many there were.

    They are gaps in what Spotify told, and go with it.
    """
    return rows_changed(session, _FORGET, {"user_id": user_id, "until": until})
