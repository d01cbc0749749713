"""One transaction: all or nothing, for one actor, and what happens around its end."""

import traceback
from collections.abc import Callable, Iterator
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from conftest import Servers
from spotify_insights.database.actor import SYSTEM, Actor
from spotify_insights.database.database import DATABASE_SILENT, Database, Transaction, rows_changed
from spotify_insights.database.role import DatabaseRole
from spotify_insights.errors import UnavailableError

_ACTOR = text("SELECT current_setting('app.actor_role', true), current_setting('app.user_id', true)")


class ChangedMyMindError(Exception):
    """Something that goes wrong inside a block."""


@pytest.fixture
def database(empty: Servers) -> Iterator[Database]:
    """A pool of one connection, so that whatever one transaction leaves behind the next one meets."""
    opened = Database(empty.database_url, role=DatabaseRole.WORKER, pool_size=1)
    yield opened
    opened.close()


def test_what_a_block_does_is_stored_when_it_ends_well(database: Database, empty: Servers) -> None:
    with database.transaction(acting_for=SYSTEM) as tx:
        add_user(tx.session, "Robin")
        assert names(empty) == []
    assert names(empty) == ["Robin"]


def test_what_a_block_does_is_undone_when_it_fails(database: Database, empty: Servers) -> None:
    with pytest.raises(ChangedMyMindError):
        in_a_block(database, adding("Robin"), change_my_mind)
    assert names(empty) == []


def test_actions_run_in_the_order_in_which_they_were_given_around_the_commit(
    database: Database, empty: Servers
) -> None:
    seen: list[tuple[str, list[str]]] = []

    def look(moment: str) -> None:
        seen.append((moment, names(empty)))

    with database.transaction(acting_for=SYSTEM) as tx:
        tx.at_end(lambda: look("first at the end"))
        tx.before_commit(lambda: look("first before"))
        tx.before_commit(lambda: look("second before"))
        tx.at_end(lambda: look("second at the end"))
        add_user(tx.session, "Robin")
        look("inside")
    assert seen == [
        ("inside", []),
        ("first before", []),
        ("second before", []),
        ("first at the end", ["Robin"]),
        ("second at the end", ["Robin"]),
    ]


def test_a_block_that_fails_is_ended_but_not_committed(database: Database) -> None:
    ran: list[str] = []
    with pytest.raises(ChangedMyMindError):
        in_a_block(
            database,
            lambda tx: tx.before_commit(lambda: ran.append("before commit")),
            lambda tx: tx.at_end(lambda: ran.append("at the end")),
            change_my_mind,
        )
    assert ran == ["at the end"]


def test_an_action_that_fails_before_the_commit_undoes_the_block(database: Database, empty: Servers) -> None:
    ran: list[str] = []
    with pytest.raises(ChangedMyMindError):
        in_a_block(
            database,
            adding("Robin"),
            lambda tx: tx.before_commit(change_my_mind),
            lambda tx: tx.at_end(lambda: ran.append("at the end")),
        )
    assert names(empty) == []
    assert ran == ["at the end"]


def test_an_action_that_fails_at_the_end_undoes_nothing_and_stops_no_other(
    database: Database, empty: Servers
) -> None:
    ran: list[str] = []
    with database.transaction(acting_for=SYSTEM) as tx:
        add_user(tx.session, "Robin")
        tx.at_end(change_my_mind)
        tx.at_end(lambda: ran.append("the next"))
    assert names(empty) == ["Robin"]
    assert ran == ["the next"]


def test_the_actor_is_known_inside_and_forgotten_by_the_next_user_of_the_connection(
    database: Database,
) -> None:
    robin = uuid4()
    with database.transaction(acting_for=Actor.listener(robin)) as tx:
        assert tx.session.execute(_ACTOR).one() == ("listener", str(robin))
        backend = backend_of(tx.session)
    with database.engine.connect() as connection:
        assert backend_of(connection) == backend
        # A setting that was local to a transaction reads as empty after it, not as null.
        assert set(connection.execute(_ACTOR).one()) <= {"", None}
    with database.transaction(acting_for=SYSTEM) as tx:
        assert tx.session.execute(_ACTOR).one() == ("system", "")


