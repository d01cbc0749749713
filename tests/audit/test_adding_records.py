"""What happens leaves a record that tells who, what and when, and nothing that it should not hold."""

import re
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from spotify_insights.audit.event import AuditEvent
from spotify_insights.audit.models import AuditRecord
from spotify_insights.audit.record import Origin
from spotify_insights.database.actor import AUTHENTICATION, LOCAL, OPERATOR, SYSTEM, Actor
from spotify_insights.database.database import Database
from spotify_insights.database.role import DatabaseRole
from spotify_insights.runtime import Runtime
from spotify_insights.settings import Settings

SOMEBODY, SOMEBODY_ELSE = UUID(int=1), UUID(int=2)
EVERY_ACTOR = [
    Actor.listener(SOMEBODY),
    Actor.service(SOMEBODY),
    Actor.admin(SOMEBODY),
    LOCAL,
    AUTHENTICATION,
    SYSTEM,
    OPERATOR,
]


def records(runtime: Runtime) -> list[AuditRecord]:
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        return list(tx.session.scalars(select(AuditRecord).order_by(AuditRecord.id)))


def test_a_record_tells_who_did_what_to_whose_things(runtime: Runtime) -> None:
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        runtime.audit.record(
            tx,
            AuditEvent.KEY_REVOKED,
            actor=Actor.admin(SOMEBODY),
            subject=SOMEBODY_ELSE,
            target="abcdef123456",
            details={"reason": "by_admin", "count": 1, "scopes": ["keys"]},
            origin=Origin(request_id="0011223344556677", address="192.0.2.0/24"),
        )
    (record,) = records(runtime)
    assert record.event == "key_revoked"
    assert record.actor_role == "admin"
    assert record.actor_hash == runtime.audit.pseudonym(SOMEBODY)
    assert record.subject_hash == runtime.audit.pseudonym(SOMEBODY_ELSE)
    assert (record.target, record.request_id, record.address) == (
        "abcdef123456",
        "0011223344556677",
        "192.0.2.0/24",
    )
    assert record.details == {"reason": "by_admin", "count": 1, "scopes": ["keys"]}
    assert record.at.tzinfo is not None


def test_a_record_is_undone_with_the_thing_itself(runtime: Runtime) -> None:
    def undone() -> None:
        with runtime.database.transaction(acting_for=SYSTEM) as tx:
            runtime.audit.record(tx, AuditEvent.ERASED, actor=SYSTEM)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        undone()
    assert records(runtime) == []


@pytest.mark.parametrize("role", [DatabaseRole.API, DatabaseRole.WORKER])
def test_whoever_acts_leaves_a_record(runtime: Runtime, settings: Settings, role: DatabaseRole) -> None:
    database = Database(settings.database_url.get_secret_value(), role=role)
    try:
        for actor in EVERY_ACTOR:
            with database.transaction(acting_for=actor) as tx:
                runtime.audit.record(tx, AuditEvent.SIGN_IN, actor=actor, subject=actor.user_id)
    finally:
        database.close()
    assert [record.actor_role for record in records(runtime)] == [actor.role for actor in EVERY_ACTOR]


def test_a_pseudonym_stays_the_same_and_tells_people_apart(runtime: Runtime, settings: Settings) -> None:
    other_process = Runtime.from_settings(settings, role=DatabaseRole.API)
    try:
        assert other_process.audit.pseudonym(SOMEBODY) == runtime.audit.pseudonym(SOMEBODY)
    finally:
        other_process.close()
    assert runtime.audit.pseudonym(SOMEBODY) != runtime.audit.pseudonym(SOMEBODY_ELSE)
    assert re.fullmatch("[0-9a-f]{64}", runtime.audit.pseudonym(SOMEBODY))


def test_the_log_of_another_installation_names_the_same_person_otherwise(runtime: Runtime) -> None:
    before = runtime.audit.pseudonym(SOMEBODY)
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        tx.session.connection().exec_driver_sql("DELETE FROM installation_secrets")
    fresh = type(runtime.audit)(type(runtime.installation_secrets)(runtime.database, runtime.sealer))
    assert fresh.pseudonym(SOMEBODY) != before


@pytest.mark.parametrize(
    "details",
    [
        {"display_name": "Robin"},
        {"reason": "robin@example.org typed this and went on for much longer than any reason would" * 2},
        {"reason": str(SOMEBODY)},
        {"reason": SOMEBODY.hex},
        {"reason": "BQDcanary-access-token"},
        {"count": "7"},
        {"count": True},
        {"scopes": "keys"},
        {"scopes": ["keys", str(uuid4())]},
        {"keep_uploads": 1},
        {"reason": {"deeper": "still"}},
    ],
)
def test_details_take_few_words_and_nobodys_own(runtime: Runtime, details: dict[str, Any]) -> None:
    with (
        pytest.raises(ValueError, match="audit log") as refusal,
        runtime.database.transaction(acting_for=SYSTEM) as tx,
    ):
        runtime.audit.record(tx, AuditEvent.SIGN_IN, actor=SYSTEM, details=details)
    assert all(str(value) not in str(refusal.value) for value in details.values())
    assert records(runtime) == []


@pytest.mark.parametrize("target", [str(SOMEBODY), str(SOMEBODY_ELSE).upper(), "AQCcanary-refresh-token"])
def test_the_targetis_no_person_and_no_secret(runtime: Runtime, target: str) -> None:
    with (
        pytest.raises(ValueError, match="names a person or a secret"),
        runtime.database.transaction(acting_for=SYSTEM) as tx,
    ):
        runtime.audit.record(
            tx, AuditEvent.SIGN_IN, actor=Actor.admin(SOMEBODY), subject=SOMEBODY_ELSE, target=target
        )
