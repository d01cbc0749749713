"""Whose rows each actor sees in every table with an owner, through each role that a process can have."""

from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import ProgrammingError

from owner_tables import OwnerTable
from spotify_insights.database.actor import AUTHENTICATION, LOCAL, OPERATOR, SYSTEM, Actor
from spotify_insights.database.database import Database
from spotify_insights.database.role import DatabaseRole
from walled_people import AsRole, People

API, WORKER, RELAY = DatabaseRole

# Whom the API shows everybody's rows of a table, besides whoever uses an installation without sign-in.
OF_OPERATORS = {"users", "one_time_links", "background_jobs", "idempotency_keys"}
OF_AUTHENTICATION = {
    *("users", "user_identities", "sessions", "refresh_tokens", "api_keys", "one_time_links"),
    *("local_accounts", "sign_in_attempts", "idempotency_keys"),
}
OF_THE_WATCH = {"background_jobs"}
OF_THE_RELAY = {"background_jobs", "idempotency_keys"}


def owners_seen(connection: Connection, table: OwnerTable) -> set[UUID]:
    statement = f"SELECT DISTINCT {table.owner} FROM {table.name}"  # noqa: S608  # the catalogue's own names
    return set(connection.scalars(text(statement)))


def seen(database: Database, people: People, actor: Actor) -> dict[str, set[UUID]]:
    """Whose rows this actor sees, by table."""
    with database.transaction(acting_for=actor) as tx:
        connection = tx.session.connection()
        return {name: owners_seen(connection, table) for name, table in people.tables.items()}


def everybody_in(people: People, tables: set[str]) -> dict[str, set[UUID]]:
    return {name: people.everybody if name in tables else set() for name in people.tables}


def test_every_table_holds_a_row_of_everybody(database_as: AsRole, people: People) -> None:
    assert len(people.tables) > 15
    assert seen(database_as(WORKER), people, SYSTEM) == everybody_in(people, {*people.tables})


@pytest.mark.parametrize("role", [API, WORKER])
def test_a_listener_sees_their_own_rows(database_as: AsRole, people: People, role: DatabaseRole) -> None:
    for user_id in (people.alone, people.registered):
        found = seen(database_as(role), people, Actor.listener(user_id))

        assert found == {name: {user_id} for name in people.tables}


@pytest.mark.parametrize("role", [API, WORKER])
def test_somebody_unknown_sees_nothing(database_as: AsRole, people: People, role: DatabaseRole) -> None:
    for actor in (Actor.listener(uuid4()), Actor.service(uuid4()), Actor(role="listener")):
        assert seen(database_as(role), people, actor) == everybody_in(people, set())


def test_a_service_sees_itself_and_those_whom_it_registered(database_as: AsRole, people: People) -> None:
    found = seen(database_as(API), people, Actor.service(people.service))

    assert found == {name: {people.service, people.registered} for name in people.tables}


def test_an_operator_sees_what_running_the_installation_needs(database_as: AsRole, people: People) -> None:
    for actor in (OPERATOR, Actor.admin(people.alone)):
        assert seen(database_as(API), people, actor) == everybody_in(people, OF_OPERATORS)


def test_looking_up_a_credential_sees_nothing_of_listening(database_as: AsRole, people: People) -> None:
    assert seen(database_as(API), people, AUTHENTICATION) == everybody_in(people, OF_AUTHENTICATION)


def test_the_api_as_the_installation_itself_sees_jobs_alone(database_as: AsRole, people: People) -> None:
    assert seen(database_as(API), people, SYSTEM) == everybody_in(people, OF_THE_WATCH)


def test_without_sign_in_everybody_is_seen(database_as: AsRole, people: People) -> None:
    assert seen(database_as(API), people, LOCAL) == everybody_in(people, {*people.tables})


@pytest.mark.parametrize("actor", [OPERATOR, AUTHENTICATION, LOCAL], ids=lambda actor: actor.role)
def test_a_worker_is_no_operator(database_as: AsRole, people: People, actor: Actor) -> None:
    assert seen(database_as(WORKER), people, actor) == everybody_in(people, set())


@pytest.mark.parametrize("role", [API, WORKER])
def test_nobody_in_particular_sees_nothing(database_as: AsRole, people: People, role: DatabaseRole) -> None:
    with database_as(role).engine.connect() as connection:
        for table in people.tables.values():
            assert owners_seen(connection, table) == set(), table.name


def test_the_relay_reads_what_it_moves_and_nothing_else(database_as: AsRole, people: People) -> None:
    for name, table in people.tables.items():
        with database_as(RELAY).engine.connect() as connection:
            if name not in OF_THE_RELAY:
                with pytest.raises(ProgrammingError, match="permission denied"):
                    owners_seen(connection, table)
            else:
                assert owners_seen(connection, table) == set()
    with database_as(RELAY).transaction(acting_for=SYSTEM) as tx:
        for name in OF_THE_RELAY:
            assert owners_seen(tx.session.connection(), people.tables[name]) == people.everybody


def test_whoever_asked_for_a_job_sees_it_and_nobody_else_does(database_as: AsRole, people: People) -> None:
    """Such as an admin's round over all listeners, which belongs to none of them."""

    def jobs_of(actor: Actor) -> int:
        tx.continue_as(actor)
        count = text("SELECT count(*) FROM background_jobs WHERE owner_id IS NULL")
        return int(tx.session.scalars(count).one())

    with database_as(API).transaction(acting_for=LOCAL) as tx:
        tx.session.execute(
            text(
                """INSERT INTO background_jobs
                          (id, task_name, queue, deduplication_key, arguments, requested_by)
                   VALUES (gen_random_uuid(), 'rounds', 'spotify', 'once', '{}', :requested_by)"""
            ),
            {"requested_by": people.alone},
        )

        assert jobs_of(Actor.listener(people.alone)) == 1
        assert jobs_of(Actor.listener(people.registered)) == 0
        assert jobs_of(Actor.service(people.service)) == 0
        assert jobs_of(Actor.admin(people.registered)) == 1
        tx.session.rollback()
