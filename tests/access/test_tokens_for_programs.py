from typing import Any

import httpx2
import jwt
import pytest
from pydantic import SecretStr
from sqlalchemy import text
from starlette.testclient import TestClient

from access_trials import an_access_token, an_api_key, bearer, change, expire_everything, revoke_everything
from canaries import PASSWORD
from makers import a_user
from spotify_insights.access.scopes import Scope, UserRole
from spotify_insights.database.actor import SYSTEM
from spotify_insights.runtime import Runtime
from spotify_insights.sign_in.local_accounts import create_account, new_credentials


def granted(client: TestClient, grant_type: str, **fields: Any) -> httpx2.Response:
    return client.post("/api/auth/token", json={"grant_type": grant_type, **fields})


def events(runtime: Runtime) -> list[str]:
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        return list(tx.session.scalars(text("SELECT event FROM audit_log ORDER BY at, id")))


def refused_subjects(runtime: Runtime) -> list[str | None]:
    refused = text("SELECT subject_hash FROM audit_log WHERE event = 'sign_in_refused' ORDER BY at, id")
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        return list(tx.session.scalars(refused))


def test_a_key_gives_tokens_and_they_renew_themselves(runtime: Runtime, required_client: TestClient) -> None:
    user_id = a_user(runtime)
    key = an_api_key(runtime, user_id, [Scope.PROFILE_READ, Scope.TASKS_READ])
    first = granted(required_client, "api_key", api_key=key)
    second = granted(required_client, "refresh_token", refresh_token=first.json()["refresh_token"])

    for answer in (first, second):
        tokens = answer.json()
        shown = required_client.get(f"/api/users/{user_id}", headers=bearer(tokens["access_token"]))
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
        assert (tokens["token_type"], tokens["expires_in"]) == ("Bearer", 600)
        assert tokens["scope"] == "profile:read tasks:read"
        assert shown.status_code == 200
    assert first.json()["refresh_token"] != second.json()["refresh_token"]
    assert events(runtime) == ["key_created", "sign_in"]


def test_tokens_can_be_for_less_than_the_key(runtime: Runtime, required_client: TestClient) -> None:
    user_id = a_user(runtime)
    key = an_api_key(runtime, user_id, [Scope.PROFILE_READ, Scope.TASKS_READ])
    tokens = granted(required_client, "api_key", api_key=key, scopes=["tasks:read"]).json()
    renewed = granted(required_client, "refresh_token", refresh_token=tokens["refresh_token"]).json()
    more = granted(required_client, "api_key", api_key=key, scopes=["tasks:read", "listening:read"])

    for each in (tokens, renewed):
        refused = required_client.get(f"/api/users/{user_id}", headers=bearer(each["access_token"]))
        assert (each["scope"], refused.status_code) == ("tasks:read", 403)
    assert more.status_code == 422


@pytest.mark.parametrize("end", [expire_everything, revoke_everything])
def test_a_key_that_has_ended_gives_no_tokens(
    runtime: Runtime, required_client: TestClient, end: Any
) -> None:
    user_id = a_user(runtime)
    key = an_api_key(runtime, user_id)
    end(runtime, user_id)

    assert granted(required_client, "api_key", api_key=key).status_code == 401


def test_an_access_token_gives_no_tokens(runtime: Runtime, required_client: TestClient) -> None:
    token = an_access_token(runtime, a_user(runtime))

    assert granted(required_client, "api_key", api_key=token).status_code == 401


def test_a_stolen_refresh_token_ends_everything_that_came_from_it_and_is_recorded(
    runtime: Runtime, required_client: TestClient
) -> None:
    user_id = a_user(runtime)
    first = granted(required_client, "api_key", api_key=an_api_key(runtime, user_id)).json()
    second = granted(required_client, "refresh_token", refresh_token=first["refresh_token"]).json()
    change(runtime, "UPDATE refresh_tokens SET used_at = used_at - interval '1 minute'")
    copied = granted(required_client, "refresh_token", refresh_token=first["refresh_token"])
    owner = granted(required_client, "refresh_token", refresh_token=second["refresh_token"])
    shown = required_client.get(f"/api/users/{user_id}", headers=bearer(second["access_token"]))

    assert (copied.status_code, owner.status_code, shown.status_code) == (401, 401, 401)
    assert copied.json()["detail"] == owner.json()["detail"]
    assert events(runtime) == ["key_created", "sign_in", "token_reuse_detected"]


def test_a_password_gives_tokens_and_a_wrong_one_does_not(
    runtime: Runtime, required_client: TestClient
) -> None:
    credentials = new_credentials("alice", SecretStr(PASSWORD))
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        user_id = create_account(tx, credentials, role=UserRole.USER)
    right = granted(required_client, "password", username="alice", password=PASSWORD)
    wrong = granted(required_client, "password", username="alice", password="not this one")
    unknown = granted(required_client, "password", username="bob", password=PASSWORD)

    assert jwt.decode(right.json()["access_token"], options={"verify_signature": False})["sub"] == str(
        user_id
    )
    assert "admin" not in right.json()["scope"]
    assert (wrong.status_code, unknown.status_code) == (401, 401)
    assert wrong.json()["detail"] == unknown.json()["detail"]
    assert events(runtime) == ["sign_in", "sign_in_refused", "sign_in_refused"]
    assert refused_subjects(runtime) == [runtime.audit.pseudonym(user_id), None]


def test_what_cannot_be_read_is_refused_and_never_repeated(required_client: TestClient) -> None:
    for body in (
        {},
        {"grant_type": "client_credentials"},
        {"grant_type": "api_key"},
        {"grant_type": "api_key", "api_key": "x" * 3000},
        {"grant_type": "refresh_token", "refresh_token": "secret-thing", "scopes": ["privacy"]},
    ):
        answer = required_client.post("/api/auth/token", json=body)
        assert answer.status_code == 422
        assert "secret-thing" not in answer.text
        assert "xxx" not in answer.text


def test_text_that_is_none_is_refused_like_any_other(required_client: TestClient) -> None:
    for grant in (
        '{"grant_type": "api_key", "api_key": "si_\\ud800"}',
        '{"grant_type": "refresh_token", "refresh_token": "\\ud800"}',
        '{"grant_type": "password", "username": "alice", "password": "\\ud800"}',
    ):
        headers = {"Content-Type": "application/json"}
        answer = required_client.post("/api/auth/token", content=grant, headers=headers)
        assert answer.status_code in {401, 422}


def test_a_form_is_no_way_to_get_tokens(runtime: Runtime, required_client: TestClient) -> None:
    form = {"grant_type": "api_key", "api_key": an_api_key(runtime, a_user(runtime))}

    assert required_client.post("/api/auth/token", data=form).status_code == 415
