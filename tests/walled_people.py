"""People with a row in every table that belongs to people, for tests of the walls between them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql

from owner_tables import OwnerTable
from spotify_insights.database.database import Database
from spotify_insights.database.role import DatabaseRole
from spotify_insights.tables import metadata

Rows = Mapping[str, Mapping[str, Any]]
# The database as a process with this role sees it.
AsRole = Callable[[DatabaseRole], Database]


@dataclass(frozen=True)
class People:
    """Who there is, and everybody's rows by table: `registered` was registered by `service`."""

    tables: Mapping[str, OwnerTable]
    alone: UUID
    registered: UUID
    service: UUID
    other_service: UUID
    rows: Mapping[UUID, Rows]

    @property
    def everybody(self) -> set[UUID]:
        return {self.alone, self.registered, self.service, self.other_service}


def empty_tables(database_url: str) -> None:
    names = sql.SQL(", ").join(sql.Identifier(table.name) for table in metadata.sorted_tables)
    with psycopg.connect(database_url) as connected:
        connected.execute(sql.SQL("TRUNCATE {} RESTART IDENTITY CASCADE").format(names))
