"""What a feature says about each of its tables with somebody's data: whose rows, and what they get of them.

From these declarations the export and its schema are made, and erasing counts by them. A table with an owner
that nobody declares, or a column that is neither given nor withheld for a reason, fails the build.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Boolean, Date, DateTime, Float, Integer, Numeric, Text, Uuid, text
from sqlalchemy import Table as SqlTable
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeEngine

from spotify_insights.database.table import Table

JsonSchema = Mapping[str, Any]

# In this order: a float is a number, too.
_SCHEMA_OF_TYPE: Final[tuple[tuple[type[TypeEngine[Any]], JsonSchema], ...]] = (
    (Uuid, {"type": "string", "format": "uuid"}),
    (DateTime, {"type": "string", "format": "date-time"}),
    (Date, {"type": "string", "format": "date"}),
    (Boolean, {"type": "boolean"}),
    (Integer, {"type": "integer"}),
    (Float, {"type": "number"}),
    (Numeric, {"type": "number"}),
    (ARRAY, {"type": "array", "items": {"type": "string"}}),
    (JSONB, {}),
    (Text, {"type": "string"}),
)


@dataclass(frozen=True)
class LookedUp:
    """A value beside the columns: an SQL expression over the row `r`, and the JSON Schema of its values."""

    sql: str
    schema: JsonSchema


@dataclass(frozen=True)
class Page:
    """Some rows as JSON texts, and where the next ones begin; `position` is None after the last."""

    rows: Sequence[str]
    position: Sequence[Any] | None


@dataclass(frozen=True)
class PersonalTable:
    """One table with somebody's rows.

    Args:
        about: one sentence for the person, as it stands in their export.
        topic: the name of its file in the export without `.json`; None where nothing of it is given.
        owners: the columns that name a person; a row is theirs where any of them does.
        by_pseudonym: the owners are pseudonyms, and rows outlive the person.
        derived: made from other rows of theirs, and made anew at any time; nobody counts these.
        order: what the rows are sorted by, never null and together unique; the primary key where left out.
        withheld: columns that are not given, each with the reason in a sentence; `*` stands for all.
        looked_up: what is given besides the columns.
    """

    model: type[Table]
    about: str
    topic: str | None
    owners: tuple[str, ...] = ("user_id",)
    by_pseudonym: bool = False
    derived: bool = False
    order: tuple[str, ...] = ()
    withheld: Mapping[str, str] = field(default_factory=dict)
    looked_up: Mapping[str, LookedUp] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The table's name in the database."""
        return self._table.name

    @property
    def given(self) -> Sequence[str]:
        """The columns that the person gets."""
        if "*" in self.withheld:
            return []
        return [column.name for column in self._table.columns if column.name not in self.withheld]

    @property
    def schema(self) -> dict[str, Any]:
        """JSON Schema (draft 2020-12) of the file: an array of objects that have every property."""
        properties = {name: self._schema_of(name) for name in self.given}
        properties |= {name: dict(value.schema) for name, value in self.looked_up.items()}
        return {
            "type": "array",
            "description": self.about,
            "items": {
                "type": "object",
                "properties": properties,
                "required": list(properties),
                "additionalProperties": False,
            },
        }

    def page(self, session: Session, owner: UUID | str, *, after: Sequence[Any] | None, most: int) -> Page:
        """At most `most` of the owner's rows behind the position `after`, in their order."""
        order = self.order or tuple(column.name for column in self._table.primary_key.columns)
        values = [f"'{name}', r.{name}" for name in self.given]
        values += [f"'{name}', ({value.sql})" for name, value in self.looked_up.items()]
        keys = [f"r.{name}" for name in order]
        behind = ""
        parameters: dict[str, Any] = {"owner": owner, "most": most}
        if after is not None:
            named = {f"after_{number}": value for number, value in enumerate(after)}
            behind = f"AND ({', '.join(keys)}) > ({', '.join(f':{name}' for name in named)})"
            # Said once more for the planner, which makes better use of it.
            behind += f" AND {keys[0]} >= :after_0"
            parameters |= named
        statement = text(f"""
            SELECT json_build_object({", ".join(values)})::text AS document, {", ".join(keys)}
              FROM {self.name} r
             WHERE ({self._owned}) {behind}
             ORDER BY {", ".join(keys)}
             LIMIT :most
        """)  # noqa: S608  # only names of our own are put together
        rows = session.execute(statement, parameters).all()
        last = tuple(rows[-1])[1:] if len(rows) == most else None
        return Page(rows=[row.document for row in rows], position=last)

    def count(self, session: Session, owner: UUID | str) -> int:
        """How many rows are the owner's."""
        statement = text(f"SELECT count(*) FROM {self.name} r WHERE {self._owned}")  # noqa: S608  # our own names
        return int(session.execute(statement, {"owner": owner}).scalar_one())

    @property
    def _owned(self) -> str:
        return " OR ".join(f"r.{owner} = :owner" for owner in self.owners)

    @property
    def _table(self) -> SqlTable:
        table = self.model.__table__
        if not isinstance(table, SqlTable):
            raise TypeError("A personal table is a table.")
        return table

    def _schema_of(self, column_name: str) -> dict[str, Any]:
        column = self._table.columns[column_name]
        schema = next(dict(schema) for kind, schema in _SCHEMA_OF_TYPE if isinstance(column.type, kind))
        if column.nullable and "type" in schema:
            schema["type"] = [schema["type"], "null"]
        return schema
