"""Bringing a database up and down: from nothing, at once by several, and never over a newer version."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psycopg
import pytest
from sqlalchemy import make_url
from sqlalchemy.exc import ProgrammingError

from conftest import Servers
from fresh_database import catalogue_of, fresh_database
from spotify_insights.database import upgrade
from spotify_insights.database.database import Database
from spotify_insights.database.upgrade import (
    check_database,
    downgrade_database,
    is_current,
    upgrade_database,
)
from spotify_insights.errors import SetupError
from spotify_insights.tables import metadata


def take_all_back(database_url: str) -> None:
    downgrade_database(database_url, "base")


@pytest.fixture
def fresh(servers: Servers) -> Iterator[str]:
    with fresh_database(servers.database_url) as url:
        yield url


def test_an_empty_database_becomes_current_goes_back_to_nothing_and_becomes_current_again(fresh: str) -> None:
    assert not current(fresh)
    upgrade_database(fresh)
    assert current(fresh)
    first = catalogue_of(fresh)

    downgrade_database(fresh, "base")
    assert not current(fresh)
    assert all(not found for found in catalogue_of(fresh).values())

    upgrade_database(fresh)
    check_database(fresh, metadata)
    assert catalogue_of(fresh) == first


def test_upgrading_again_changes_nothing(fresh: str) -> None:
    upgrade_database(fresh)
    with psycopg.connect(fresh) as connection:
        connection.execute("INSERT INTO users (id, display_name) VALUES (gen_random_uuid(), 'Robin')")
    before = catalogue_of(fresh)
    upgrade_database(fresh)
    assert catalogue_of(fresh) == before
    with psycopg.connect(fresh) as connection:
        assert connection.execute("SELECT display_name FROM users").fetchall() == [("Robin",)]


def test_replicas_that_start_together_all_succeed(fresh: str) -> None:
    together = threading.Barrier(4)

    def start() -> None:
        together.wait()
        upgrade_database(fresh)

    with ThreadPoolExecutor(4) as pool:
        for started in [pool.submit(start) for _ in range(4)]:
            started.result()
    check_database(fresh, metadata)


def test_a_migration_that_fails_leaves_nothing_behind(fresh: str) -> None:
    with psycopg.connect(fresh) as connection:
        connection.execute("CREATE TABLE users (of_somebody_else int)")
    before = catalogue_of(fresh)
    with pytest.raises(ProgrammingError):
        upgrade_database(fresh)
    assert catalogue_of(fresh) == before


@pytest.mark.parametrize("change", [upgrade_database, take_all_back])
def test_a_database_of_a_newer_version_is_refused(fresh: str, change: Callable[[str], None]) -> None:
    upgrade_database(fresh)
    with psycopg.connect(fresh) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    before = catalogue_of(fresh)
    assert not current(fresh)
    with pytest.raises(SetupError) as refusal:
        change(fresh)
    assert refusal.value.message == (
        "This database was upgraded by a newer version (schema 9999). "
        "Start that version or newer, or restore a backup made with this one."
    )
    assert catalogue_of(fresh) == before


@pytest.mark.parametrize("change", [upgrade_database, take_all_back])
def test_a_table_that_stays_locked_is_left_alone(
    fresh: str, change: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    upgrade_database(fresh)
    monkeypatch.setattr(upgrade, "WAIT_FOR_TABLES", "100ms")
    before = catalogue_of(fresh)
    # Reading the version is the first thing that touches a table, and what every later migration begins with.
    with locked(fresh, "LOCK TABLE alembic_version IN ACCESS EXCLUSIVE MODE"):
        assert_busy(fresh, change)
    assert catalogue_of(fresh) == before


@pytest.mark.parametrize("change", [upgrade_database, take_all_back])
def test_an_upgrade_of_somebody_else_is_not_waited_for_without_end(
    fresh: str, change: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upgrade, "WAIT_FOR_OTHERS", "100ms")
    with locked(fresh, f"SELECT pg_advisory_xact_lock({upgrade._ADVISORY_LOCK})"):
        assert_busy(fresh, change)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://robin:hunter2@127.0.0.1:1/insights", "The database at 127.0.0.1 cannot be used: "),
        ("postgresql:///insights?host=/nowhere", "The database at its socket cannot be used: "),
        ("postgresql://robin:hunter2@[::1/insights", "DATABASE_URL cannot be read"),
        ("postgresql://robin:hunter2%zz@127.0.0.1:1/insights", "DATABASE_URL cannot be read"),
        ("postgresql://robin:x@hunter2@127.0.0.1:1/insights", "DATABASE_URL cannot be read"),
        ("postgresql://robin:hunter2@127.0.0.1:1/insights?colour=blue", "DATABASE_URL cannot be read"),
    ],
)
def test_a_wrong_address_is_told_without_its_password(url: str, said: str) -> None:
    with pytest.raises(SetupError) as refusal:
        upgrade_database(url)
    assert refusal.value.message.startswith(said)
    assert "DATABASE_URL" in refusal.value.message
    assert "\n" not in refusal.value.message
    assert "hunter2" not in refusal.value.message
    assert refusal.value.__cause__ is None


def test_a_wrong_user_is_told_without_the_password(servers: Servers) -> None:
    wrong = make_url(servers.database_url).set(username="nobody_we_know", password="hunter2")
    with pytest.raises(SetupError) as refusal:
        upgrade_database(wrong.render_as_string(hide_password=False))
    assert "nobody_we_know" in refusal.value.message
    assert "hunter2" not in refusal.value.message


def current(database_url: str) -> bool:
    database = Database(database_url, pool_size=1)
    try:
        return is_current(database)
    finally:
        database.close()


def assert_busy(database_url: str, change: Callable[[str], None]) -> None:
    with pytest.raises(SetupError) as refusal:
        change(database_url)
    assert refusal.value.message == (
        "The database is busy: its tables stayed locked, and nothing was changed. Try again later."
    )


@contextmanager
def locked(database_url: str, statement: str) -> Iterator[None]:
    """Somebody else's open transaction that holds a lock."""
    with psycopg.connect(database_url) as connection:
        connection.execute(statement.encode())
        yield
        connection.rollback()


def test_a_role_that_may_not_make_tables_is_told_so(fresh: str) -> None:
    with psycopg.connect(fresh, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS reader_of_tests")
        connection.execute("CREATE ROLE reader_of_tests LOGIN PASSWORD 'canary'")
    limited = make_url(fresh).set(username="reader_of_tests", password="canary")
    try:
        with pytest.raises(SetupError, match="may not change tables") as told:
            upgrade_database(limited.render_as_string(hide_password=False))
        assert "canary" not in told.value.message
    finally:
        with psycopg.connect(fresh, autocommit=True) as connection:
            connection.execute("DROP ROLE reader_of_tests")
