"""Reads that must be fast: one SQL statement whose JSON the database builds.

A feature's `queries.py` gives the statement, the web door runs it; no row becomes a Python object on the way.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# RFC 3339 in UTC with milliseconds, as everywhere in the API.
RFC3339 = """'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'"""


@dataclass(frozen=True)
class HotRead:
    """A statement with psycopg's `%(name)s` parameters.

    It gives one row whose first column is the finished JSON text, or no row where the object does not exist.
    A statement for a page gives the opaque position of its last entry as second column, where more follow.
    """

    statement: str
    parameters: Mapping[str, Any]
    # Bytes come as they are; as text they would be twice as long.
    binary: bool = False


def moment(column: str) -> str:
    """The SQL that renders a timestamp column as RFC 3339 in UTC; NULL stays NULL."""
    return f"to_char({column} AT TIME ZONE 'UTC', {RFC3339})"
