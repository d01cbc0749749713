"""Between looking at a password and letting somebody in, it may be changed: then nobody gets in."""

import threading
from collections.abc import Callable, Iterator
from uuid import UUID

import pytest
from pydantic import SecretStr

from access_trials import a_principal, an_api_key, change
from page_trials import PASSWORD, rows, start_until_it_waits
from spotify_insights.access.one_time_links import LinkOverError, hash_of_token
from spotify_insights.access.owner import lock_owner
from spotify_insights.access.scopes import Scope, UserRole
from spotify_insights.access.sessions import end_other_sessions, start_session
from spotify_insights.access.still_allowed import still_allowed
from spotify_insights.audit.trail import AuditTrail
from spotify_insights.database.actor import AUTHENTICATION, OPERATOR, SYSTEM, Actor
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
from spotify_insights.sign_in.password_reset import create_reset_link, reset_password

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
        start_until_it_waits(runtime, changing)
        # As where tokens are given: neither waits for the other without end.
        lock_owner(tx, alice)
        start_session(tx, alice, days=30, address=None, user_agent=None)
    changing.join()

    assert rows(runtime, "SELECT revoked_at IS NULL FROM sessions") == [(False,)]


def a_reset_link(api: Runtime, alice: UUID) -> str:
    with api.database.transaction(acting_for=AUTHENTICATION) as tx:
        link = create_reset_link(tx, alice, trail=AuditTrail(api.audit, OPERATOR))
    return hash_of_token(link.token.get_secret_value())


def reset_hers(api: Runtime, alice: UUID) -> None:
    reset_password(api.database, api.audit, token_hash=a_reset_link(api, alice), password=NEW)


def sign_her_out_everywhere(api: Runtime, alice: UUID) -> None:
    with api.database.transaction(acting_for=Actor.listener(alice)) as tx:
        end_other_sessions(tx, alice, kept=None, trail=AuditTrail(api.audit, Actor.listener(alice)))


@pytest.mark.parametrize(
    ("end", "keys_end"), [(change_hers, False), (reset_hers, True), (sign_her_out_everywhere, False)]
)
def test_what_is_being_made_with_a_session_ends_with_it(
    runtime: Runtime, api: Runtime, alice: UUID, end: Callable[[Runtime, UUID], None], *, keys_end: bool
) -> None:
    asked = a_principal(runtime, alice)
    ending = threading.Thread(target=end, args=(api, alice))
    with api.database.transaction(acting_for=Actor.listener(alice)) as tx:
        allowed = still_allowed(tx, asked)
        start_until_it_waits(runtime, ending)
        trail = AuditTrail(api.audit, Actor.listener(alice))
        api.authenticator.api_keys.create(
            tx, alice, name="Late", scopes=allowed, allowed=allowed, trail=trail
        )
        start_session(tx, alice, days=30, address=None, user_agent=None)
    ending.join()

    assert rows(runtime, "SELECT revoked_at IS NULL FROM sessions") == [(False,), (False,)]
    assert rows(runtime, "SELECT revoked_at IS NOT NULL FROM api_keys") == [(keys_end,)]


def test_tokens_that_are_given_for_a_key_while_the_password_is_reset_end_with_it(
    runtime: Runtime, api: Runtime, alice: UUID
) -> None:
    an_api_key(runtime, alice)
    [(api_key_id,)] = rows(runtime, "SELECT id FROM api_keys")
    resetting = threading.Thread(target=reset_hers, args=(api, alice))
    with api.database.transaction(acting_for=Actor.listener(alice)) as tx:
        api.refresh_tokens.begin(
            tx, alice, scopes=[Scope.KEYS], api_key_id=api_key_id, address=None, user_agent=None
        )
        start_until_it_waits(runtime, resetting)
    resetting.join()

    assert rows(runtime, "SELECT kind, revoked_at IS NULL FROM sessions") == [("token", False)]


def test_of_two_links_that_are_made_at_once_one_works(runtime: Runtime, api: Runtime, alice: UUID) -> None:
    second = threading.Thread(target=a_reset_link, args=(api, alice))
    with api.database.transaction(acting_for=AUTHENTICATION) as tx:
        create_reset_link(tx, alice, trail=AuditTrail(api.audit, OPERATOR))
        start_until_it_waits(runtime, second)
    second.join()

    assert rows(runtime, "SELECT count(*) FROM one_time_links WHERE expires_at > clock_timestamp()") == [(1,)]


@pytest.mark.parametrize("by_link", [False, True])
def test_a_new_password_ends_the_links_that_lead_to_another_one(
    runtime: Runtime, api: Runtime, alice: UUID, *, by_link: bool
) -> None:
    older = a_reset_link(api, alice)
    # Out of sight while the newer one is made, so that there are two.
    change(runtime, "UPDATE one_time_links SET user_id = NULL")
    newer = a_reset_link(api, alice)
    change(runtime, "UPDATE one_time_links SET user_id = :alice", alice=alice)
    if by_link:
        reset_password(api.database, api.audit, token_hash=newer, password=NEW)
    else:
        change_hers(api, alice)

    for token_hash in (older, newer):
        with pytest.raises(LinkOverError):
            reset_password(
                api.database, api.audit, token_hash=token_hash, password=SecretStr("eight loud ones")
            )
