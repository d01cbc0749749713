"""Everybody who may stand before the API, each with one of everything that a request can name."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID, uuid4

import httpx2
import psycopg
from fastapi import FastAPI
from sqlalchemy import text

from access_trials import bearer, cookie_header, required_settings
from filled_tables import filled
from operations import Operation, operations_of
from owner_tables import owner_tables
from quick_client import QuickClient, quick_client
from request_table import Id, Request
from spotify_insights.access.scopes import SCOPES_OF_ROLE, Scope, UserRole
from spotify_insights.access.sessions import start_session
from spotify_insights.audit.trail import AuditTrail
from spotify_insights.clock import now
from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.database import Database
from spotify_insights.database.role import DatabaseRole
from spotify_insights.runtime import Runtime
from spotify_insights.settings import Settings
from spotify_insights.web.app import create_app
from stored_rows import a_finished_task, a_snapshot, a_waiting_task, an_insight

Headers = Mapping[str, str]


class Kind(StrEnum):
    """What a credential is."""

    API_KEY = "API key"
    SESSION = "browser session"
    ACCESS_TOKEN = "access token"


@dataclass(frozen=True)
class Somebody:
    """A user of the installation with `ids` of their things.

    Nobody else may ever see one of `markers`, and an admin none of `listening`.
    """

    user_id: UUID
    role: UserRole
    ids: Mapping[Id, str]
    markers: frozenset[str]
    listening: frozenset[str]


# How a credential that once was good is made one that counts no longer.
EXPIRED: Final = "expires_at = clock_timestamp() - interval '1 minute'"
REVOKED: Final = "revoked_at = clock_timestamp()"


class World:
    """The installation that the matrix is about, and the makers of whoever asks."""

    def __init__(self, settings: Settings, runtime: Runtime, app: FastAPI, api: QuickClient) -> None:
        self.settings = settings
        self.app = app
        self.runtime = runtime
        self.api = api
        self.operations: Mapping[str, Operation] = operations_of(app.openapi())
        self.as_migration = Database(settings.database_url.get_secret_value())
        with psycopg.connect(settings.database_url.get_secret_value()) as connection:
            self.tables = owner_tables(connection)

    def close(self) -> None:
        self.as_migration.close()

    def somebody(self, role: UserRole = UserRole.USER, *, registered_by: Somebody | None = None) -> Somebody:
        """Somebody new with a row in every table that belongs to people."""
        user_id = uuid4()
        of_user = {"role": role.value, "registered_by": registered_by and registered_by.user_id}
        with self.as_migration.engine.begin() as connection:
            rows = filled(connection, self.tables, user_id, **of_user)
            connection.execute(text(_FINISH_EXPORT), {"id": rows["stored_files"]["id"]})
            connection.execute(text(_NO_ERASURE), {"user_id": user_id})
        snapshot_id = a_snapshot(self.runtime, user_id)
        ids = {
            Id.USER: user_id,
            Id.TASK: a_finished_task(self.runtime, user_id),
            Id.WAITING_TASK: a_waiting_task(self.runtime, user_id),
            Id.FAILED_JOB: rows["background_jobs"]["id"],
            Id.SNAPSHOT: snapshot_id,
            Id.INSIGHT: an_insight(self.runtime, user_id, snapshot_id),
            Id.EXPORT: rows["stored_files"]["id"],
            Id.IMPORT: rows["imports"]["id"],
            Id.SESSION: self._session_row(user_id),
            Id.KEY: self._key_row(user_id, role),
            Id.INVITATION: uuid4(),
        }
        with self.runtime.database.transaction(acting_for=SYSTEM) as tx:
            tx.session.execute(text(_FAIL), {"id": ids[Id.FAILED_JOB]})
            invitation = {"id": ids[Id.INVITATION], "token_hash": uuid4().hex, "user_id": user_id}
            tx.session.execute(text(_ADD_INVITATION), invitation)
        told = {name: str(value) for name, value in ids.items()}
        return Somebody(
            user_id=user_id,
            role=role,
            ids=told,
            markers=_markers(rows, self.tables.keys()) | {*told.values()},
            listening=_markers(rows, self.tables.keys() - _OF_OPERATORS)
            - {str(user_id), rows["local_accounts"]["username"]},
        )

    def credential(
        self,
        whose: Somebody,
        kind: Kind = Kind.API_KEY,
        *,
        scopes: frozenset[Scope] | None = None,
        spoilt: str | None = None,
    ) -> Headers:
        """The headers of a request by this person, with every scope of their role where none are named.

        Args:
            spoilt: EXPIRED or REVOKED.
        """
        wanted = SCOPES_OF_ROLE[whose.role] if scopes is None else scopes
        match kind:
            case Kind.API_KEY:
                return bearer(self._api_key(whose, wanted, spoilt))
            case Kind.SESSION:
                return cookie_header(self.settings, self._cookie(whose, spoilt))
            case Kind.ACCESS_TOKEN:
                return bearer(self._access_token(whose, wanted, spoilt))

    def ask(
        self, operation: Operation, request: Request, ids: Mapping[Id, str], headers: Headers, **changed: Any
    ) -> httpx2.Response:
        """Send the request with these ids."""
        path, query, body = request.filled(operation.path, ids)
        given = {
            "method": operation.method,
            "url": path,
            "params": query,
            "headers": {**headers},
            "json": body,
        }
        if request.has_file:
            given["files"] = {"file": ("history.json", b"[]")}
        return self.api.request(**{**given, **changed})

    def everything_of(self, whose: Somebody) -> dict[str, list[str]]:
        """All rows that belong to somebody, to see whether any of them changed."""
        with self.as_migration.engine.begin() as connection:
            return {
                name: sorted(
                    connection.scalars(
                        text(f"SELECT {_ROW} FROM {name} r WHERE {table.owner} = :owner"),  # noqa: S608  # names of the catalogue
                        {"owner": whose.user_id},
                    )
                )
                for name, table in self.tables.items()
            }

    def _api_key(self, whose: Somebody, scopes: frozenset[Scope], spoilt: str | None) -> str:
        with self.runtime.database.transaction(acting_for=SYSTEM) as tx:
            key = self.runtime.authenticator.api_keys.create(
                tx,
                whose.user_id,
                name="Matrix",
                scopes=scopes,
                allowed=frozenset(Scope),
                days=30,
                trail=AuditTrail(self.runtime.audit, SYSTEM),
            )
            if spoilt is not None:
                tx.session.execute(
                    text(f"UPDATE api_keys SET {spoilt} WHERE key_id = :key_id"),  # noqa: S608  # a constant
                    {"key_id": key.key_id},
                )
        return key.secret.get_secret_value()

    def _cookie(self, whose: Somebody, spoilt: str | None) -> str:
        with self.runtime.database.transaction(acting_for=SYSTEM) as tx:
            started = start_session(tx, whose.user_id, days=30, address=None, user_agent=None)
            if spoilt is not None:
                tx.session.execute(text(_SPOIL.format(spoilt)), {"id": started.id})
        return started.value.get_secret_value()

    def _access_token(self, whose: Somebody, scopes: frozenset[Scope], spoilt: str | None) -> str:
        session_id = uuid4()
        values = {"id": session_id, "user_id": whose.user_id, "scopes": [scope.value for scope in scopes]}
        with self.runtime.database.transaction(acting_for=SYSTEM) as tx:
            tx.session.execute(text(_ADD_TOKEN_SESSION), values)
            if spoilt == REVOKED:
                tx.session.execute(text(_SPOIL.format(spoilt)), {"id": session_id})
        token = self.runtime.authenticator.access_tokens.issue(
            user_id=whose.user_id,
            session_id=session_id,
            scopes=scopes,
            at=now() - timedelta(hours=1) if spoilt == EXPIRED else None,
        )
        return token.get_secret_value()

    def _session_row(self, user_id: UUID) -> UUID:
        with self.runtime.database.transaction(acting_for=SYSTEM) as tx:
            return start_session(tx, user_id, days=30, address=None, user_agent=None).id

    def _key_row(self, user_id: UUID, role: UserRole) -> str:
        with self.runtime.database.transaction(acting_for=SYSTEM) as tx:
            return self.runtime.authenticator.api_keys.create(
                tx,
                user_id,
                name="Old",
                scopes={Scope.PROFILE_READ},
                allowed=SCOPES_OF_ROLE[role],
                days=30,
                trail=AuditTrail(self.runtime.audit, SYSTEM),
            ).key_id


@contextmanager
def running_world(settings: Settings) -> Iterator[World]:
    """A world over empty tables; its API asks everybody who they are."""
    settings = required_settings(settings)
    runtime = Runtime.from_settings(settings, role=DatabaseRole.WORKER, process="spotify-insights tests")
    app = create_app(Runtime.from_settings(settings, role=DatabaseRole.API), with_relay=False)
    with quick_client(app) as api:
        world = World(settings, runtime, app, api)
        try:
            yield world
        finally:
            world.close()
            runtime.close()


def missing_ids() -> dict[Id, str]:
    """Ids of nothing that there is."""
    return {name: uuid4().hex[:12] if name is Id.KEY else str(uuid4()) for name in Id}


def shows_any(response: httpx2.Response, markers: frozenset[str]) -> set[str]:
    """Which of these values the answer holds, in its body or its headers."""
    shown = response.text + str(response.headers)
    return {marker for marker in markers if marker in shown}


_OF_OPERATORS: Final = frozenset({"users", "one_time_links", "background_jobs", "idempotency_keys"})
# Without the moments of last use, which every request may change.
_ROW: Final = "(to_jsonb(r) - 'last_used_at' - 'last_seen_at')::text"
_FINISH_EXPORT: Final = """
    UPDATE stored_files SET completed_at = clock_timestamp(), sha256 = md5(random()::text) WHERE id = :id
