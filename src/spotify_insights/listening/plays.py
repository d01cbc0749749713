"""Storing plays, each one once, whichever source reported it first."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

# Sources date one play differently: an export its last second, the player's list a moment after it.
SAME_PLAY_WITHIN: Final = timedelta(seconds=120)

# One order for every process: two that store the same plays must not wait for each other in a circle.
_STORE: Final = text("""
    INSERT INTO plays (user_id, track_id, ended_at, ms_played, source)
    SELECT :user_id, heard.track_id, heard.ended_at, heard.ms_played, CAST(:source AS text)
      FROM unnest(CAST(:track_ids AS bigint[]), CAST(:ended_at AS timestamptz[]), CAST(:ms_played AS int[]))
           AS heard (track_id, ended_at, ms_played)
     WHERE NOT EXISTS (
           SELECT 1 FROM plays known
            WHERE known.user_id = :user_id AND known.track_id = heard.track_id AND known.source <> :source
              AND known.ended_at BETWEEN heard.ended_at - :tolerance AND heard.ended_at + :tolerance)
     ORDER BY heard.ended_at, heard.track_id
        ON CONFLICT DO NOTHING
 RETURNING id
""")

_ENDED_AT: Final = text("""
    SELECT ended_at FROM plays
     WHERE user_id = :user_id AND ended_at > :since AND ended_at <= :until
     ORDER BY ended_at
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

    A play that another source reported within two minutes of this one is the same play. Two plays from one
    source are the same only if all of track, moment and length agree.
    """
    kept = [play for play in plays if play.track_spotify_id in track_keys]
    inserted = session.execute(
        _STORE,
        {
            "user_id": user_id,
            "source": source,
            "track_ids": [track_keys[play.track_spotify_id] for play in kept],
            "ended_at": [play.ended_at for play in kept],
            "ms_played": [play.ms_played for play in kept],
            "tolerance": SAME_PLAY_WITHIN,
        },
    )
    return len(inserted.all())


def plays_ended_at(
    session: Session, user_id: UUID, *, since: datetime, until: datetime
) -> Sequence[datetime]:
    """The end of every play in (since, until], oldest first."""
    return session.scalars(_ENDED_AT, {"user_id": user_id, "since": since, "until": until}).all()
