"""Forgetting plays and snapshots in batches, and of the catalogue what nobody's plays refer to any more.

The catalogue is everybody's: transactions of these functions act for the system, which sees all plays.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from spotify_insights.database.database import rows_changed
from spotify_insights.listening.blocks.refresh import drop_blocks
from spotify_insights.listening.hold_history import can_hold_history, hold_history

_EXPORTS: Final = ("spotify_export", "spotify_account_data")

# Adding nothing keeps the planner from looking through everybody's plays, from the last one on.
_LAST_PLAY: Final = text("SELECT max(id + 0) FROM plays WHERE user_id = :user_id")
_HAS_PLAYS: Final = text("""
    SELECT EXISTS (SELECT FROM plays WHERE user_id = :user_id AND source = ANY(CAST(:sources AS text[])))
""")

_PLAYS: Final = text("""
    DELETE FROM plays WHERE id IN (
           SELECT id FROM plays
            WHERE user_id = :user_id
              AND (CAST(:sources AS text[]) IS NULL OR source = ANY(CAST(:sources AS text[])))
              AND (CAST(:last_play AS bigint) IS NULL OR id <= :last_play)
            LIMIT :batch)
 RETURNING track_id
""")
_OLD_PLAYS: Final = text("""
    DELETE FROM plays WHERE id IN (
           SELECT id FROM plays
            WHERE user_id = ANY(:user_ids) AND ended_at < clock_timestamp() - make_interval(days => :days)
            LIMIT :batch)
 RETURNING track_id
""")
_OLD_LISTENERS: Final = text("""
    SELECT DISTINCT user_id FROM (
           SELECT user_id FROM plays WHERE ended_at < clock_timestamp() - make_interval(days => :days)
            LIMIT :batch) old
""")
_SPOKEN_PLAYS: Final = text("DELETE FROM spoken_plays WHERE user_id = :user_id")
_IMPORTS: Final = text("DELETE FROM imports WHERE user_id = :user_id AND imported_at <= :until")
_SNAPSHOTS: Final = text("""
    DELETE FROM listening_snapshots WHERE id IN (
           SELECT id FROM listening_snapshots
            WHERE user_id = :user_id
              AND (CAST(:until AS timestamptz) IS NULL OR computed_at <= :until)
            LIMIT :batch)
 RETURNING ARRAY(SELECT t ->> 'spotify_id' FROM jsonb_array_elements(top_tracks) t) AS tracks,
           ARRAY(SELECT a ->> 'spotify_id' FROM jsonb_array_elements(top_artists) a) AS artists
""")

# Whoever stores a track or an artist holds its row until their plays are stored: what is held is in use, and
# nobody waits here for anybody. Locked first and looked at afterwards, because a statement does not see what
# was committed while it ran.
_LOCK_TRACKS: Final = text("""
    SELECT id FROM tracks
     WHERE id IN (SELECT id FROM tracks WHERE id = ANY(CAST(:ids AS bigint[]))
                   UNION SELECT id FROM tracks WHERE spotify_id = ANY(CAST(:spotify_ids AS text[])))
       AND source <> 'manual' AND (CAST(:sources AS text[]) IS NULL OR source = ANY(CAST(:sources AS text[])))
       FOR UPDATE SKIP LOCKED
""")
_ARTISTS_OF: Final = text("SELECT DISTINCT artist_id FROM track_artists WHERE track_id = ANY(:ids)")
_DROP_TRACKS: Final = text("""
    DELETE FROM tracks
     WHERE id = ANY(:ids) AND NOT EXISTS (SELECT FROM plays WHERE plays.track_id = tracks.id)
""")
_LOCK_ARTISTS: Final = text("""
    SELECT id FROM artists
     WHERE id IN (SELECT id FROM artists WHERE id = ANY(CAST(:ids AS bigint[]))
                   UNION SELECT id FROM artists WHERE spotify_id = ANY(CAST(:spotify_ids AS text[])))
       AND source <> 'manual' AND (CAST(:sources AS text[]) IS NULL OR source = ANY(CAST(:sources AS text[])))
       FOR UPDATE SKIP LOCKED
""")
_DROP_ARTISTS: Final = text("""
    DELETE FROM artists
     WHERE id = ANY(:ids) AND NOT EXISTS (SELECT FROM track_artists c WHERE c.artist_id = artists.id)
""")


# No import lasts so long: what it has just made has its plays by then.
_UNPLAYED: Final = text("""
    SELECT t.id FROM tracks t
     WHERE t.source = ANY(CAST(:sources AS text[])) AND t.updated_at < clock_timestamp() - interval '1 day'
       AND NOT EXISTS (SELECT FROM plays p WHERE p.track_id = t.id)
     LIMIT :batch
