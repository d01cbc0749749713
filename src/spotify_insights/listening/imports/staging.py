"""Rows of an export into the tables: copied into a staging table, and merged with one statement per batch."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import psycopg
from sqlalchemy import text
from sqlalchemy.orm import Session

from spotify_insights.listening.name_key import spoken_key
from spotify_insights.spotify_export.entry import MusicEntry, SpokenEntry

# Spotify counts a stream from 30 seconds on (Spotify for Artists, "How we count streams").
COUNTED_FROM_MS: Final = 30_000

_DETAILS: Final = "platform, country, reason_start, reason_end, shuffle, skipped, offline"
_MUSIC: Final = f"track_id, ended_at, ms_played, {_DETAILS}, private_session, is_video, time_uncertain"
_SPOKEN: Final = (
    "kind, title_key, title, show_name, spotify_uri, ended_at, ms_played, platform, country,"
    " reason_start, reason_end, private_session, time_uncertain"
)

_MAKE_MUSIC: Final = text(f"""
    CREATE TEMPORARY TABLE staged_plays ON COMMIT DROP AS SELECT {_MUSIC} FROM plays WITH NO DATA
""")  # noqa: S608  # only constants are put together
_MAKE_SPOKEN: Final = text(f"""
    CREATE TEMPORARY TABLE staged_spoken_plays ON COMMIT DROP
        AS SELECT {_SPOKEN} FROM spoken_plays WITH NO DATA
""")  # noqa: S608  # only constants are put together

# What was stored before is looked up row by row: LIMIT keeps the planner from reading the whole history for
# each batch. What this statement adds itself it does not see.
_MERGE_MUSIC: Final = text(f"""
    WITH held AS MATERIALIZED (
         SELECT s.ctid AS place, p.id FROM staged_plays s
          CROSS JOIN LATERAL (
                SELECT id FROM plays
                 WHERE user_id = :user_id AND ended_at = s.ended_at AND track_id = s.track_id
                   AND ms_played = s.ms_played AND source = :source
                 LIMIT 1) p
          WHERE :looks_back),
    added AS (
         INSERT INTO plays (user_id, source, {_MUSIC})
         SELECT :user_id, :source, {_MUSIC} FROM staged_plays s
          WHERE NOT EXISTS (SELECT FROM held WHERE held.place = s.ctid)
             ON CONFLICT DO NOTHING
      RETURNING id, ms_played, ended_at)
    SELECT (SELECT count(*) FILTER (WHERE ms_played >= {COUNTED_FROM_MS}) FROM added) AS plays,
           (SELECT count(*) FILTER (WHERE ms_played < {COUNTED_FROM_MS}) FROM added) AS skips,
           (SELECT min(ended_at) FROM added) AS first_added,
           (SELECT coalesce(range_agg(int8range(id, id + 1)), '{{}}')::text
              FROM (SELECT id FROM added UNION ALL SELECT id FROM held) told) AS ids
""")  # noqa: S608  # only constants are put together
_MERGE_SPOKEN: Final = text(f"""
    WITH added AS (
         INSERT INTO spoken_plays (user_id, source, {_SPOKEN})
         SELECT :user_id, :source, {_SPOKEN} FROM staged_spoken_plays
             ON CONFLICT DO NOTHING
      RETURNING id, kind),
    held AS (
         SELECT p.id FROM staged_spoken_plays s
           JOIN spoken_plays p ON p.user_id = :user_id AND p.ended_at = s.ended_at
            AND p.title_key = s.title_key AND p.ms_played = s.ms_played AND p.source = :source)
    SELECT (SELECT count(*) FILTER (WHERE kind = 'podcast') FROM added) AS podcasts,
           (SELECT count(*) FILTER (WHERE kind = 'audiobook') FROM added) AS audiobooks,
           (SELECT coalesce(range_agg(int8range(id, id + 1)), '{{}}')::text
              FROM (SELECT id FROM added UNION ALL SELECT id FROM held) told) AS ids
