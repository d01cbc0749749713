"""Plays and tracks straight from the tables into arrays: no row becomes a Python object."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import numpy as np
import psycopg
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from spotify_insights.audio_features.values import FEATURE_NAMES
from spotify_insights.listening.analytics.columns import (
    FEATURES,
    PLAYED_TO_END,
    PRIVATE_SESSION,
    PROVIDERS,
    SKIPPED,
    UNKNOWN,
)

SUPERSEDED: Final = 128
"""In the flags of a row, besides those of the columns: a better source tells this play, too."""

# A moment as PostgreSQL itself stores it, microseconds since 2000: nothing is computed for each row.
# One value for all rows: row by row, the client alone would take longer than the database.
_PLAYS: Final = f"""
    SELECT string_agg(timestamptz_send(ended_at) || int8send(track_id)
                      || int4send(coalesce(ms_played, -1)) || int4send(flags), NULL)
      FROM (SELECT ended_at, track_id, ms_played,
                   CASE WHEN skipped OR reason_end IN ('fwdbtn', 'backbtn') THEN {SKIPPED} ELSE 0 END
                   + CASE WHEN reason_end = 'trackdone' THEN {PLAYED_TO_END} ELSE 0 END
                   + CASE WHEN private_session THEN {PRIVATE_SESSION} ELSE 0 END
                   + CASE WHEN superseded THEN {SUPERSEDED} ELSE 0 END AS flags
              FROM plays
             WHERE user_id = %(user_id)s
               AND ended_at >= to_timestamp(%(since)s) AND ended_at < to_timestamp(%(until)s)
             ORDER BY ended_at, track_id, ms_played) AS play
"""  # noqa: S608  # only constants are put together
_FIRST_AND_LAST: Final = """
    SELECT int8send(floor(date_part('epoch', min(ended_at)))::int8)
           || int8send(floor(date_part('epoch', max(ended_at)))::int8)
      FROM plays WHERE user_id = %(user_id)s AND ended_at >= to_timestamp(%(since)s)
"""
# Half a year, some ten thousand plays: a whole history would be in memory several times on its way.
_SLICE_SECONDS: Final = 180 * 86_400
_MICROSECONDS: Final = 1_000_000
_YEAR_2000: Final = 946_684_800
_PLAY_COLUMNS: Final = (("ended_at", ">i8"), ("track_id", ">i8"), ("ms_played", ">i4"), ("flags", ">i4"))

# An artist who is known by name alone is the one of that name who has an id, if there is just one.
_IDENTITIES: Final = """
    SELECT string_agg(int8send(t.id) || int8send(coalesce(
               CASE WHEN a.spotify_id IS NULL THEN
                    (SELECT min(b.id) FROM artists b
                      WHERE b.name_key = a.name_key AND b.spotify_id IS NOT NULL HAVING count(*) = 1)
               END, a.id, -1))
           || int8send(CASE WHEN t.album_name IS NULL THEN -1
                       ELSE hashtextextended(lower(t.album_name) || coalesce(a.name_key::text, ''), 0) END)
           || int8send(hashtextextended(coalesce(t.name_key::text, t.id::text), 0))
           || int4send(coalesce(t.duration_ms, -1)) || int4send((t.spotify_id IS NOT NULL)::int),
           NULL ORDER BY wanted.place)
      FROM unnest(%(ids)s::int8[]) WITH ORDINALITY wanted (id, place)
      JOIN tracks t ON t.id = wanted.id
      LEFT JOIN track_artists c ON c.track_id = t.id AND c.position = 0
      LEFT JOIN artists a ON a.id = c.artist_id
"""
_IDENTITY_COLUMNS: Final = (
    ("track_id", ">i8"),
    ("artist", ">i8"),
    ("album", ">i8"),
    ("song_key", ">i8"),
    ("duration_ms", ">i4"),
    ("has_id", ">i4"),
)

_SAME_SONGS: Final = """
    SELECT string_agg(int8send(other.id), NULL)
      FROM tracks t JOIN tracks other ON other.name_key = t.name_key
     WHERE t.id = ANY(%(ids)s::int8[])
