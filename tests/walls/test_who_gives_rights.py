"""What somebody may do stands in a row of their own; even there only some actors may change it."""

from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from spotify_insights.database.actor import AUTHENTICATION, LOCAL, OPERATOR, SYSTEM, Actor
from spotify_insights.database.role import DatabaseRole
from walled_people import AsRole, People

API, WORKER, _ = DatabaseRole

RIGHTS = ["role = 'admin'", "role = 'service'", "registered_by = CAST(:other AS uuid)"]
NEW_USER = text("INSERT INTO users (id, role, registered_by) VALUES (:id, :role, :registered_by)")


@pytest.mark.parametrize("rights", RIGHTS)
@pytest.mark.parametrize("role", [API, WORKER])
def test_no_listener_gives_themselves_other_rights(
    database_as: AsRole, people: People, role: DatabaseRole, rights: str
) -> None:
    change = text(f"UPDATE users SET {rights} WHERE id = :id AND CAST(:other AS uuid) IS NOT NULL")  # noqa: S608
    with (
        pytest.raises(ProgrammingError, match="gives nobody other rights"),
        database_as(role).transaction(acting_for=Actor.listener(people.alone)) as tx,
    ):
        tx.session.execute(change, {"id": people.alone, "other": people.other_service})


@pytest.mark.parametrize("who", ["service", "registered"])
def test_no_service_gives_itself_or_its_users_other_rights(
    database_as: AsRole, people: People, who: str
) -> None:
    with (
        pytest.raises(ProgrammingError, match="gives nobody other rights"),
        database_as(API).transaction(acting_for=Actor.service(people.service)) as tx,
    ):
        tx.session.execute(
            text("UPDATE users SET role = 'admin' WHERE id = :id"), {"id": getattr(people, who)}
        )


def test_whoever_looks_up_credentials_changes_nobodys_rights(database_as: AsRole, people: People) -> None:
    with (
        pytest.raises(ProgrammingError, match="gives nobody other rights"),
        database_as(API).transaction(acting_for=AUTHENTICATION) as tx,
    ):
        tx.session.execute(text("UPDATE users SET role = 'admin' WHERE id = :id"), {"id": people.alone})


@pytest.mark.parametrize("new_role", ["admin", "service"])
def test_a_service_registers_nobody_with_more_rights_than_a_user(
    database_as: AsRole, people: People, new_role: str
) -> None:
    row = {"id": uuid4(), "role": new_role, "registered_by": people.service}
    with (
        pytest.raises(ProgrammingError, match="gives nobody other rights"),
        database_as(API).transaction(acting_for=Actor.service(people.service)) as tx,
    ):
        tx.session.execute(NEW_USER, row)


@pytest.mark.parametrize(
    ("role", "actor"),
    [(API, OPERATOR), (API, LOCAL), (API, AUTHENTICATION), (WORKER, SYSTEM)],
    ids=["admin", "local", "authentication", "system"],
)
def test_those_who_make_admins_and_services_may(
    database_as: AsRole, people: People, role: DatabaseRole, actor: Actor
) -> None:
    with database_as(role).transaction(acting_for=actor) as tx:
        for new_role in ("admin", "service"):
            tx.session.execute(NEW_USER, {"id": uuid4(), "role": new_role, "registered_by": None})
        if actor != AUTHENTICATION:
            made = tx.session.execute(
                text("UPDATE users SET role = 'admin' WHERE id = :id"), {"id": people.alone}
            )
            assert made.rowcount == 1  # type: ignore[attr-defined]
        tx.session.rollback()


def test_a_listener_still_changes_what_is_their_own(database_as: AsRole, people: People) -> None:
    with database_as(API).transaction(acting_for=Actor.listener(people.alone)) as tx:
        changed = tx.session.execute(
            text("UPDATE users SET timezone = 'UTC', role = role WHERE id = :id"), {"id": people.alone}
        )
        assert changed.rowcount == 1  # type: ignore[attr-defined]
        tx.session.rollback()
