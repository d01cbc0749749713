"""People and programs with something to show, for tests of an installation that asks for it.

A folder of tests gets the fixture by naming it in its conftest:

    from access_trials import required_client

    __all__ = ["required_client"]
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from makers import a_user
from spotify_insights.access.authenticate import SessionCookie
from spotify_insights.access.principal import Principal
from spotify_insights.access.refresh_tokens import Family
from spotify_insights.access.scopes import SCOPES_OF_ROLE, Scope, UserRole
from spotify_insights.access.sessions import start_session
from spotify_insights.audit.trail import AuditTrail
from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.role import DatabaseRole
from spotify_insights.runtime import Runtime
from spotify_insights.settings import Settings
from spotify_insights.web.app import create_app
from spotify_insights.web.session_cookie import cookie_name


def required_settings(settings: Settings) -> Settings:
    """The same installation, asking everybody who they are."""
    return settings.model_copy(update={"auth_mode": "required"})


@contextmanager
def running_required(settings: Settings) -> Iterator[TestClient]:
    """The API of that installation in this process, without a relay; the client shows nothing by itself."""
    app = create_app(
        Runtime.from_settings(
            required_settings(settings), role=DatabaseRole.API, process="spotify-insights api"
        ),
        with_relay=False,
    )
    with TestClient(
        app, base_url="http://127.0.0.1:8000", raise_server_exceptions=False, follow_redirects=False
    ) as started:
        yield started


@pytest.fixture
def required_client(settings: Settings) -> Iterator[TestClient]:
    """The API with AUTH_MODE=required."""
    with running_required(settings) as client:
        yield client


def cookie_header(settings: Settings, value: str) -> dict[str, str]:
    """The headers with which a browser shows its session."""
    return {"Cookie": f"{cookie_name(settings)}={value}", "Sec-Fetch-Site": "same-origin"}


def bearer(credential: str) -> dict[str, str]:
    """The header with which a program shows its key or token."""
    return {"Authorization": f"Bearer {credential}"}


def give_role(runtime: Runtime, user_id: UUID, role: UserRole) -> None:
    """Make somebody something else."""
    change(runtime, "UPDATE users SET role = :role WHERE id = :user_id", role=role.value, user_id=user_id)


def an_admin(runtime: Runtime) -> UUID:
    """Somebody who runs the installation."""
    return _of_role(runtime, UserRole.ADMIN)


def a_service(runtime: Runtime) -> UUID:
    """A program with an account of its own."""
    return _of_role(runtime, UserRole.SERVICE)


def role_of(runtime: Runtime, user_id: UUID) -> UserRole:
    """What somebody is."""
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        statement = text("SELECT role FROM users WHERE id = :user_id")
        return UserRole(tx.session.execute(statement, {"user_id": user_id}).scalar_one())


def a_session(runtime: Runtime, user_id: UUID) -> str:
    """The cookie's value of somebody who has just signed in with a browser."""
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        started = start_session(tx, user_id, days=30, address="192.0.2.7", user_agent="Trial/1.0")
    return started.value.get_secret_value()


def a_principal(runtime: Runtime, user_id: UUID) -> Principal:
    """Somebody as their request is recognised, with a new session of theirs."""
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        return runtime.authenticator.recognise(tx, SessionCookie(a_session(runtime, user_id))).principal


def an_api_key(runtime: Runtime, user_id: UUID, scopes: Collection[Scope] | None = None) -> str:
    """The text of a new key of this user; it may do everything that they may, unless scopes are named."""
    possible = SCOPES_OF_ROLE[role_of(runtime, user_id)]
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        key = runtime.authenticator.api_keys.create(
            tx,
            user_id,
            name="Trial",
            scopes=possible if scopes is None else scopes,
            allowed=possible,
            trail=AuditTrail(runtime.audit, SYSTEM),
        )
    return key.secret.get_secret_value()


def key_id_of(key: str) -> str:
    """The public part of a key."""
    return key.split("_")[1]


def a_family(runtime: Runtime, user_id: UUID, scopes: Collection[Scope] | None = None) -> Family:
    """Somebody's program that was given tokens."""
    possible = SCOPES_OF_ROLE[role_of(runtime, user_id)]
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        return runtime.refresh_tokens.begin(
            tx,
            user_id,
            scopes=possible if scopes is None else scopes,
            api_key_id=None,
            address=None,
            user_agent="Program/1.0",
        )


def an_access_token(runtime: Runtime, user_id: UUID, scopes: Collection[Scope] | None = None) -> str:
    """An access token of this user, good for ten minutes."""
    return access_token_of(runtime, a_family(runtime, user_id, scopes))


def access_token_of(runtime: Runtime, family: Family) -> str:
    """One more access token of this family."""
    issued = runtime.authenticator.access_tokens.issue(
        user_id=family.user_id, session_id=family.session_id, scopes=family.scopes
    )
    return issued.get_secret_value()


def expire_everything(runtime: Runtime, user_id: UUID) -> None:
    """Let all that this user could show have ended by itself a minute ago; access tokens go with theirs."""
    ended = "expires_at = clock_timestamp() - interval '1 minute'"
    for table in ("sessions", "api_keys", "refresh_tokens"):
        change(runtime, f"UPDATE {table} SET {ended} WHERE user_id = :user_id", user_id=user_id)  # noqa: S608


def revoke_everything(runtime: Runtime, user_id: UUID) -> None:
    """Revoke all that this user could show."""
    for table in ("sessions", "api_keys"):
        revoked = f"UPDATE {table} SET revoked_at = clock_timestamp() WHERE user_id = :user_id"  # noqa: S608
        change(runtime, revoked, user_id=user_id)


def change(runtime: Runtime, statement: str, **parameters: Any) -> None:
    """Change rows behind the program's back."""
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        tx.session.execute(text(statement), parameters)


def _of_role(runtime: Runtime, role: UserRole) -> UUID:
    user_id = a_user(runtime)
    give_role(runtime, user_id, role)
    return user_id