""")  # noqa: S608  # only constants are put together
_HAS_PLAYS: Final = text("SELECT EXISTS (SELECT FROM plays WHERE user_id = :user_id)")

_ESCAPES: Final = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_NULL: Final = "\\N"
_SWITCH: Final = {None: _NULL, True: "t", False: "f"}


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


class PlayLines:
    """Plays as the lines of text that a COPY takes."""

    def __init__(self) -> None:
        # Hardly more than a few hundred different ones in ten years of listening.
        self._details: dict[tuple[Any, ...], str] = {}

    def write(self, entries: Sequence[MusicEntry], track_ids: Sequence[int]) -> str:
        """The lines of these plays.

        Args:
            track_ids: the number of each entry's track, in their order.
        """
        return "".join(
            f"{track_id}\t{entry.ended_at.isoformat()}\t{entry.ms_played}\t{self._details_of(entry)}\n"
            for entry, track_id in zip(entries, track_ids, strict=True)
        )

    def _details_of(self, entry: MusicEntry) -> str:
        key = (
            entry.platform,
            entry.country,
            entry.reason_start,
            entry.reason_end,
            entry.shuffle,
            entry.skipped,
            entry.offline,
            entry.private_session,
            entry.is_video,
            entry.time_uncertain,
        )
        known = self._details.get(key)
        if known is None:
            known = "\t".join((*map(_text, key[:4]), *(_SWITCH[switch] for switch in key[4:])))
            if len(self._details) < 10_000:
                self._details[key] = known
        return known


class Staging:
    """The staging tables of one transaction; they are gone when it ends.

    Args:
        session: of the transaction that acts for the listener or for the system.
    """

    def __init__(self, session: Session, user_id: UUID) -> None:
        self._session = session
        self._user_id = user_id
        session.execute(_MAKE_MUSIC)
        session.execute(_MAKE_SPOKEN)
        # Into an empty history there is nothing to look up.
        self._looks_back = bool(session.scalar(_HAS_PLAYS, {"user_id": user_id}))

    def merge_music(self, source: str, lines: str) -> Merged:
        """Store the plays that are not stored yet.

        Args:
            lines: as `PlayLines` writes them.
        """
        self._copy("staged_plays", _MUSIC, lines)
        chosen = {"user_id": self._user_id, "source": source, "looks_back": self._looks_back}
        row = self._session.execute(_MERGE_MUSIC, chosen).one()
        self._session.execute(text("TRUNCATE staged_plays"))
        return Merged({"plays": row.plays, "skips": row.skips}, row.ids, row.first_added)

    def merge_spoken(self, source: str, entries: Sequence[SpokenEntry]) -> Merged:
        """Store the episodes and chapters that are not stored yet."""
        self._copy("staged_spoken_plays", _SPOKEN, "".join(map(_spoken_line, entries)))
        row = self._session.execute(_MERGE_SPOKEN, {"user_id": self._user_id, "source": source}).one()
        self._session.execute(text("TRUNCATE staged_spoken_plays"))
        return Merged({"podcasts": row.podcasts, "audiobooks": row.audiobooks}, row.ids)

    def _copy(self, table: str, columns: str, lines: str) -> None:
        connection = self._session.connection().connection.driver_connection
        if not isinstance(connection, psycopg.Connection):
            raise TypeError("Only psycopg copies like this.")
        statement = f"COPY {table} ({columns}) FROM STDIN"
        with connection.cursor() as cursor, cursor.copy(statement.encode()) as copy:
            copy.write(lines)


def _spoken_line(entry: SpokenEntry) -> str:
    return "\t".join(
        (
            entry.kind,
            str(spoken_key(entry.kind, entry.title, entry.show_name)),
            _text(entry.title),
            _text(entry.show_name),
            _text(entry.spotify_uri),
            entry.ended_at.isoformat(),
            str(entry.ms_played),
            *map(_text, (entry.platform, entry.country, entry.reason_start, entry.reason_end)),
            _SWITCH[entry.private_session],
            _SWITCH[entry.time_uncertain] + "\n",
        )
    )


def _text(value: str | None) -> str:
    return _NULL if value is None else value.translate(_ESCAPES)
