"""The audit log is added to and read; nobody changes it, and only what is old enough ever goes."""

from collections.abc import Iterator
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from spotify_insights.audit.event import AuditEvent
from spotify_insights.audit.purge import purge_old_records
from spotify_insights.database.actor import AUTHENTICATION, LOCAL, OPERATOR, SYSTEM, Actor
from spotify_insights.database.database import Database
from spotify_insights.database.role import DatabaseRole
from spotify_insights.runtime import Runtime
from spotify_insights.settings import Settings

SOMEBODY = UUID(int=1)
ACTOR_OF = {DatabaseRole.API: OPERATOR, DatabaseRole.WORKER: SYSTEM, DatabaseRole.RELAY: SYSTEM}


@pytest.fixture
def owner(settings: Settings) -> Iterator[psycopg.Connection]:
    """Whoever owns the tables; under the tests' own servers a superuser."""
    with psycopg.connect(settings.database_url.get_secret_value(), autocommit=True) as connection:
        yield connection


def _recorded(runtime: Runtime) -> None:
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        runtime.audit.record(tx, AuditEvent.SIGN_IN, actor=SYSTEM)


def _records(owner: psycopg.Connection, *, days_old: list[int]) -> None:
    owner.execute(
        """INSERT INTO audit_log (id, at, event, actor_role)
           SELECT gen_random_uuid(), clock_timestamp() - make_interval(days => old), 'sign_in', 'system'
             FROM unnest(%s::integer[]) AS old""",
        [days_old],
    )


def _days_left(owner: psycopg.Connection) -> list[int]:
    rows = owner.execute(
        "SELECT extract(day FROM clock_timestamp() - at)::int FROM audit_log ORDER BY at DESC"
    )
    return [days for (days,) in rows]


@pytest.mark.parametrize("role", DatabaseRole)
@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit_log SET event = 'nothing'",
        "DELETE FROM audit_log",
        "TRUNCATE audit_log",
        "ALTER TABLE audit_log DISABLE TRIGGER ALL",
        "DROP TRIGGER never_changed ON audit_log",
    ],
)
def test_no_process_may_change_what_is_recorded(
    runtime: Runtime, settings: Settings, role: DatabaseRole, change: str
) -> None:
    _recorded(runtime)
    database = Database(settings.database_url.get_secret_value(), role=role)

    def changed() -> None:
        with database.transaction(acting_for=ACTOR_OF[role]) as tx:
            tx.session.execute(text(change))

    try:
        with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"):
            changed()
    finally:
        database.close()


def test_the_owner_of_the_table_may_not_change_a_record_either(
    runtime: Runtime, owner: psycopg.Connection
) -> None:
    _recorded(runtime)
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="never changed"):
        owner.execute("UPDATE audit_log SET event = 'nothing'")
    assert owner.execute("SELECT event FROM audit_log").fetchall() == [("sign_in",)]


@pytest.mark.parametrize(
    ("actor", "sees"),
    [
        (Actor.listener(SOMEBODY), 0),
        (Actor.service(SOMEBODY), 0),
        (AUTHENTICATION, 0),
        (Actor.admin(SOMEBODY), 1),
        (LOCAL, 1),
    ],
)
def test_only_those_who_run_the_installation_read_the_log(
    runtime: Runtime, settings: Settings, actor: Actor, sees: int
) -> None:
    _recorded(runtime)
    database = Database(settings.database_url.get_secret_value(), role=DatabaseRole.API)
    try:
        with database.transaction(acting_for=actor) as tx:
            assert tx.session.scalar(text("SELECT count(*) FROM audit_log")) == sees
    finally:
        database.close()


def test_the_relay_has_no_business_with_the_log(runtime: Runtime, settings: Settings) -> None:
    _recorded(runtime)
    database = Database(settings.database_url.get_secret_value(), role=DatabaseRole.RELAY)

    def read() -> None:
        with database.transaction(acting_for=SYSTEM) as tx:
            tx.session.execute(text("SELECT FROM audit_log"))

    try:
        with pytest.raises(ProgrammingError, match="permission denied"):
            read()
    finally:
        database.close()


def test_what_is_older_than_the_retention_goes_oldest_first(
    runtime: Runtime, owner: psycopg.Connection
) -> None:
    _records(owner, days_old=[400, 380, 366, 364, 31, 1])
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        assert purge_old_records(tx, days=365, limit=2) == 2
    assert _days_left(owner) == [1, 31, 364, 366]
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        assert purge_old_records(tx, days=365) == 1
        assert purge_old_records(tx, days=365) == 0
    assert _days_left(owner) == [1, 31, 364]


@pytest.mark.parametrize("days", [0, 29, -1000])
def test_the_last_thirty_days_stay_whatever_is_asked_for(
    runtime: Runtime, owner: psycopg.Connection, days: int
) -> None:
    _records(owner, days_old=[40, 31, 29, 0])
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        assert purge_old_records(tx, days=days) == 2
    assert _days_left(owner) == [0, 29]


@pytest.mark.parametrize("role", [DatabaseRole.API, DatabaseRole.RELAY])
def test_only_a_worker_purges(settings: Settings, role: DatabaseRole) -> None:
    database = Database(settings.database_url.get_secret_value(), role=role)

    def purged() -> None:
        with database.transaction(acting_for=ACTOR_OF[role]) as tx:
            purge_old_records(tx, days=365)

    try:
        with pytest.raises(ProgrammingError, match="permission denied"):
            purged()
    finally:
        database.close()
