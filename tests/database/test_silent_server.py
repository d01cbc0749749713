"""A server that says nothing any more: whoever works with it goes on in time, and no connection is lost."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import cast
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import text

from frozen_postgres import frozen_backend, frozen_server, server_to_freeze
from server_trials import eventually
from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.connection import CONNECT_SECONDS, connection_parameters
from spotify_insights.database.database import (
    CHANGES_MET,
    COMMIT_UNANSWERED,
    DATABASE_READ_ONLY,
    DATABASE_SILENT,
    Database,
    Transaction,
)
from spotify_insights.embedded.postgres import EmbeddedPostgres
from spotify_insights.errors import UnavailableError

PATIENCE = 1.0
# A machine that is busy for a moment is no failure; to wait for ever is one.
AT_MOST_SECONDS = 8.0

Step = Callable[[Transaction], object]


class ChangedMyMindError(Exception):
    """Something that goes wrong inside a block."""


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    with server_to_freeze(tmp_path_factory.mktemp("postgres") / "data") as server:
        yield server


@pytest.fixture
def database(postgres: EmbeddedPostgres) -> Iterator[Database]:
    """A pool of one connection, so that whatever one transaction leaves behind the next one meets."""
    opened = Database(postgres.url, pool_size=1, patience=PATIENCE)
    in_a_block(opened, lambda tx: tx.session.execute(text("DELETE FROM users")))
    yield opened
    opened.close()


@pytest.fixture
def freezing() -> Iterator[ExitStack]:
    """Whatever is frozen inside a test moves again after it."""
    with ExitStack() as frozen:
        yield frozen


def in_a_block(database: Database, *steps: Step) -> None:
    with database.transaction(acting_for=SYSTEM) as tx:
        for step in steps:
            step(tx)


def backend_of(tx: Transaction) -> int:
    """The server process behind this transaction."""
    return cast("int", tx.session.scalar(text("SELECT pg_backend_pid()")))


def backend(database: Database) -> int:
    with database.transaction(acting_for=SYSTEM) as tx:
        return backend_of(tx)


def adding(name: str) -> Step:
    add = text("INSERT INTO users (id, display_name) VALUES (:id, :name)")
    return lambda tx: tx.session.execute(add, {"id": uuid4(), "name": name})


def touching(name: str) -> Step:
    touch = text("UPDATE users SET updated_at = clock_timestamp() WHERE display_name = :name")
    return lambda tx: tx.session.execute(touch, {"name": name})


def running(statement: str) -> Step:
    return lambda tx: tx.session.execute(text(statement))


def names(database: Database) -> list[str]:
    with database.transaction(acting_for=SYSTEM) as tx:
        return list(tx.session.scalars(text("SELECT display_name FROM users ORDER BY 1")))


def refusal_of(database: Database, *steps: Step) -> str:
    with pytest.raises(UnavailableError) as refusal:
        in_a_block(database, *steps)
    return refusal.value.message


def answers(database: Database) -> bool:
    try:
        return backend(database) > 0
    except UnavailableError:
        return False


def test_an_idle_connection_that_fell_silent_is_replaced_without_the_patience_for_an_answer(
    database: Database, freezing: ExitStack
) -> None:
    patient = database.with_patience(60.0)
    silent = backend(patient)
    freezing.enter_context(frozen_backend(silent))
    began = time.monotonic()

    assert backend(patient) != silent

    assert time.monotonic() - began < AT_MOST_SECONDS


def test_a_statement_without_an_answer_is_given_up_and_stores_nothing(
    database: Database, freezing: ExitStack
) -> None:
    def freeze(tx: Transaction) -> None:
        freezing.enter_context(frozen_backend(backend_of(tx)))

    began = time.monotonic()

    assert refusal_of(database, adding("Robin"), freeze, adding("Kim")) == DATABASE_SILENT

    assert PATIENCE <= time.monotonic() - began < AT_MOST_SECONDS
    assert names(database) == []
    freezing.close()
    assert names(database) == []


def test_somebody_with_more_patience_waits_longer_over_the_same_connections(
    database: Database, freezing: ExitStack
) -> None:
    def thaw_after_a_while(tx: Transaction) -> None:
        freezing.enter_context(frozen_backend(backend_of(tx)))
        timer = threading.Timer(2 * PATIENCE, freezing.close)
        timer.start()

    in_a_block(database.with_patience(60.0), adding("Robin"), thaw_after_a_while, adding("Kim"))

    assert names(database) == ["Kim", "Robin"]


def test_a_commit_without_an_answer_does_not_claim_that_nothing_was_changed(
    database: Database, freezing: ExitStack
) -> None:
    def freeze_before_commit(tx: Transaction) -> None:
        silent = backend_of(tx)
        tx.before_commit(lambda: freezing.enter_context(frozen_backend(silent)))

    assert refusal_of(database, adding("Robin"), freeze_before_commit) == COMMIT_UNANSWERED

    freezing.close()
    # The question was there before we left: this server answers it, and nobody hears.
    assert eventually(lambda: names(database) == ["Robin"])


def test_a_block_that_fails_does_not_wait_for_its_rollback_without_bound(
    database: Database, freezing: ExitStack
) -> None:
    def freeze_and_fail(tx: Transaction) -> None:
        freezing.enter_context(frozen_backend(backend_of(tx)))
        raise ChangedMyMindError

    began = time.monotonic()

    with pytest.raises((ChangedMyMindError, UnavailableError)):
        in_a_block(database, adding("Robin"), freeze_and_fail)

    assert time.monotonic() - began < AT_MOST_SECONDS
    assert names(database) == []


@pytest.mark.slow  # it waits for the time limits themselves
def test_no_connection_is_lost_to_a_server_that_stands_still(
    postgres: EmbeddedPostgres, freezing: ExitStack
) -> None:
    database = Database(postgres.url, pool_size=2, patience=PATIENCE)
    freezing.callback(database.close)
    backend(database)
    assert postgres.pid is not None

    with frozen_server(postgres.pid), ThreadPoolExecutor(10) as threads:
        began = time.monotonic()
        refusals = list(threads.map(lambda _: refusal_of(database, running("SELECT 1")), range(10)))
        assert time.monotonic() - began < AT_MOST_SECONDS

    assert set(refusals) == {DATABASE_SILENT}
    assert eventually(lambda: answers(database), within=AT_MOST_SECONDS)
    # All that the pool may ever have, held at the same time.
    with ExitStack() as held:
        opened = [held.enter_context(database.transaction(acting_for=SYSTEM)) for _ in range(4)]
        assert len({backend_of(tx) for tx in opened}) == 4


@pytest.mark.slow
def test_a_queue_does_not_wait_for_the_same_silence_one_after_the_other(
    postgres: EmbeddedPostgres, freezing: ExitStack
) -> None:
    database = Database(postgres.url, pool_size=1)
    freezing.callback(database.close)
    assert postgres.pid is not None
    with frozen_server(postgres.pid):
        began = time.monotonic()
        for _ in range(6):
            assert refusal_of(database) == DATABASE_SILENT
        assert time.monotonic() - began < 2 * CONNECT_SECONDS
    assert eventually(lambda: answers(database), within=AT_MOST_SECONDS)


def test_a_statement_that_takes_too_long_is_ended_in_the_server_and_its_connection_kept(
    database: Database,
) -> None:
    used = backend(database)

    assert refusal_of(database, running("SELECT pg_sleep(60)")) == DATABASE_SILENT

    assert backend(database) == used


@pytest.mark.slow  # it waits for the time limits themselves
def test_whoever_has_no_limit_waits_for_a_statement_that_takes_long(
    postgres: EmbeddedPostgres, freezing: ExitStack
) -> None:
    database = Database(postgres.url, pool_size=1, patience=None)
    freezing.callback(database.close)
    in_a_block(database, running("SELECT pg_sleep(0.5)"))
    with database.engine.begin() as connection:
        # Longer than a connection is given to show that it is alive, or to be made.
        connection.execute(text("SELECT pg_sleep(2.5)"))


def test_changes_that_met_in_a_deadlock_say_so(postgres: EmbeddedPostgres, freezing: ExitStack) -> None:
    database = Database(postgres.url, pool_size=2)
    freezing.callback(database.close)
    in_a_block(database, running("DELETE FROM users"), adding("Robin"), adding("Kim"))
    both_hold_one = threading.Barrier(2)

    def change(first: str, second: str) -> str | None:
        try:
            in_a_block(database, touching(first), lambda _: both_hold_one.wait(10), touching(second))
        except UnavailableError as error:
            return error.message
        return None

    with ThreadPoolExecutor(2) as threads:
        outcomes = list(threads.map(change, ["Robin", "Kim"], ["Kim", "Robin"]))

    assert set(outcomes) == {CHANGES_MET, None}


def test_changes_that_cannot_be_put_in_an_order_say_so(
    database: Database, postgres: EmbeddedPostgres
) -> None:
    in_a_block(database, adding("Robin"))

    def change_elsewhere(_: Transaction) -> None:
        with psycopg.connect(postgres.url) as other:
            other.execute("UPDATE users SET display_name = 'Kim'")

    assert (
        refusal_of(
            database,
            # The actor was set by a query already, after which a transaction keeps its isolation.
            running("COMMIT"),
            running("BEGIN ISOLATION LEVEL REPEATABLE READ"),
            running("SELECT count(*) FROM users"),
            change_elsewhere,
            touching("Robin"),
        )
        == CHANGES_MET
    )


def test_a_server_that_only_reads_is_unavailable_for_changes(database: Database) -> None:
    refusal = refusal_of(database, running("SET TRANSACTION READ ONLY"), adding("Robin"))
    assert refusal == DATABASE_READ_ONLY
    assert names(database) == []


@pytest.mark.parametrize(
    "sqlstate", ["53100", "53200", "53300", "53400", "57P01", "57P02", "57P03", "25P03", "25P04"]
)
def test_a_server_without_room_or_about_to_stop_is_unavailable(database: Database, sqlstate: str) -> None:
    raising = f"DO $$ BEGIN RAISE SQLSTATE '{sqlstate}'; END $$"
    assert refusal_of(database, running(raising)) == DATABASE_SILENT


def test_the_kernel_watches_connections_unless_the_address_says_otherwise() -> None:
    def watched(address: str) -> tuple[int, int]:
        parameters = connection_parameters(address, application_name="a test")
        return int(parameters["keepalives_idle"]), int(parameters["tcp_user_timeout"])

    idle, unanswered = watched("postgresql://robin@10.0.0.1/insights")
    assert 0 < idle <= 60
    assert 0 < unanswered <= 60_000
    given = "postgresql://robin@10.0.0.1/insights?keepalives_idle=7&tcp_user_timeout=8000"
    assert watched(given) == (7, 8000)