def test_the_actor_of_a_block_that_failed_is_forgotten_too(database: Database) -> None:
    backends: list[int] = []
    with pytest.raises(ChangedMyMindError):
        in_a_block(
            database,
            lambda tx: backends.append(backend_of(tx.session)),
            change_my_mind,
            acting_for=Actor.listener(uuid4()),
        )
    with database.engine.connect() as connection:
        assert [backend_of(connection)] == backends
        assert set(connection.execute(_ACTOR).one()) <= {"", None}


def test_the_number_of_changed_rows_is_that_of_the_statement(database: Database) -> None:
    rename = text("UPDATE users SET display_name = :new WHERE display_name = :old")
    with database.transaction(acting_for=SYSTEM) as tx:
        add_user(tx.session, "Robin")
        add_user(tx.session, "Robin")
        assert rows_changed(tx.session, rename, {"old": "Robin", "new": "Kim"}) == 2
        assert rows_changed(tx.session, rename, {"old": "Robin", "new": "Kim"}) == 0


def test_a_database_that_cannot_be_reached_is_unavailable() -> None:
    database = Database("postgresql://robin:hunter2@127.0.0.1:1/insights")
    with pytest.raises(UnavailableError) as refusal:
        in_a_block(database)
    assert refusal.value.message == DATABASE_SILENT
    assert "hunter2" not in "".join(traceback.format_exception(refusal.value))


def test_a_connection_that_breaks_inside_a_block_stores_nothing_and_is_replaced(
    database: Database, empty: Servers
) -> None:
    with pytest.raises(UnavailableError):
        in_a_block(
            database,
            adding("Robin"),
            lambda tx: end_backend(empty, backend_of(tx.session)),
            adding("Kim"),
        )
    assert names(empty) == []
    in_a_block(database, adding("Alex"))
    assert names(empty) == ["Alex"]


def test_a_connection_that_broke_while_idle_is_replaced_unnoticed(database: Database, empty: Servers) -> None:
    with database.transaction(acting_for=SYSTEM) as tx:
        backend = backend_of(tx.session)
    end_backend(empty, backend)
    with database.transaction(acting_for=SYSTEM) as tx:
        assert backend_of(tx.session) != backend


def test_a_pool_without_a_free_connection_is_unavailable(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database.engine.pool, "_timeout", 0.1)
    with (
        database.engine.connect(),
        database.engine.connect(),  # the pool's one, and one beyond it
        pytest.raises(UnavailableError) as refusal,
    ):
        in_a_block(database)
    assert refusal.value.message == DATABASE_SILENT


def test_a_lock_that_is_not_given_in_time_is_unavailable(database: Database, empty: Servers) -> None:
    with psycopg.connect(empty.database_url) as other:
        other.execute("LOCK TABLE users IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(UnavailableError):
            in_a_block(
                database,
                lambda tx: tx.session.execute(text("SET LOCAL lock_timeout = '100ms'")),
                adding("Robin"),
            )
        other.rollback()


def in_a_block(
    database: Database, *steps: Callable[[Transaction], object], acting_for: Actor = SYSTEM
) -> None:
    """One transaction that takes these steps."""
    with database.transaction(acting_for=acting_for) as tx:
        for step in steps:
            step(tx)


def adding(name: str) -> Callable[[Transaction], None]:
    return lambda tx: add_user(tx.session, name)


def add_user(session: Session, name: str) -> None:
    session.execute(
        text("INSERT INTO users (id, display_name) VALUES (:id, :name)"), {"id": uuid4(), "name": name}
    )


def names(servers: Servers) -> list[str]:
    """Who is stored, as everybody else sees it."""
    with psycopg.connect(servers.database_url) as connection:
        return [row[0] for row in connection.execute("SELECT display_name FROM users ORDER BY 1")]


def backend_of(connection: Session | Connection) -> int:
    """The server process behind a connection."""
    backend: int = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
    return backend


def end_backend(servers: Servers, backend: int) -> None:
    with psycopg.connect(servers.database_url) as connection:
        connection.execute("SELECT pg_terminate_backend(%s, 5000)", (backend,))


def change_my_mind(*_: object) -> None:
    raise ChangedMyMindError
