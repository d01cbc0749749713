"""Every column that holds sealed values, and how many of them each key has sealed.

Features keep their tables to themselves; what is here is the one thing that concerns all of them alike, so it
is plain SQL with the names of tables. A test compares the list with the database.
"""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from spotify_insights.security.sealing import NOBODY, SealedPlace

# As `key_id_of` reads it: names of keys may hold colons, base64 does not.
KEY_ID: Final = "substring({column} from '^v1:(.*):[^:]*$')"


@dataclass(frozen=True)
class SealedColumn:
    """A column of sealed values. They are bound to the row's `id` and to the person of `user_id`, if any.

    Args:
        has_user: whether the table has a column `user_id`.
    """

    table: str
    column: str
    has_user: bool = True

    def place(self, row_id: UUID, user_id: UUID | None) -> SealedPlace:
        """Where the value of one row is sealed."""
        return SealedPlace(table=self.table, column=self.column, row_id=row_id, user_id=user_id or NOBODY)

    @property
    def user(self) -> str:
        """The SQL expression for the person."""
        return "user_id" if self.has_user else "NULL::uuid"

    @property
    def key_id(self) -> str:
        """The SQL expression for the key that a value is sealed with."""
        return KEY_ID.format(column=self.column)

    @property
    def name(self) -> str:
        return f"{self.table}.{self.column}"


SEALED_COLUMNS: Final = (
    SealedColumn("spotify_tokens", "sealed_access_token"),
    SealedColumn("spotify_tokens", "sealed_refresh_token"),
    SealedColumn("listenbrainz_tokens", "sealed_user_token"),
    SealedColumn("sign_in_attempts", "sealed_code_verifier"),
    SealedColumn("installation_secrets", "sealed_value", has_user=False),
)


@dataclass(frozen=True)
class SealedValues:
    """So many values of one column are sealed with one key; None where they are nothing that was sealed."""

    key_id: str | None
    place: SealedColumn
    values: int


def count_sealed_values(session: Session) -> list[SealedValues]:
    """What is sealed with which key. The transaction acts for the system, with the rights of a worker."""
    # Only constants are put together here.
    statement = " UNION ALL ".join(
        f"SELECT {number} AS place, {column.key_id} AS key_id, count(*) AS values"  # noqa: S608
        f" FROM {column.table} WHERE {column.column} IS NOT NULL GROUP BY key_id"
        for number, column in enumerate(SEALED_COLUMNS)
    )
    rows = session.execute(text(f"{statement} ORDER BY key_id, place"))
    return [SealedValues(row.key_id, SEALED_COLUMNS[row.place], row.values) for row in rows]
