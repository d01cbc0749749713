"""Between looking at a password and letting somebody in, it may be changed: then nobody gets in."""

import threading
from collections.abc import Callable, Iterator
from uuid import UUID

import pytest
from pydantic import SecretStr

from access_trials import change
from page_trials import PASSWORD, rows
from spotify_insights.access.scopes import UserRole
from spotify_insights.access.sessions import start_session
from spotify_insights.database.actor import AUTHENTICATION, SYSTEM
from spotify_insights.database.role import DatabaseRole
from spotify_insights.runtime import Runtime
from spotify_insights.settings import Settings
from spotify_insights.sign_in.local_accounts import (
    CheckedPassword,
    change_password,
    check_password,
    create_account,
    new_credentials,
    still_counts,
)

NEW = SecretStr("seven quiet elephants")


@pytest.fixture
def api(settings: Settings) -> Iterator[Runtime]:
    """The parts of an API process over the same servers."""
    built = Runtime.from_settings(settings, role=DatabaseRole.API, process="spotify-insights api")
    yield built
    built.close()


@pytest.fixture
def alice(runtime: Runtime) -> UUID:
    credentials = new_credentials("alice", SecretStr(PASSWORD))
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        return create_account(tx, credentials, role=UserRole.USER)


def checked(api: Runtime) -> CheckedPassword:
    found = check_password(api.database, "alice", SecretStr(PASSWORD))
    assert isinstance(found, CheckedPassword)
    return found


def change_hers(api: Runtime, alice: UUID) -> None:
    change_password(api.database, api.audit, alice, current=SecretStr(PASSWORD), new=NEW, kept_session=None)


def counts(api: Runtime, found: CheckedPassword) -> bool:
    with api.database.transaction(acting_for=AUTHENTICATION) as tx:
        return still_counts(tx, found)


_ENDS: list[Callable[[Runtime, Runtime, UUID], None]] = [
    lambda _runtime, api, alice: change_hers(api, alice),
    lambda runtime, _api, alice: change(runtime, "DELETE FROM users WHERE id = :id", id=alice),
    lambda runtime, _api, alice: change(
        runtime, "UPDATE users SET erasing_since = clock_timestamp() WHERE id = :id", id=alice
    ),
]


@pytest.mark.parametrize("end", _ENDS, ids=["changed", "deleted", "leaving"])
def test_what_was_right_a_moment_ago_lets_nobody_in(
    runtime: Runtime, api: Runtime, alice: UUID, end: Callable[[Runtime, Runtime, UUID], None]
) -> None:
    found = checked(api)
    before = counts(api, found)
    end(runtime, api, alice)

    assert (before, counts(api, found)) == (True, False)


def test_whoever_came_in_while_the_password_was_being_changed_is_out_again(
    runtime: Runtime, api: Runtime, alice: UUID
) -> None:
    found = checked(api)
    changing = threading.Thread(target=change_hers, args=(api, alice))
    with api.database.transaction(acting_for=AUTHENTICATION) as tx:
        assert still_counts(tx, found)
        changing.start()
        while changing.is_alive() and not _somebody_waits(runtime):
            pass
        start_session(tx, alice, days=30, address=None, user_agent=None)
    changing.join()

    assert rows(runtime, "SELECT revoked_at IS NULL FROM sessions") == [(False,)]


def _somebody_waits(runtime: Runtime) -> bool:
    return bool(rows(runtime, "SELECT FROM pg_locks WHERE NOT granted"))
