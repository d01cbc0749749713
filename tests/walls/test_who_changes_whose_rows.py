"""What an actor writes stays among their own rows, and no actor outlives the transaction."""

import asyncio
from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from sqlalchemy import Connection, insert, text
from sqlalchemy.exc import ProgrammingError

from conftest import Servers
from filled_tables import a_row
from owner_tables import OwnerTable
from spotify_insights.accounts.queries import user_document
from spotify_insights.database.actor import LOCAL, SYSTEM, Actor
from spotify_insights.database.database import Database
from spotify_insights.database.hot_read import HotRead
from spotify_insights.database.role import DatabaseRole
from spotify_insights.errors import NotFoundError
from spotify_insights.tables import metadata
from spotify_insights.web.hot_reads import HotReads
from walled_people import AsRole, People

API, WORKER, RELAY = DatabaseRole


def may(connection: Connection, privilege: str, table: OwnerTable) -> bool:
    """Whether the role of this connection has the privilege, whoever acts."""
    question = text("SELECT has_table_privilege(:table, :privilege)")
    return bool(connection.scalars(question, {"table": table.name, "privilege": privilege}).one())


def touched(database: Database, actor: Actor, statement: str, privilege: str, people: People) -> set[int]:
    """How many rows a statement without WHERE touches in each table where it is allowed at all."""
    counts: set[int] = set()
    for table in people.tables.values():
        with database.transaction(acting_for=actor) as tx:
            connection = tx.session.connection()
            if may(connection, privilege, table):
                sql = statement.format(table=table.name, owner=table.owner)
                counts.add(connection.execute(text(sql)).rowcount)
            tx.session.rollback()
    return counts


@pytest.mark.parametrize(
    ("statement", "privilege"),
    [("UPDATE {table} SET {owner} = {owner}", "UPDATE"), ("DELETE FROM {table}", "DELETE")],
    ids=["update", "delete"],
)
@pytest.mark.parametrize("role", [API, WORKER])
def test_a_forgotten_where_touches_the_listeners_own_rows(
    database_as: AsRole, people: People, role: DatabaseRole, statement: str, privilege: str
) -> None:
    listener = Actor.listener(people.alone)

    assert touched(database_as(role), listener, statement, privilege, people) == {1}


def foreign_row(table: OwnerTable, rows: Mapping[str, Mapping[str, Any]], owner: UUID) -> dict[str, Any]:
    """A new row of `owner` that only a wall can refuse: it meets no other rule of the table."""
    return a_row(metadata.tables[table.name], rows) | {table.owner: owner}


@pytest.mark.parametrize("role", [API, WORKER])
def test_nobody_adds_rows_for_somebody_else(database_as: AsRole, people: People, role: DatabaseRole) -> None:
    database = database_as(role)
    with database.engine.connect() as connection:
        assert sum(may(connection, "INSERT", table) for table in people.tables.values()) > 15
    for table in people.tables.values():
        row = foreign_row(table, people.rows[people.alone], people.registered)
        with (
            pytest.raises(ProgrammingError, match=r"row-level security|permission denied"),
            database.transaction(acting_for=Actor.listener(people.alone)) as tx,
        ):
            tx.session.execute(insert(metadata.tables[table.name]).values(row))


@pytest.mark.parametrize("role", [API, WORKER])
def test_nobody_gives_a_row_of_theirs_to_somebody_else(
    database_as: AsRole, people: People, role: DatabaseRole
) -> None:
    for table in people.tables.values():
        statement = f"UPDATE {table.name} SET {table.owner} = :other"  # noqa: S608  # the catalogue's own names
        with (
            pytest.raises(ProgrammingError, match=r"row-level security|permission denied"),
            database_as(role).transaction(acting_for=Actor.listener(people.alone)) as tx,
        ):
            tx.session.execute(
                text(statement), {"other": uuid4() if table.name == "users" else people.registered}
            )


def test_a_service_adds_nothing_for_users_of_another(database_as: AsRole, people: People) -> None:
    for table in people.tables.values():
        row = foreign_row(table, people.rows[people.registered], people.registered)
        with (
            pytest.raises(ProgrammingError, match=r"row-level security|permission denied"),
            database_as(API).transaction(acting_for=Actor.service(people.other_service)) as tx,
        ):
            tx.session.execute(insert(metadata.tables[table.name]).values(row))


def test_a_service_registers_nobody_in_the_name_of_another(database_as: AsRole, people: People) -> None:
    statement = text("INSERT INTO users (id, registered_by) VALUES (:id, :registered_by)")
    with database_as(API).transaction(acting_for=Actor.service(people.service)) as tx:
        tx.session.execute(statement, {"id": uuid4(), "registered_by": people.service})
        with pytest.raises(ProgrammingError, match="row-level security"):
            tx.session.execute(statement, {"id": uuid4(), "registered_by": people.other_service})
        tx.session.rollback()


@pytest.mark.parametrize("role", [API, WORKER])
def test_the_next_transaction_of_a_connection_knows_nothing_of_the_last(
    database_as: AsRole, people: People, role: DatabaseRole
) -> None:
    database = database_as(role)
    everything = SYSTEM if role is WORKER else LOCAL
    with database.transaction(acting_for=everything) as tx:
        before = tx.session.scalars(text("SELECT pg_backend_pid()")).one()
    with pytest.raises(NotFoundError), database.transaction(acting_for=everything):
        raise NotFoundError("It ends in a rollback.")

    with database.engine.connect() as connection:
        assert connection.scalars(text("SELECT pg_backend_pid()")).one() == before
        for table in people.tables:
            assert connection.scalars(text(f"SELECT count(*) FROM {table}")).one() == 0  # noqa: S608  # as above


def test_fast_reads_of_one_connection_know_nothing_of_each_other(migrated: Servers, people: People) -> None:
    def document(user_id: UUID) -> HotRead:
        read = user_document(user_id)
        statement = read.statement.replace("SELECT json", "SELECT pg_backend_pid()::text, json", 1)
        return HotRead(statement, read.parameters)

    async def read() -> None:
        reads = HotReads(migrated.database_url, migrated.redis_url, pool_size=1)
        await reads.open()
        try:
            alone, other = Actor.listener(people.alone), Actor.listener(people.registered)
            mine = await reads.row(document(people.alone), acting_for=alone)
            assert await reads.row(document(people.alone), acting_for=other) is None
            again = await reads.row(document(people.registered), acting_for=other)
            assert mine is not None
            assert again is not None
            assert mine[0] == again[0], "both were read over one connection"
            async with reads._pool.connection() as connection:
                cursor = await connection.execute("SELECT count(*) FROM users")
                assert await cursor.fetchone() == (0,)
        finally:
            await reads.close()

    asyncio.run(read())


def test_even_the_owner_of_the_tables_is_held(connection: psycopg.Connection, people: People) -> None:
    """Forced: a program that forgets to take a role sees nothing either, unless it is a superuser."""
    me = connection.execute(
        "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"
    ).fetchone()
    if me == (True,):
        pytest.skip("Superusers pass every wall; that all are forced is shown elsewhere.")
    connection.execute("SET LOCAL app.actor_role = ''")
    for name in people.tables:
        found = connection.execute(f"SELECT count(*) FROM {name}".encode()).fetchone()  # noqa: S608  # as above
        assert found == (0,), name
