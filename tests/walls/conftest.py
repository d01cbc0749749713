"""Two people, one of them registered by a service, with a row in every table that belongs to people."""

from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest

from conftest import Servers
from filled_tables import filled
from owner_tables import owner_tables
from spotify_insights.database.database import Database
from spotify_insights.database.role import DatabaseRole
from walled_people import AsRole, People, empty_tables


@pytest.fixture
def connection(migrated: Servers) -> Iterator[psycopg.Connection]:
    """As migrations see it; what is changed through it is taken back."""
    with psycopg.connect(migrated.database_url) as connected:
        yield connected
        connected.rollback()


@pytest.fixture(scope="module")
def people(migrated: Servers) -> Iterator[People]:
    """Made once for all tests of a module, which take back what they change."""
    empty_tables(migrated.database_url)
    alone, registered, service, other_service = (uuid4() for _ in range(4))
    with psycopg.connect(migrated.database_url) as connected:
        tables = owner_tables(connected)
    as_migration = Database(migrated.database_url)
    with as_migration.engine.begin() as writing:
        rows = {
            service: filled(writing, tables, service, role="service"),
            other_service: filled(writing, tables, other_service, role="service"),
            registered: filled(writing, tables, registered, registered_by=service),
            alone: filled(writing, tables, alone),
        }
    as_migration.close()
    yield People(tables, alone, registered, service, other_service, rows)
    empty_tables(migrated.database_url)


@pytest.fixture(scope="module")
def database_as(migrated: Servers) -> Iterator[AsRole]:
    """The database as a process with this role sees it, over one connection."""
    made: dict[DatabaseRole, Database] = {}

    def database(role: DatabaseRole) -> Database:
        if role not in made:
            made[role] = Database(migrated.database_url, role=role, pool_size=1)
        return made[role]

    yield database
    for one in made.values():
        one.close()
