"""Marking the plays that a better source tells, too, after plays were added or taken away."""

from collections.abc import Sequence
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, TextClause, text
from sqlalchemy.orm import Session

from spotify_insights.database.planning import without_nested_loops
from spotify_insights.listening.same_play import WITHIN_SECONDS, Account, superseded

# The best accounts that lie farther away decide nothing; no export knows a play that is longer than a week.
_AROUND: Final = timedelta(days=7, seconds=WITHIN_SECONDS)
_SONG: Final = "coalesce(t.name_key::text, t.id::text)"

# A song is decided as a whole: which account meets which depends on those before it.
_ACCOUNTS: Final = text(f"""
    WITH chosen AS (
         SELECT DISTINCT {_SONG} AS song FROM tracks t WHERE t.id = ANY(CAST(:track_ids AS bigint[]))),
    lesser AS (
         SELECT p.id, p.source, p.ended_at, p.ms_played, p.superseded, {_SONG} AS song
           FROM plays p JOIN tracks t ON t.id = p.track_id
          WHERE p.user_id = :user_id AND p.source <> 'spotify_export'
            AND (CAST(:track_ids AS bigint[]) IS NULL OR {_SONG} IN (SELECT song FROM chosen))),
    times AS (
         SELECT song, min(ended_at) - :around AS since, max(ended_at) + :around AS until
           FROM lesser GROUP BY song),
    tracks_of AS (
         SELECT t.id AS track_id, times.since, times.until, times.song
           FROM times JOIN tracks t ON t.name_key::text = times.song
          UNION
         SELECT t.id, times.since, times.until, times.song
           FROM times JOIN tracks t ON t.name_key IS NULL AND t.id::text = times.song),
    best AS (
         SELECT p.id, p.source, p.ended_at, p.ms_played, p.superseded, tracks_of.song
           FROM plays p JOIN tracks_of ON p.track_id = tracks_of.track_id
          WHERE p.user_id = :user_id AND p.source = 'spotify_export'
            AND p.ended_at BETWEEN (SELECT min(since) FROM times) AND (SELECT max(until) FROM times)
            AND p.ended_at BETWEEN tracks_of.since AND tracks_of.until)
    SELECT id, source, extract(epoch FROM ended_at)::double precision AS ended_at, ms_played, superseded, song
      FROM lesser
     UNION ALL
    SELECT id, source, extract(epoch FROM ended_at)::double precision, ms_played, superseded, song FROM best
""")  # noqa: S608  # only constants are put together
_MARK: Final = text("""
    UPDATE plays SET superseded = :superseded
     WHERE user_id = :user_id AND id = ANY(CAST(:ids AS bigint[]))
""")
# Both exports name an episode by its title and its show, and a chapter by its title and its book.
_SPOKEN_ACCOUNTS: Final = text("""
    WITH lesser AS (
         SELECT id, source, ended_at, ms_played, superseded, title_key
           FROM spoken_plays
          WHERE user_id = :user_id AND source <> 'spotify_export'),
    times AS (
         SELECT title_key, min(ended_at) - :around AS since, max(ended_at) + :around AS until
           FROM lesser GROUP BY title_key),
    best AS (
         SELECT p.id, p.source, p.ended_at, p.ms_played, p.superseded, p.title_key
           FROM spoken_plays p JOIN times ON times.title_key = p.title_key
          WHERE p.user_id = :user_id AND p.source = 'spotify_export'
            AND p.ended_at BETWEEN (SELECT min(since) FROM times) AND (SELECT max(until) FROM times)
            AND p.ended_at BETWEEN times.since AND times.until)
    SELECT id, source, extract(epoch FROM ended_at)::double precision AS ended_at, ms_played, superseded,
           title_key AS song
      FROM lesser
     UNION ALL
    SELECT id, source, extract(epoch FROM ended_at)::double precision, ms_played, superseded, title_key
      FROM best
""")
_MARK_SPOKEN: Final = text("""
    UPDATE spoken_plays SET superseded = :superseded
     WHERE user_id = :user_id AND id = ANY(CAST(:ids AS bigint[]))
""")


def mark_superseded(
    session: Session, user_id: UUID, *, track_ids: Sequence[int] | None = None
) -> datetime | None:
    """Decide anew which plays of music count; the first moment at which that changed, if it did.

    Safe to repeat. To be called by whoever has added or deleted plays, while they hold the history.

    Args:
        track_ids: only the songs of these tracks; None means all.
    """
    chosen = {
        "user_id": user_id,
        "track_ids": None if track_ids is None else list(track_ids),
        "around": _AROUND,
    }
    with nullcontext() if track_ids is not None else without_nested_loops(session):
        rows = session.execute(_ACCOUNTS, chosen).all()
    return _mark(session, _MARK, user_id, rows)


def mark_superseded_spoken(session: Session, user_id: UUID) -> None:
    """Decide anew which plays of episodes and chapters count. As `mark_superseded`."""
    with without_nested_loops(session):
        rows = session.execute(_SPOKEN_ACCOUNTS, {"user_id": user_id, "around": _AROUND}).all()
    _mark(session, _MARK_SPOKEN, user_id, rows)


def _mark(session: Session, mark: TextClause, user_id: UUID, rows: Sequence[Row[Any]]) -> datetime | None:
    """Store what the accounts decide; the first moment at which that changed, if it did."""
    gone = superseded(
        Account(key=row.id, song=row.song, source=row.source, ended_at=row.ended_at, ms_played=row.ms_played)
        for row in rows
    )
    changed: list[float] = []
    for is_superseded in (True, False):
        other = [row for row in rows if row.superseded != is_superseded and (row.id in gone) == is_superseded]
        if other:
            ids = [row.id for row in other]
            session.execute(mark, {"user_id": user_id, "superseded": is_superseded, "ids": ids})
            changed += [row.ended_at for row in other]
    return datetime.fromtimestamp(min(changed), UTC) if changed else None
