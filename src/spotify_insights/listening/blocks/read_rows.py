"""Plays and tracks straight from the tables into arrays: no row becomes a Python object."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import numpy as np
import psycopg
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from spotify_insights.audio_features.values import FEATURE_NAMES
from spotify_insights.listening.analytics.columns import PLAYED_TO_END, PRIVATE_SESSION, PROVIDERS, SKIPPED

# One value for all rows: row by row, the client alone would take longer than the database.
_PLAYS: Final = f"""
    SELECT string_agg(int8send(floor(extract(epoch FROM ended_at))::int8) || int8send(track_id)
                      || int4send(coalesce(ms_played, -1)) || int4send(flags), NULL)
      FROM (SELECT ended_at, track_id, ms_played,
                   CASE WHEN skipped OR reason_end IN ('fwdbtn', 'backbtn') THEN {SKIPPED} ELSE 0 END
                   + CASE WHEN reason_end = 'trackdone' THEN {PLAYED_TO_END} ELSE 0 END
                   + CASE WHEN private_session THEN {PRIVATE_SESSION} ELSE 0 END AS flags
              FROM plays
             WHERE user_id = %(user_id)s AND NOT superseded AND ended_at >= to_timestamp(%(since)s)
             ORDER BY ended_at, track_id, ms_played) AS play
"""  # noqa: S608  # only constants are put together
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
           || int4send(coalesce(t.duration_ms, -1)), NULL ORDER BY wanted.place)
      FROM unnest(%(ids)s::int8[]) WITH ORDINALITY wanted (id, place)
      JOIN tracks t ON t.id = wanted.id
      LEFT JOIN track_artists c ON c.track_id = t.id AND c.position = 0
      LEFT JOIN artists a ON a.id = c.artist_id
"""
_IDENTITY_COLUMNS: Final = (
    *(("track_id", ">i8"), ("artist", ">i8"), ("album", ">i8"), ("song_key", ">i8"), ("duration_ms", ">i4")),
)


def _first_known(name: str) -> str:
    told = ", ".join(f"{provider}.{name}" for provider in PROVIDERS)
    return f"float4send(coalesce({told}, 'NaN')::float4)"


def _supplier(name: str) -> str:
    cases = (f"WHEN {provider}.{name} IS NOT NULL THEN {n}" for n, provider in enumerate(PROVIDERS))
    return f"int2send((CASE {' '.join(cases)} ELSE -1 END)::int2)"


_FEATURES: Final = f"""
    SELECT string_agg({" || ".join((*map(_first_known, FEATURE_NAMES), *map(_supplier, FEATURE_NAMES)))},
                      NULL ORDER BY wanted.place)
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
"""  # noqa: S608  # only constants are put together
_FEATURE_COLUMNS: Final = (
    *((f"value_{name}", ">f4") for name in FEATURE_NAMES),
    *((f"supplier_{name}", ">i2") for name in FEATURE_NAMES),
)


def read_plays(session: Session, user_id: UUID, *, since: int) -> NDArray[Any]:
    """The plays that count and ended at `since` (Unix seconds) or later, the oldest first.

    Returns:
        A structured array with ended_at, track_id, ms_played and flags.
    """
    return _rows(session, _PLAYS, {"user_id": user_id, "since": since}, _PLAY_COLUMNS)


def read_identities(session: Session, track_ids: Sequence[int]) -> NDArray[Any]:
    """What these tracks are, in their order: track_id, artist, album, song_key and duration_ms."""
    return _rows(session, _IDENTITIES, {"ids": list(track_ids)}, _IDENTITY_COLUMNS)


def read_features(session: Session, track_ids: Sequence[int]) -> tuple[NDArray[np.float32], NDArray[np.int8]]:
    """Audio features of these tracks, in their order, and who supplied each; NaN and -1 where nobody did.

    Each feature is taken from the first of PROVIDERS that knows it.
    """
    rows = _rows(session, _FEATURES, {"ids": list(track_ids)}, _FEATURE_COLUMNS)
    values = np.column_stack([rows[f"value_{name}"] for name in FEATURE_NAMES]).astype(np.float32)
    suppliers = np.column_stack([rows[f"supplier_{name}"] for name in FEATURE_NAMES]).astype(np.int8)
    return values, suppliers


def _rows(
    session: Session, statement: str, parameters: dict[str, Any], columns: Sequence[tuple[str, str]]
) -> NDArray[Any]:
    """The rows that a statement gives as one value, each as long as its columns."""
    connection = session.connection().connection.driver_connection
    if not isinstance(connection, psycopg.Connection):
        raise TypeError("Only psycopg gives bytes as they are.")
    with connection.cursor(binary=True) as cursor:
        row = cursor.execute(statement.encode(), parameters).fetchone()
    return np.frombuffer((row and row[0]) or b"", np.dtype(list(columns)))
