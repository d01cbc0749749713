"""Rows of an export into the tables: copied into a staging table, and merged with one statement per batch."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import psycopg
from sqlalchemy import Row, TextClause, text
from sqlalchemy.orm import Session

from spotify_insights.listening.imports.staged_plays import DETAILS, STAGED_COLUMNS, StagedPlays
from spotify_insights.listening.name_key import spoken_key
from spotify_insights.spotify_export.entry import SpokenEntry

# Spotify counts a stream from 30 seconds on (Spotify for Artists, "How we count streams").
COUNTED_FROM_MS: Final = 30_000

_DETAILS: Final = ", ".join(DETAILS)
_MUSIC: Final = ", ".join(STAGED_COLUMNS)
_SPOKEN: Final = (
    "kind, title_key, title, show_name, spotify_uri, ended_at, ms_played, platform, country,"
    " reason_start, reason_end, private_session, time_uncertain"
)

_MAKE_MUSIC: Final = text("""
    CREATE TEMPORARY TABLE staged_plays (
           place integer, track_id bigint, ended_at timestamptz, ms_played integer, details integer)
        ON COMMIT DROP
""")
# Ten years of listening have a few hundred different ones, which would otherwise be copied with each play.
_MAKE_DETAILS: Final = text(f"""
    CREATE TEMPORARY TABLE staged_details ON COMMIT DROP
        AS SELECT 0 AS number, {_DETAILS} FROM plays WITH NO DATA
""")  # noqa: S608  # only constants are put together
_MAKE_SPOKEN: Final = text(f"""
    CREATE TEMPORARY TABLE staged_spoken_plays ON COMMIT DROP
        AS SELECT {_SPOKEN} FROM spoken_plays WITH NO DATA
""")  # noqa: S608  # only constants are put together

# What ended after all that is stored is new. The rest is looked up row by row: LIMIT keeps the planner
# from reading the whole history for each batch. Nobody else adds plays while this listener's history is held,
# and no two staged rows are alike, so that there is no conflict to be avoided, which would cost a third.
_MERGE_MUSIC: Final = text(f"""
    WITH held AS MATERIALIZED (
         SELECT s.place, p.id FROM staged_plays s
          CROSS JOIN LATERAL (
                SELECT id FROM plays
                 WHERE user_id = :user_id AND ended_at = s.ended_at AND track_id = s.track_id
                   AND ms_played = s.ms_played AND source = :source
                 LIMIT 1) p
          WHERE s.ended_at <= (SELECT max(ended_at) FROM plays WHERE user_id = :user_id)),
    added AS (
         INSERT INTO plays (user_id, source, track_id, ended_at, ms_played, {_DETAILS})
         SELECT :user_id, :source, track_id, ended_at, ms_played, {_DETAILS}
           FROM staged_plays s JOIN staged_details d ON d.number = s.details
          WHERE NOT EXISTS (SELECT FROM held WHERE held.place = s.place)
          ORDER BY s.place
      RETURNING id, ms_played, ended_at)
    SELECT count(*) FILTER (WHERE ms_played >= {COUNTED_FROM_MS}) AS plays,
           count(*) FILTER (WHERE ms_played < {COUNTED_FROM_MS}) AS skips,
           min(ended_at) AS first_added,
           coalesce(range_agg(int8range(id, id + 1)), '{{}}')::text AS ids
      FROM (SELECT id, ms_played, ended_at FROM added UNION ALL SELECT id, NULL, NULL FROM held) told
""")  # noqa: S608  # only constants are put together
_MERGE_SPOKEN: Final = text(f"""
    WITH added AS (
         INSERT INTO spoken_plays (user_id, source, {_SPOKEN})
         SELECT :user_id, :source, {_SPOKEN} FROM staged_spoken_plays
             ON CONFLICT DO NOTHING
      RETURNING id, kind),
    held AS MATERIALIZED (
         SELECT p.id FROM staged_spoken_plays s
          CROSS JOIN LATERAL (
                SELECT id FROM spoken_plays
                 WHERE user_id = :user_id AND ended_at = s.ended_at AND title_key = s.title_key
                   AND ms_played = s.ms_played AND source = :source
                 LIMIT 1) p
          WHERE s.ended_at <= (SELECT max(ended_at) FROM spoken_plays WHERE user_id = :user_id))
    SELECT count(*) FILTER (WHERE kind = 'podcast') AS podcasts,
           count(*) FILTER (WHERE kind = 'audiobook') AS audiobooks,
           coalesce(range_agg(int8range(id, id + 1)), '{{}}')::text AS ids
      FROM (SELECT id, kind FROM added UNION ALL SELECT id, NULL FROM held) told
""")  # noqa: S608  # only constants are put together


@dataclass(frozen=True)
class Merged:
    """What one batch brought.

    Attributes:
        counts: of the rows that were added, by kind.
        ids: the keys of all rows that it told, added or not, as a multirange.
        first_added: the first moment of an added play.
    """

    counts: dict[str, int]
    ids: str
    first_added: datetime | None = None


class Staging:
    """The staging tables of one transaction; they are gone when it ends. The listener's history must be held.

    Args:
        session: of the transaction that acts for the listener or for the system.
    """

    def __init__(self, session: Session, user_id: UUID) -> None:
        self._session = session
        self._user_id = user_id
        for statement in (_MAKE_MUSIC, _MAKE_DETAILS, _MAKE_SPOKEN):
            session.execute(statement)

    def merge_music(self, source: str, plays: StagedPlays) -> Merged:
        """Store the plays that are not stored yet.

        One that this source has told before, in an earlier batch or another import, keeps the details that it
        was stored with, also where this row tells more.
        """
        if plays.new_details:
            with self._copy(f"staged_details (number, {_DETAILS})") as copy:
                for number, details in plays.new_details.items():
                    copy.write_row((number, *details))
        with self._copy(f"staged_plays ({_MUSIC})", "(FORMAT binary)") as copy:
            copy.write(plays.content())
        row = self._merge(_MERGE_MUSIC, source, "staged_plays")
        return Merged({"plays": row.plays, "skips": row.skips}, row.ids, row.first_added)

    def merge_spoken(self, source: str, entries: Sequence[SpokenEntry]) -> Merged:
        """Store the episodes and chapters that are not stored yet."""
        with self._copy(f"staged_spoken_plays ({_SPOKEN})") as copy:
            for entry in entries:
                copy.write_row(_spoken_values(entry))
        row = self._merge(_MERGE_SPOKEN, source, "staged_spoken_plays")
        return Merged({"podcasts": row.podcasts, "audiobooks": row.audiobooks}, row.ids)

    def _copy(self, into: str, options: str = "") -> AbstractContextManager[psycopg.Copy]:
        connection = self._session.connection().connection.driver_connection
        if not isinstance(connection, psycopg.Connection):
            raise TypeError("Only psycopg copies like this.")
        return connection.cursor().copy(f"COPY {into} FROM STDIN {options}".encode())

    def _merge(self, statement: TextClause, source: str, staged: str) -> Row[Any]:
        row = self._session.execute(statement, {"user_id": self._user_id, "source": source}).one()
        self._session.execute(text(f"TRUNCATE {staged}"))
        return row


def _spoken_values(entry: SpokenEntry) -> tuple[Any, ...]:
    return (
        entry.kind,
        spoken_key(entry.kind, entry.title, entry.show_name),
        entry.title,
        entry.show_name,
        entry.spotify_uri,
        entry.ended_at,
        entry.ms_played,
        entry.platform,
        entry.country,
        entry.reason_start,
        entry.reason_end,
        entry.private_session,
        entry.time_uncertain,
    )
