"""The raw history, a page or a piece of a download at a time, the newest play first."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from spotify_insights.database.hot_read import HotRead
from spotify_insights.listening.raw_history.chosen import Chosen, Position
from spotify_insights.listening.raw_history.columns import (
    AFTER_TRACK,
    BEFORE_TRACK,
    COLUMNS,
    OF_TRACK,
    csv_fields,
    json_members,
)

NEW_LINE: Final = "\r\n"
"""Between the lines of CSV, as RFC 4180 wants it."""

_JSON_OF_TRACK: Final = json_members(OF_TRACK)
_JSON_MEMBERS: Final = (
    f"{json_members(BEFORE_TRACK)} || ',' || known.told || ',' || {json_members(AFTER_TRACK)}"
)
_ROWS: Final = """
    page AS MATERIALIZED (
        SELECT p.* FROM plays p WHERE {condition}
         ORDER BY p.ended_at DESC, p.id DESC LIMIT %(limit)s),
    known AS MATERIALIZED (
        SELECT t.id, {of_track} AS told
          FROM tracks t
         CROSS JOIN LATERAL (
               SELECT array_agg(a.name ORDER BY c.position) AS names
                 FROM track_artists c JOIN artists a ON a.id = c.artist_id WHERE c.track_id = t.id) credited
         WHERE t.id IN (SELECT track_id FROM page))
"""
_LINES: Final = "SELECT p.ended_at, p.id, {line} AS line FROM page p JOIN known ON known.id = p.track_id"
_PAGE: Final = """
    WITH {rows}, lines AS MATERIALIZED (
         SELECT *, row_number() OVER (ORDER BY ended_at DESC, id DESC) AS place FROM ({lines}) line)
    SELECT '[' || coalesce((SELECT string_agg(line, ',' ORDER BY place) FROM lines
                             WHERE place < %(limit)s), '') || ']',
           (SELECT json_build_array(ended_at, id)::text FROM lines
             WHERE place = %(limit)s - 1 AND (SELECT count(*) FROM lines) = %(limit)s)
      FROM users u WHERE u.id = %(user_id)s
"""
_PIECE: Final = """
    WITH {rows}, lines AS MATERIALIZED ({lines})
    SELECT convert_to(coalesce((SELECT string_agg(line, '' ORDER BY ended_at DESC, id DESC) FROM lines), ''),
                      'UTF8'),
           (SELECT count(*) FROM lines),
           (SELECT ended_at FROM page ORDER BY ended_at, id LIMIT 1),
           (SELECT id FROM page ORDER BY ended_at, id LIMIT 1)
      FROM users u WHERE u.id = %(user_id)s
"""


class Writing(StrEnum):
    """How the rows of a download are written."""

    CSV = "csv"
    EXACT_CSV = "exact_csv"
    JSON_LINES = "json_lines"


def play_documents(user_id: UUID, chosen: Chosen, *, limit: int, before: Position | None) -> HotRead:
    """A page of one listener's plays, the newest first."""
    line = f"'{{' || {_JSON_MEMBERS} || '}}'"
    return _read(_PAGE, line, _JSON_OF_TRACK, user_id, chosen, limit + 1, before)


def download_piece(
    user_id: UUID, chosen: Chosen, writing: Writing, *, limit: int, before: Position | None
) -> HotRead:
    """The next rows of a download: their bytes, how many they are, and the position of the last of them.

    No row where there is no such listener.
    """
    if writing is Writing.JSON_LINES:
        line, of_track = f"'{{' || {_JSON_MEMBERS} || E'}}\\n'", _JSON_OF_TRACK
    else:
        before_track, of_track, after_track = (
            csv_fields(columns, exact=writing is Writing.EXACT_CSV)
            for columns in (BEFORE_TRACK, OF_TRACK, AFTER_TRACK)
        )
        line = f"{before_track} || ',' || known.told || ',' || {after_track} || E'\\r\\n'"
    return _read(_PIECE, line, of_track, user_id, chosen, limit, before, binary=True)


def csv_header() -> bytes:
    """The first line of CSV."""
    return (",".join(column.name for column in COLUMNS) + NEW_LINE).encode()


def _read(
    statement: str,
    line: str,
    of_track: str,
    user_id: UUID,
    chosen: Chosen,
    limit: int,
    before: Position | None,
    *,
    binary: bool = False,
) -> HotRead:
    condition = chosen.condition
    parameters: dict[str, Any] = {**chosen.parameters, "user_id": user_id, "limit": limit}
    if before is not None:
        condition += " AND (p.ended_at, p.id) < (%(before)s, %(before_id)s)"
        moment: datetime = before[0]
        parameters |= {"before": moment, "before_id": before[1]}
    rows = _ROWS.format(condition=condition, of_track=of_track)
    return HotRead(statement.format(rows=rows, lines=_LINES.format(line=line)), parameters, binary=binary)
