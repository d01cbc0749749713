"""Registering an identity: the same user every time, however many ask at once."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from uuid import UUID

import pytest
from sqlalchemy import text

from job_trials import at_once, somebody_waits_for_a_lock
from spotify_insights.accounts.register import Identity, Registration, register_user
from spotify_insights.accounts.timezone import check_timezone
from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.database import Database
from spotify_insights.errors import InvalidInputError

ROBIN = Identity(provider="spotify", provider_user_id="robin")


class GaveUpError(Exception):
    """The first caller changes its mind."""


def test_a_new_identity_makes_a_user_and_every_later_call_returns_it_unchanged(database: Database) -> None:
    first = register(database, display_name="Robin", email="robin@example.org", timezone="Europe/Berlin")
    again = register(database, display_name="Somebody else", timezone="Asia/Tokyo")
    assert (first.created, again.created) == (True, False)
    assert again.user_id == first.user_id
    assert users(database) == [(first.user_id, "Robin", "robin@example.org", "Europe/Berlin")]


def test_one_name_at_two_providers_is_two_people(database: Database) -> None:
    here = register(database)
    there = register(database, Identity(provider="lastfm", provider_user_id="robin"))
    assert here.user_id != there.user_id


def test_many_first_calls_at_once_make_one_user(database: Database) -> None:
    for number in range(5):
        identity = Identity(provider="spotify", provider_user_id=f"listener-{number}")

        def call(together: threading.Barrier, identity: Identity = identity) -> Registration:
            together.wait()
            return register(database, identity)

        registrations = at_once(12, call)
        assert len({registration.user_id for registration in registrations}) == 1
        assert sum(registration.created for registration in registrations) == 1
        assert len(users(database)) == number + 1, "a user without an identity was left behind"


def test_who_comes_second_gets_the_user_of_who_came_first(database: Database) -> None:
    first, second = race(database, first_commits=True)
    assert (first.created, second.created) == (True, False)
    assert second.user_id == first.user_id
    assert [user_id for user_id, *_ in users(database)] == [first.user_id]


def test_who_comes_second_creates_the_user_where_the_first_gave_up(database: Database) -> None:
    first, second = race(database, first_commits=False)
    assert (first.created, second.created) == (True, True)
    assert [user_id for user_id, *_ in users(database)] == [second.user_id]


def test_a_service_registers_many_at_once(database: Database) -> None:
    with database.transaction(acting_for=SYSTEM) as tx:
        service = register_user(tx, Identity("spotify", "the-service"), role="service").user_id
    with database.transaction(acting_for=SYSTEM) as first, database.transaction(acting_for=SYSTEM) as second:
        people = [
            register_user(tx, Identity("spotify", name), registered_by=service)
            for tx, name in ((first, "robin"), (second, "sam"))
        ]
    assert [person.created for person in people] == [True, True]


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "europe/berlin", "../etc/passwd", "CET\x00"])
def test_an_unknown_timezone_registers_nobody(database: Database, name: str) -> None:
    with pytest.raises(InvalidInputError) as refusal:
        register(database, timezone=name)
    assert refusal.value.field == "timezone"
    assert refusal.value.message == "The timezone is not known. Use an IANA name such as Europe/Berlin."
    assert users(database) == []


@pytest.mark.parametrize("name", ["UTC", "Europe/Berlin", "Pacific/Kiritimati", "America/Argentina/Ushuaia"])
def test_iana_names_are_timezones(name: str) -> None:
    assert check_timezone(name) == name


def register(
    database: Database,
    identity: Identity = ROBIN,
    *,
    display_name: str | None = None,
    email: str | None = None,
    timezone: str = "UTC",
) -> Registration:
    with database.transaction(acting_for=SYSTEM) as tx:
        return register_user(tx, identity, display_name=display_name, email=email, timezone=timezone)


def users(database: Database) -> list[tuple[UUID, str | None, str | None, str]]:
    with database.transaction(acting_for=SYSTEM) as tx:
        rows = tx.session.execute(text("SELECT id, display_name, email, timezone FROM users"))
        return [tuple(row) for row in rows]


def race(database: Database, *, first_commits: bool) -> tuple[Registration, Registration]:
    """Two first calls: the second begins while the first is not committed, and waits for its end."""
    with ThreadPoolExecutor(1) as pool:
        with suppress(GaveUpError), database.transaction(acting_for=SYSTEM) as tx:
            first = register_user(tx, ROBIN)
            second = pool.submit(register, database)
            assert somebody_waits_for_a_lock(database)
            if not first_commits:
                raise GaveUpError
        return first, second.result(timeout=10)