"""
# Whoever is being erased may do nothing any more.
_NO_ERASURE: Final = "DELETE FROM erasures WHERE user_id = :user_id"
_FAIL: Final = """
    UPDATE background_jobs SET status = 'dead', finished_at = clock_timestamp(), error_code = 'matrix',
           error = 'It died.', task_name = 'spotify.refresh_tokens'
     WHERE id = :id
"""
_ADD_INVITATION: Final = """
    INSERT INTO one_time_links (id, purpose, token_hash, created_by, role, expires_at)
    VALUES (:id, 'invitation', :token_hash, :user_id, 'user', clock_timestamp() + interval '1 day')
"""
_SPOIL: Final = "UPDATE sessions SET {} WHERE id = :id"
_ADD_TOKEN_SESSION: Final = """
    INSERT INTO sessions (id, user_id, kind, scopes, expires_at)
    VALUES (:id, :user_id, 'token', :scopes, clock_timestamp() + interval '1 day')
"""


def _markers(rows: Mapping[str, Mapping[str, Any]], tables: Any) -> frozenset[str]:
    """The values of these rows that are like no others."""
    return frozenset(
        str(value)
        for table in tables
        for value in rows[table].values()
        if isinstance(value, UUID) or (isinstance(value, str) and len(value) == 32)
    )
