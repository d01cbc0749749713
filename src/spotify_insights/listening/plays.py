"""Storing plays, each one once, whichever source reported it first."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from spotify_insights.listening.blocks.refresh import refresh_blocks
from spotify_insights.listening.hold_history import hold_history
from spotify_insights.listening.supersede import mark_superseded

# One order for every process: two that store the same plays must not wait for each other in a circle.
_STORE: Final = text("""
    INSERT INTO plays (user_id, track_id, ended_at, ms_played, source)
    SELECT :user_id, heard.track_id, heard.ended_at, heard.ms_played, CAST(:source AS text)
      FROM unnest(CAST(:track_ids AS bigint[]), CAST(:ended_at AS timestamptz[]), CAST(:ms_played AS int[]))
           AS heard (track_id, ended_at, ms_played)
     ORDER BY heard.ended_at, heard.track_id
        ON CONFLICT DO NOTHING
 RETURNING id
""")

_COUNTING: Final = text("""
    SELECT count(*) FROM plays
     WHERE user_id = :user_id AND id = ANY(CAST(:ids AS bigint[])) AND NOT superseded
""")


@dataclass(frozen=True)
class PlayEntry:
    """One play as a source reports it; `ms_played` is None where the source does not tell."""

    track_spotify_id: str
    ended_at: datetime
    ms_played: int | None = None


def store_plays(
    session: Session,
    user_id: UUID,
    plays: Iterable[PlayEntry],
    track_keys: Mapping[str, int],
    *,
    source: str,
) -> int:
    """Insert the plays we do not hold; the number of new ones. Safe to repeat.

    Two plays from one source are the same only if all of track, moment and length agree. What a better source
    tells, too, is kept aside (see `same_play`), and is not counted among the new ones.

    Raises:
        HistoryBusyError: another job is changing this history.
    """
    kept = [play for play in plays if play.track_spotify_id in track_keys]
    hold_history(session, user_id)
    inserted = session.execute(
        _STORE,
        {
            "user_id": user_id,
            "source": source,
            "track_ids": [track_keys[play.track_spotify_id] for play in kept],
            "ended_at": [play.ended_at for play in kept],
            "ms_played": [play.ms_played for play in kept],
        },
    )
    new = inserted.scalars().all()
    if new:
        told = sorted({track_keys[play.track_spotify_id] for play in kept})
        changed = mark_superseded(session, user_id, track_ids=told)
        first = min(play.ended_at for play in kept)
        refresh_blocks(session, user_id, since=first if changed is None else min(first, changed))
    counting: int = session.scalars(_COUNTING, {"user_id": user_id, "ids": new}).one()
    return counting