""")


@dataclass(frozen=True)
class Forgotten:
    """How many rows went; `rows` are those that were asked for, the others what only they had held."""

    rows: int
    tracks: int
    artists: int

    def __add__(self, other: "Forgotten") -> "Forgotten":
        return Forgotten(self.rows + other.rows, self.tracks + other.tracks, self.artists + other.artists)


def last_play(session: Session, user_id: UUID) -> int | None:
    """The key of the play that was stored last; later ones have greater keys."""
    key: int | None = session.scalar(_LAST_PLAY, {"user_id": user_id})
    return key


def has_plays(session: Session, user_id: UUID, sources: Sequence[str]) -> bool:
    """Whether plays of the user from one of these sources are stored."""
    return bool(session.scalar(_HAS_PLAYS, {"user_id": user_id, "sources": list(sources)}))


def forget_plays(
    session: Session,
    user_id: UUID,
    *,
    sources: Sequence[str] | None = None,
    last_play: int | None = None,
    batch: int,
) -> Forgotten:
    """Delete at most `batch` plays of the user.

    Args:
        sources: only of these sources; None means of all.
        last_play: only up to this one, as `last_play` gave it.

    Raises:
        HistoryBusyError: another job is changing this history.
    """
    chosen = {
        "user_id": user_id,
        "sources": None if sources is None else list(sources),
        "last_play": last_play,
        "batch": batch,
    }
    hold_history(session, user_id)
    drop_blocks(session, user_id)
    return _with_catalogue(session, session.scalars(_PLAYS, chosen).all())


def forget_old_plays(session: Session, *, days: int, batch: int) -> Forgotten:
    """Delete at most `batch` plays of anybody that ended longer ago than that."""
    chosen = {"days": days, "batch": batch}
    listeners = session.scalars(_OLD_LISTENERS, chosen).all()
    # Whoever changes a history just now keeps what is old until the next time.
    held = [user_id for user_id in listeners if can_hold_history(session, user_id)]
    for user_id in held:
        drop_blocks(session, user_id)
    return _with_catalogue(session, session.scalars(_OLD_PLAYS, chosen | {"user_ids": held}).all())


def forget_snapshots(session: Session, user_id: UUID, *, until: Any = None, batch: int) -> Forgotten:
    """Delete at most `batch` snapshots of the user, with the insights about them.

    Args:
        until: only those computed up to this moment.
    """
    rows = session.execute(_SNAPSHOTS, {"user_id": user_id, "until": until, "batch": batch}).all()
    tracks = {track for row in rows for track in row.tracks}
    artists = {artist for row in rows for artist in row.artists}
    gone = _forget_catalogue(session, [], sorted(tracks), sorted(artists))
    return Forgotten(len(rows), *gone)


def forget_imports(session: Session, user_id: UUID, *, until: datetime) -> None:
    """Delete what the imports up to this moment told besides plays: their receipts, and all spoken plays.

    Later ones wait for the end of the purge, so no spoken play is theirs.
    """
    session.execute(_SPOKEN_PLAYS, {"user_id": user_id})
    session.execute(_IMPORTS, {"user_id": user_id, "until": until})


def forget_tracks(session: Session, track_ids: Sequence[int]) -> None:
    """Delete those of these tracks that nobody plays, and their artists who have no other. Safe to repeat.

    Only those that an export named first: what Spotify told may be a favourite that was never played here.
    """
    _forget_catalogue(session, track_ids, [], [], sources=_EXPORTS)


def forget_unplayed_tracks(session: Session, *, batch: int) -> int:
    """Delete at most `batch` tracks that an export named and nobody plays; how many.

    An import that was killed leaves them.
    """
    unplayed = session.scalars(_UNPLAYED, {"sources": list(_EXPORTS), "batch": batch}).all()
    return _forget_catalogue(session, unplayed, [], [], sources=_EXPORTS)[0] if unplayed else 0


def _with_catalogue(session: Session, played: Sequence[int]) -> Forgotten:
    return Forgotten(len(played), *_forget_catalogue(session, sorted(set(played)), [], []))


def _forget_catalogue(
    session: Session,
    ids: Sequence[int],
    spotify_ids: Sequence[str],
    artist_spotify_ids: Sequence[str],
    *,
    sources: Sequence[str] | None = None,
) -> tuple[int, int]:
    chosen = {"sources": None if sources is None else list(sources)}
    locked = session.scalars(_LOCK_TRACKS, chosen | {"ids": ids, "spotify_ids": spotify_ids}).all()
    artists = session.scalars(_ARTISTS_OF, {"ids": locked}).all() if locked else []
    tracks = rows_changed(session, _DROP_TRACKS, {"ids": locked}) if locked else 0
    held = session.scalars(_LOCK_ARTISTS, chosen | {"ids": artists, "spotify_ids": artist_spotify_ids}).all()
    return tracks, rows_changed(session, _DROP_ARTISTS, {"ids": held}) if held else 0
