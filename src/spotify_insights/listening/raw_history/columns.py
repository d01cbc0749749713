"""What a row of a raw history tells, written by PostgreSQL in each format: no row becomes a Python object."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from spotify_insights.database.hot_read import moment


class Kind(StrEnum):
    MOMENT = "moment"
    NUMBER = "number"
    SWITCH = "switch"
    TEXT = "text"
    TEXTS = "texts"


@dataclass(frozen=True, slots=True)
class Column:
    """One thing that is told: of the play `p`, or of its track `t` with the names of `credited`."""

    name: str
    sql: str
    kind: Kind = Kind.TEXT


# What all plays of a track share is written once for it.
OF_TRACK: Final = (
    Column("track", "t.name"),
    Column("artist", "credited.names[1]"),
    Column("artists", "credited.names", Kind.TEXTS),
    Column("album", "t.album_name"),
    Column("spotify_id", "t.spotify_id"),
    Column("isrc", "t.isrc"),
)
OF_PLAY: Final = (
    Column("ended_at", "p.ended_at", Kind.MOMENT),
    Column("ms_played", "p.ms_played", Kind.NUMBER),
    Column("source", "p.source"),
    Column("skipped", "p.skipped", Kind.SWITCH),
    Column("reason_start", "p.reason_start"),
    Column("reason_end", "p.reason_end"),
    Column("shuffle", "p.shuffle", Kind.SWITCH),
    Column("offline", "p.offline", Kind.SWITCH),
    Column("platform", "p.platform"),
    Column("country", "p.country"),
    Column("private_session", "p.private_session", Kind.SWITCH),
    Column("time_uncertain", "p.time_uncertain", Kind.SWITCH),
    Column("superseded", "p.superseded", Kind.SWITCH),
)
# Moment and time first, then the track.
BEFORE_TRACK: Final = OF_PLAY[:2]
AFTER_TRACK: Final = OF_PLAY[2:]
COLUMNS: Final = (*BEFORE_TRACK, *OF_TRACK, *AFTER_TRACK)

# Stands in no name: a control character that text of ours never holds.
UNIT_SEPARATOR: Final = "\x1f"
# Where a cell may begin that would be taken for a formula: at the beginning, and behind what separates cells
# or lines where a spreadsheet does not expect commas, because then quotation marks hold nothing together.
# Wide forms of the signs, which East Asian keyboards type, count, too.
_SIGNS: Final = r"[=+@\uff1d\uff0b\uff20\uff0d-]"
_FORMULA: Final = rf"""'^(?="*{_SIGNS}|[\t\r\n])|(?<=[;\t\r\n])(?="*{_SIGNS})'"""
# The same without looking around, which takes longer: hardly any text has one.
_HAS_FORMULA: Final = rf"""'^[\t\r\n]|(^|[;\t\r\n])"*{_SIGNS}'"""


def json_members(columns: tuple[Column, ...]) -> str:
    """The SQL of the members of a JSON object, without its braces."""
    return " || ',' || ".join(f"'\"{column.name}\":' || {_json(column)}" for column in columns)


def _json(column: Column) -> str:
    match column.kind:
        case Kind.MOMENT:
            return f"'\"' || {moment(column.sql)} || '\"'"
        case Kind.NUMBER | Kind.SWITCH:
            return f"coalesce({_plain(column)}, 'null')"
        case Kind.TEXT:
            return f"coalesce(to_json({column.sql})::text, 'null')"
        case Kind.TEXTS:
            return f"coalesce(to_json({column.sql})::text, '[]')"


def csv_fields(columns: tuple[Column, ...], *, exact: bool) -> str:
    """The SQL of fields of a line of CSV (RFC 4180). Text stands in quotes, and what is unknown is empty.

    Args:
        exact: text as it is, and several names with UNIT_SEPARATOR between them. Otherwise the line is made
            for spreadsheets: what they would take for a formula has an apostrophe before it (OWASP, CSV
            Injection), and several names have a semicolon between them.
    """
    return " || ',' || ".join(_csv(column, exact=exact) for column in columns)


def _csv(column: Column, *, exact: bool) -> str:
    match column.kind:
        case Kind.MOMENT:
            return moment(column.sql)
        case Kind.NUMBER | Kind.SWITCH:
            return f"coalesce({_plain(column)}, '')"
        case Kind.TEXT:
            return _csv_text(column.sql, exact=exact)
        case Kind.TEXTS:
            between = UNIT_SEPARATOR if exact else "; "
            return _csv_text(f"array_to_string({column.sql}, '{between}')", exact=exact)


def _csv_text(text: str, *, exact: bool) -> str:
    quoted = f"""'"' || replace({text}, '"', '""') || '"'"""
    if exact:
        return f"coalesce({quoted}, '')"
    escaped = f"""regexp_replace({text}, {_FORMULA}, '''', 'g')"""
    harmless = f"""'"' || replace({escaped}, '"', '""') || '"'"""
    return f"coalesce(CASE WHEN {text} ~ {_HAS_FORMULA} THEN {harmless} ELSE {quoted} END, '')"


def _plain(column: Column) -> str:
    if column.kind is Kind.SWITCH:
        return f"CASE WHEN {column.sql} THEN 'true' WHEN NOT {column.sql} THEN 'false' END"
    return f"{column.sql}::text"
