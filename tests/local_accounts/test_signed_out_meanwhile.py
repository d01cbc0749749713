"""Who is signed out between being recognised and being served makes nothing that lasts."""

import threading
from typing import Any

import pytest
from httpx2 import Response
from pydantic import SecretStr
from sqlalchemy import text
from starlette.testclient import TestClient

from access_trials import a_session, an_admin, change, cookie_header
from page_trials import PASSWORD, rows, start_until_it_waits
from spotify_insights.access.scopes import UserRole
from spotify_insights.database.actor import SYSTEM
from spotify_insights.pretend_spotify.listenbrainz import user_token_of
from spotify_insights.runtime import Runtime
from spotify_insights.sign_in.local_accounts import create_account, new_credentials

MAKERS: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/api/keys", {"json": {"name": "Late", "scopes": ["keys"]}}),
    ("POST", "/api/admin/invitations", {"json": {"role": "admin"}}),
    ("POST", "/api/admin/services", {"json": {"name": "Late"}}),
    ("POST", "/api/admin/users/{sam}/password-reset", {}),
    ("PATCH", "/api/admin/users/{sam}", {"json": {"role": "admin"}}),
    ("POST", "/account/keys", {"data": {"name": "Late", "scopes": "keys", "days": "90"}}),
    ("POST", "/people/invitations", {"data": {"role": "admin", "days": "90"}}),
    ("POST", "/people/{sam}/password-reset", {}),
    ("POST", "/people/{sam}/role", {"data": {"role": "admin"}}),
    ("POST", "/auth/listenbrainz", {"data": {"token": user_token_of("omnivore")}}),
]
_LASTING = """
    SELECT (SELECT count(*) FROM api_keys), (SELECT count(*) FROM one_time_links),
           (SELECT count(*) FROM user_identities), (SELECT count(*) FROM users),
           (SELECT count(*) FROM users WHERE role = 'admin')
"""
_END_SESSIONS = "UPDATE sessions SET revoked_at = clock_timestamp()"
_DEMOTE = "UPDATE users SET role = 'user'"


def asked_while(
    runtime: Runtime, site: TestClient, maker: tuple[str, str, dict[str, Any]], happens: str
) -> Response:
    """The answer to an admin for whom `happens` after they were recognised, before anything is made."""
    robin = an_admin(runtime)
    headers = cookie_header(runtime.settings, a_session(runtime, robin))
    credentials = new_credentials("sam", SecretStr(PASSWORD))
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        sam = create_account(tx, credentials, role=UserRole.USER)
    method, path, sent = maker
    answers: list[Response] = []
    asking = threading.Thread(
        target=lambda: answers.append(
            site.request(method, path.format(sam=sam), headers=headers, follow_redirects=False, **sent)
        )
    )
    before = rows(runtime, _LASTING)
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        tx.session.execute(text("SELECT FROM users WHERE id = :id FOR NO KEY UPDATE"), {"id": robin})
        start_until_it_waits(runtime, asking)
        tx.session.execute(text(happens))
    asking.join()
    if happens == _DEMOTE:
        change(runtime, "UPDATE users SET role = 'admin' WHERE id = :id", id=robin)
    assert rows(runtime, _LASTING) == before
    return answers[0]


@pytest.mark.parametrize("maker", MAKERS, ids=[f"{method} {path}" for method, path, _ in MAKERS])
def test_a_session_that_ends_meanwhile_makes_nothing(
    site: TestClient, runtime: Runtime, maker: tuple[str, str, dict[str, Any]]
) -> None:
    answer = asked_while(runtime, site, maker, _END_SESSIONS)

    if maker[1].startswith("/api"):
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    elif maker[1].startswith("/auth"):
        assert "ended your session elsewhere" in answer.text
    else:
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert rows(runtime, "SELECT FROM sessions WHERE revoked_at IS NULL") == []


@pytest.mark.parametrize("maker", [MAKERS[1], MAKERS[4]])
def test_who_is_an_admin_no_longer_makes_nobody_else_one(
    site: TestClient, runtime: Runtime, maker: tuple[str, str, dict[str, Any]]
) -> None:
    assert asked_while(runtime, site, maker, _DEMOTE).status_code == 403
