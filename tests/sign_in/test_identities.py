"""Whose an account at a provider is: known by what never changes, and by its name where there is no more."""

import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from job_trials import at_once
from sign_in_journeys import rows
from spotify_insights.accounts.register import (
    AnotherIdentityError,
    ForeignIdentityError,
    Identity,
    add_identity,
    register_user,
    user_of,
)
from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.database import Database

NAMED = Identity("spotify", "robin")
LASTING = Identity("spotify", "robin", "account-1")


def test_the_lasting_id_outlives_the_name(database: Database) -> None:
    with database.transaction(acting_for=SYSTEM) as tx:
        robin = register_user(tx, NAMED).user_id
        assert register_user(tx, LASTING).user_id == robin
        assert user_of(tx.session, Identity("spotify", "renamed", "account-1")) == robin
        assert user_of(tx.session, NAMED) is None
    [identity] = rows(database, "user_identities", "provider_user_id, account_id")
    assert identity == {"provider_user_id": "renamed", "account_id": "account-1"}


def test_another_account_under_the_same_name_is_not_let_in(database: Database) -> None:
    with database.transaction(acting_for=SYSTEM) as tx:
        register_user(tx, LASTING)
    with pytest.raises(ForeignIdentityError), database.transaction(acting_for=SYSTEM) as tx:
        register_user(tx, Identity("spotify", "robin", "account-2"))
    assert len(rows(database, "users")) == 1


def test_what_two_services_and_the_person_say_are_three_people(database: Database) -> None:
    with database.transaction(acting_for=SYSTEM) as tx:
        services = [register_user(tx, Identity("spotify", name), role="service").user_id for name in "ab"]
        people = {register_user(tx, LASTING, registered_by=service).user_id for service in services}
        people.add(register_user(tx, LASTING).user_id)
        again = {register_user(tx, LASTING, registered_by=service).created for service in services}
    assert len(people) == 3
    assert again == {False}


def test_nobody_has_two_accounts_of_one_provider(database: Database) -> None:
    with database.transaction(acting_for=SYSTEM) as tx:
        robin = register_user(tx, LASTING).user_id
        assert add_identity(tx, robin, Identity("listenbrainz", "robin"))
        assert not add_identity(tx, robin, Identity("listenbrainz", "robin"))
        with pytest.raises(AnotherIdentityError):
            add_identity(tx, robin, Identity("listenbrainz", "somebody-else"))


def test_of_two_who_claim_one_account_at_once_one_gets_it(database: Database) -> None:
    with database.transaction(acting_for=SYSTEM) as tx:
        people = [register_user(tx, Identity("spotify", name)).user_id for name in "ab"]
    waiting = iter(people)
    guard = threading.Lock()

    def claim(together: threading.Barrier) -> str:
        with guard:
            user_id = next(waiting)
        together.wait()
        try:
            with database.transaction(acting_for=SYSTEM) as tx:
                add_identity(tx, user_id, Identity("listenbrainz", "robin"))
        except ForeignIdentityError:
            return "refused"
        return "claimed"

    assert sorted(at_once(2, claim)) == ["claimed", "refused"]


_ids = st.sampled_from(["1", "2", "3"])
_shown = st.lists(st.tuples(_ids, st.none() | _ids), max_size=12)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_shown)
def test_one_account_is_one_user_whatever_is_shown_in_whichever_order(
    database: Database, shown: list[tuple[str, str | None]]
) -> None:
    """Two users never share an id, and one user is never met under two lasting ids."""
    with database.transaction(acting_for=SYSTEM) as tx, tx.session.begin_nested() as undone:
        met: dict[str, set[object]] = {}
        for name, account_id in shown:
            try:
                user_id = register_user(tx, Identity("spotify", name, account_id)).user_id
            except ForeignIdentityError:
                continue
            if account_id is not None:
                met.setdefault(account_id, set()).add(user_id)
        assert all(len(users) == 1 for users in met.values())
        everybody = [next(iter(users)) for users in met.values()]
        assert len(everybody) == len(set(everybody))
        undone.rollback()