"""


def _first_known(name: str) -> str:
    told = ", ".join(f"{provider}.{name}" for provider in PROVIDERS)
    return f"float4send(coalesce({told}, 'NaN')::float4)"


def _supplier(name: str) -> str:
    cases = (f"WHEN {provider}.{name} IS NOT NULL THEN {n}" for n, provider in enumerate(PROVIDERS))
    return f"int2send((CASE {' '.join(cases)} ELSE -1 END)::int2)"


# Of many tracks, as of all that a first import named, nothing is known: they are left out.
_FEATURES: Final = f"""
    SELECT string_agg(int4send((wanted.place - 1)::int4) || {
    " || ".join((*map(_first_known, FEATURE_NAMES), *map(_supplier, FEATURE_NAMES)))
}, NULL)
      FROM unnest(%(ids)s::int8[]) WITH ORDINALITY wanted (id, place)
      JOIN tracks t ON t.id = wanted.id
      LEFT JOIN catalogue_features catalogue ON catalogue.spotify_id = t.spotify_id
      {
    " ".join(
        f"LEFT JOIN track_features {provider}"
        f" ON {provider}.track_id = t.id AND {provider}.provider = '{provider}'"
        for provider in PROVIDERS
        if provider != "catalogue"
    )
}
     WHERE {
    " OR ".join(
        f"{provider}.{'spotify_id' if provider == 'catalogue' else 'track_id'} IS NOT NULL"
        for provider in PROVIDERS
    )
}
"""  # noqa: S608  # only constants are put together
# A listener has tens of thousands.
_TRACKS_AT_ONCE: Final = 8192
_FEATURE_COLUMNS: Final = (
    ("place", ">i4"),
    *((f"value_{name}", ">f4") for name in FEATURE_NAMES),
    *((f"supplier_{name}", ">i2") for name in FEATURE_NAMES),
)


def first_row(session: Session, statement: str, parameters: Mapping[str, Any]) -> tuple[Any, ...] | None:
    """The first row of a statement with psycopg's `%(name)s` parameters; bytes come as they are."""
    connection = session.connection().connection.driver_connection
    if not isinstance(connection, psycopg.Connection):
        raise TypeError("Only psycopg gives bytes as they are.")
    with connection.cursor(binary=True) as cursor:
        return cursor.execute(statement.encode(), parameters).fetchone()


def read_plays(session: Session, user_id: UUID, *, since: int) -> Iterator[NDArray[Any]]:
    """The plays that ended at `since` (Unix seconds) or later, superseded ones included, the oldest first.

    Returns:
        Structured arrays with ended_at (Unix seconds), track_id, ms_played and flags, one for each slice of
        time; the plays of one second are in one slice.
    """
    chosen = {"user_id": user_id, "since": since}
    ends = _rows(session, _FIRST_AND_LAST, chosen, (("first", ">i8"), ("last", ">i8")))
    for first, last in ends.tolist():
        for begin in range(max(first, since), last + 1, _SLICE_SECONDS):
            times = {"since": begin, "until": begin + _SLICE_SECONDS}
            rows = _rows(session, _PLAYS, chosen | times, _PLAY_COLUMNS)
            if len(rows):
                yield _in_seconds(rows)


def _in_seconds(rows: NDArray[Any]) -> NDArray[Any]:
    told = rows.copy()
    told["ended_at"] = rows["ended_at"].astype(np.int64) // _MICROSECONDS + _YEAR_2000
    return told


def read_identities(session: Session, track_ids: Sequence[int]) -> NDArray[Any]:
    """What these tracks are, in their order: track_id, artist, album, song_key, duration_ms and has_id."""
    pieces = _rows_of_tracks(session, _IDENTITIES, track_ids, _IDENTITY_COLUMNS)
    return np.concatenate([np.empty(0, np.dtype(list(_IDENTITY_COLUMNS))), *pieces])


def read_same_songs(session: Session, track_ids: Sequence[int]) -> NDArray[np.int64]:
    """The ids of all tracks, whoever plays them, of the songs of these tracks; without order."""
    pieces = _rows_of_tracks(session, _SAME_SONGS, track_ids, (("track_id", ">i8"),))
    return np.concatenate([np.empty(0, np.int64), *(rows["track_id"].astype(np.int64) for rows in pieces)])


def read_features(session: Session, track_ids: Sequence[int]) -> tuple[NDArray[np.float32], NDArray[np.int8]]:
    """Audio features of these tracks, in their order, and who supplied each; NaN and -1 where nobody did.

    Each feature is taken from the first of PROVIDERS that knows it.
    """
    shape = (len(track_ids), FEATURES)
    values, suppliers = np.full(shape, np.nan, np.float32), np.full(shape, UNKNOWN, np.int8)
    pieces = _rows_of_tracks(session, _FEATURES, track_ids, _FEATURE_COLUMNS)
    for rows, first in zip(pieces, range(0, len(track_ids), _TRACKS_AT_ONCE), strict=True):
        places = rows["place"].astype(np.intp) + first
        for number, name in enumerate(FEATURE_NAMES):
            values[places, number] = rows[f"value_{name}"]
            suppliers[places, number] = rows[f"supplier_{name}"]
    return values, suppliers


def _rows_of_tracks(
    session: Session, statement: str, track_ids: Sequence[int], columns: Sequence[tuple[str, str]]
) -> Iterator[NDArray[Any]]:
    for first in range(0, len(track_ids), _TRACKS_AT_ONCE):
        # As the text that PostgreSQL reads: the client would look at each number by itself.
        ids = ",".join(map(str, track_ids[first : first + _TRACKS_AT_ONCE]))
        yield _rows(session, statement, {"ids": f"{{{ids}}}"}, columns)


def _rows(
    session: Session, statement: str, parameters: dict[str, Any], columns: Sequence[tuple[str, str]]
) -> NDArray[Any]:
    """The rows that a statement gives as one value, each as long as its columns."""
    row = first_row(session, statement, parameters)
    return np.frombuffer((row and row[0]) or b"", np.dtype(list(columns)))
