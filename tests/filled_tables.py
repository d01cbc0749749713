"""One row in every table with an owner, whatever its columns are: new tables and columns are filled, too."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import Column, Connection, Table, insert
from sqlalchemy.dialects.postgresql import ARRAY, INT8MULTIRANGE, JSONB
from sqlalchemy.types import (
    BigInteger,
    Boolean,
    Date,
    DateTime,
    Float,
    Integer,
    LargeBinary,
    Numeric,
    Text,
    TypeEngine,
    Uuid,
)

from owner_tables import OwnerTable
from spotify_insights.tables import metadata

_LATER: Final = datetime(2031, 1, 1, tzinfo=UTC)

# What only a rule of the table demands; everything else follows from the column's type.
_VALUES: Final[Mapping[str, Mapping[str, Any]]] = {
    "user_identities": {"provider": "spotify"},
    "spotify_tokens": {"sealed_access_token": "sealed", "sealed_refresh_token": "sealed"},
    "listenbrainz_tokens": {"sealed_user_token": "sealed"},
    "sessions": {"kind": "token"},
    "one_time_links": {"purpose": "password_reset"},
    "tracks": {"source": "spotify_api"},
    "plays": {"source": "spotify_api"},
    "spoken_plays": {"kind": "podcast", "source": "spotify_export"},
    "listening_snapshots": {"time_range": "medium_term"},
    "generated_insights": {"insight_type": "wellness", "tone_mode": "neutral", "time_range": "medium_term"},
    "background_jobs": {"queue": "spotify"},
    "stored_files": {"kind": "export"},
}


def filled(
    connection: Connection, tables: Mapping[str, OwnerTable], user_id: UUID, **of_user: Any
) -> dict[str, dict[str, Any]]:
    """Give this user one row in every table of `tables`; those rows by table, with their values.

    Args:
        connection: one that may write everything.
        of_user: columns of the row in `users`.
    """
    rows: dict[str, dict[str, Any]] = {}
    for table in metadata.sorted_tables:
        if table.name in tables or table.name == "tracks":
            row = a_row(table, rows)
            if table.name == "users":
                row |= {"id": user_id, **of_user}
            elif table.name in tables:
                row[tables[table.name].owner] = user_id
            result = connection.execute(insert(table).values(row).returning(*table.primary_key.columns))
            rows[table.name] = row | dict(result.mappings().one())
    return rows


def a_row(table: Table, others: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Values for one new row, unlike those of any other; foreign keys lead to the rows of `others`."""
    row: dict[str, Any] = {
        column.name: _value(column, others)
        for column in table.columns
        if not column.nullable and column.server_default is None and column.identity is None
    }
    return {**row, **_VALUES.get(table.name, {})}


def _value(column: Column[Any], others: Mapping[str, Mapping[str, Any]]) -> Any:
    # Its triggers stand for a foreign key.
    if str(column) == "plays.track_id" and "tracks" in others:
        return others["tracks"]["id"]
    for key in column.foreign_keys:
        other = others.get(key.column.table.name)
        if other is not None:
            return other[key.column.name]
    for kind, value in _MADE_OF_TYPE:
        if isinstance(column.type, kind):
            return value()
    raise AssertionError(f"Say how to fill {column}: there is no value for {column.type!r} yet.")


# In this order: a float is a number, too.
_MADE_OF_TYPE: Final[tuple[tuple[type[TypeEngine[Any]], Any], ...]] = (
    (Uuid, uuid4),
    (DateTime, lambda: _LATER),
    (Date, lambda: date(2026, 1, 1)),
    (Boolean, lambda: False),
    (BigInteger, lambda: 1),
    (Integer, lambda: 1),
    (Float, lambda: 0.5),
    (Numeric, lambda: Decimal(1)),
    (ARRAY, list),
    (INT8MULTIRANGE, list),
    (JSONB, dict),
    (LargeBinary, lambda: b"\x00"),
    (Text, lambda: uuid4().hex),
)
