from collections.abc import Callable
from typing import Any
from uuid import UUID

import httpx2
import pytest
from starlette.testclient import TestClient

from access_trials import (
    a_session,
    an_access_token,
    an_admin,
    an_api_key,
    bearer,
    change,
    cookie_header,
    expire_everything,
    give_role,
    key_id_of,
    revoke_everything,
)
from makers import a_user
from spotify_insights.access.api_key_text import ApiKeyText, new_api_key_text
from spotify_insights.access.api_keys import MOST_KEYS
from spotify_insights.access.scopes import SCOPES_OF_ROLE, Scope, UserRole
from spotify_insights.database.actor import SYSTEM
from spotify_insights.runtime import Runtime
from spotify_insights.settings import Settings

NEW_KEY = {"name": "Notebook", "scopes": ["profile:read", "tasks:read"]}


def profile(client: TestClient, user_id: UUID, headers: dict[str, str]) -> int:
    return client.get(f"/api/users/{user_id}", headers=headers).status_code


def made(client: TestClient, headers: dict[str, str], **changes: Any) -> httpx2.Response:
    return client.post("/api/keys", json=NEW_KEY | changes, headers=headers)


def test_a_key_is_shown_once_and_works(
    runtime: Runtime, settings: Settings, required_client: TestClient
) -> None:
    user_id = a_user(runtime)
    browser = cookie_header(settings, a_session(runtime, user_id))
    answer = made(required_client, browser)
    key = answer.json()["key"]
    listed = required_client.get("/api/keys", headers=browser)

    assert (answer.status_code, answer.headers["cache-control"]) == (201, "no-store")
    assert profile(required_client, user_id, bearer(key)) == 200
    assert [(entry["key_id"], entry["status"]) for entry in listed.json()] == [(key_id_of(key), "active")]
    assert key not in listed.text
    assert "hash" not in listed.text


def test_a_request_that_is_sent_again_with_its_idempotency_key_never_gets_the_key_again(
    runtime: Runtime, settings: Settings, required_client: TestClient
) -> None:
    headers = cookie_header(settings, a_session(runtime, a_user(runtime))) | {"Idempotency-Key": '"k-1"'}
    answers = [made(required_client, headers).json()["key"] for _ in range(2)]

    assert answers[0] != answers[1]


def test_neither_the_key_nor_its_secret_is_stored(runtime: Runtime) -> None:
    key = an_api_key(runtime, a_user(runtime))
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        stored = str(tx.session.connection().exec_driver_sql("SELECT * FROM api_keys").all())

    assert key_id_of(key) in stored
    assert key.rpartition("_")[2][:43] not in stored


def test_a_key_lasts_ninety_days_unless_its_owner_says_otherwise(
    runtime: Runtime, settings: Settings, required_client: TestClient
) -> None:
    headers = cookie_header(settings, a_session(runtime, a_user(runtime)))
    made(required_client, headers)
    made(required_client, headers, expires_in_days=366)
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        rows = tx.session.connection().exec_driver_sql(
            "SELECT round(extract(epoch FROM expires_at - created_at) / 86400) FROM api_keys ORDER BY id"
        )
        days = [int(row[0]) for row in rows]

    assert days == [90, 366]
    assert made(required_client, headers, expires_in_days=367).status_code == 422
    assert made(required_client, headers, expires_in_days=0).status_code == 422


@pytest.mark.parametrize("end", [expire_everything, revoke_everything])
def test_a_key_that_has_ended_lets_nobody_in(runtime: Runtime, required_client: TestClient, end: Any) -> None:
    user_id = a_user(runtime)
    key = bearer(an_api_key(runtime, user_id))
    before = profile(required_client, user_id, key)
    end(runtime, user_id)

    assert (before, profile(required_client, user_id, key)) == (200, 401)


def test_a_wrong_secret_for_a_known_key_lets_nobody_in(runtime: Runtime, required_client: TestClient) -> None:
    user_id = a_user(runtime)
    key_id = key_id_of(an_api_key(runtime, user_id))
    forged = ApiKeyText(key_id=key_id, secret=new_api_key_text().secret).text
    of_another = ApiKeyText(key_id=key_id, secret=an_api_key(runtime, user_id).rpartition("_")[2][:43]).text

    assert profile(required_client, user_id, bearer(forged)) == 401
    assert profile(required_client, user_id, bearer(of_another)) == 401
    assert profile(required_client, user_id, bearer(new_api_key_text().text)) == 401


def test_a_mistyped_key_is_called_that(runtime: Runtime, required_client: TestClient) -> None:
    user_id = a_user(runtime)
    key = an_api_key(runtime, user_id)
    mistyped = key[:-1] + ("0" if key[-1] != "0" else "1")
    answer = required_client.get(f"/api/users/{user_id}", headers=bearer(mistyped))

    assert answer.status_code == 401
    assert "mistyped" in answer.json()["detail"]
    assert answer.headers["www-authenticate"] == "Bearer"


def test_a_hash_that_was_copied_to_another_key_is_worth_nothing(
    runtime: Runtime, required_client: TestClient
) -> None:
    theirs, mine = a_user(runtime), a_user(runtime)
    their_key, my_key = an_api_key(runtime, theirs), an_api_key(runtime, mine)
    change(
        runtime,
        "UPDATE api_keys SET secret_hash = (SELECT secret_hash FROM api_keys WHERE key_id = :mine)"
        " WHERE key_id = :theirs",
        mine=key_id_of(my_key),
        theirs=key_id_of(their_key),
    )
    forged = ApiKeyText(key_id=key_id_of(their_key), secret=my_key.rpartition("_")[2][:43]).text

    assert profile(required_client, theirs, bearer(forged)) == 401


def test_revoking_works_at_once_for_the_key_and_what_came_from_it(
    runtime: Runtime, settings: Settings, required_client: TestClient
) -> None:
    user_id = a_user(runtime)
    key, other = an_api_key(runtime, user_id), an_api_key(runtime, user_id)
    tokens = [
        required_client.post("/api/auth/token", json={"grant_type": "api_key", "api_key": each}).json()
        for each in (key, other)
    ]
    browser = cookie_header(settings, a_session(runtime, user_id))
    answer = required_client.delete(f"/api/keys/{key_id_of(key)}", headers=browser)

    assert answer.status_code == 204
    assert profile(required_client, user_id, bearer(key)) == 401
    assert profile(required_client, user_id, bearer(tokens[0]["access_token"])) == 401
    assert profile(required_client, user_id, bearer(other)) == 200
    assert profile(required_client, user_id, bearer(tokens[1]["access_token"])) == 200
    renewal = {"grant_type": "refresh_token", "refresh_token": tokens[0]["refresh_token"]}
    assert required_client.post("/api/auth/token", json=renewal).status_code == 401
    statuses = {e["key_id"]: e["status"] for e in required_client.get("/api/keys", headers=browser).json()}
    assert statuses == {key_id_of(key): "revoked", key_id_of(other): "active"}


def test_the_key_of_somebody_else_looks_like_none_and_stays(
    runtime: Runtime, settings: Settings, required_client: TestClient
) -> None:
    theirs = a_user(runtime)
    key = an_api_key(runtime, theirs)
    mine = cookie_header(settings, a_session(runtime, a_user(runtime)))
    foreign = required_client.delete(f"/api/keys/{key_id_of(key)}", headers=mine)
    missing = required_client.delete(f"/api/keys/{new_api_key_text().key_id}", headers=mine)

    assert (foreign.status_code, missing.status_code) == (404, 404)
    assert foreign.json()["detail"] == missing.json()["detail"]
    assert profile(required_client, theirs, bearer(key)) == 200
    assert required_client.get("/api/keys", headers=mine).json() == []


def test_a_key_may_do_what_its_scopes_say_and_nothing_else(
    runtime: Runtime, required_client: TestClient
) -> None:
    user_id = a_user(runtime)
    key = bearer(an_api_key(runtime, user_id, [Scope.PROFILE_READ]))
    refused = required_client.get(f"/api/users/{user_id}/connections", headers=key)

    assert profile(required_client, user_id, key) == 200
    assert refused.status_code == 403
    assert "connections:read" in refused.json()["detail"]


@pytest.mark.parametrize("path", ["/api/keys", "/api/admin/services"])
@pytest.mark.parametrize("show", [an_api_key, an_access_token])
def test_no_key_or_token_makes_a_key_that_outlives_it(
    runtime: Runtime, required_client: TestClient, show: Callable[[Runtime, UUID], str], path: str
) -> None:
    shown = bearer(show(runtime, an_admin(runtime)))
    before = len(required_client.get("/api/keys", headers=shown).json())
    answer = required_client.post(
        path, json=NEW_KEY if path == "/api/keys" else {"name": "App"}, headers=shown
    )

    assert answer.status_code == 403
    assert "Sign in with a browser" in answer.json()["detail"]
    assert len(required_client.get("/api/keys", headers=shown).json()) == before


def test_nobody_gives_a_key_more_than_they_have_themselves(
    runtime: Runtime, settings: Settings, required_client: TestClient
) -> None:
    browser = cookie_header(settings, a_session(runtime, a_user(runtime)))
    within = made(required_client, browser, scopes=["profile:read"])
    beyond = made(required_client, browser, scopes=["profile:read", "admin:read"])

    assert within.status_code == 201
    assert beyond.status_code == 422
    assert beyond.json()["errors"][0]["field"] == "scopes"


def test_a_listener_cannot_make_themselves_an_operator_or_a_service(
    runtime: Runtime, settings: Settings, required_client: TestClient
) -> None:
    headers = cookie_header(settings, a_session(runtime, a_user(runtime)))

    for scope in ("admin:read", "admin:write", "act_for_users", "metrics:read"):
        assert made(required_client, headers, scopes=[scope]).status_code == 422


def test_a_key_needs_scopes_that_exist(
    runtime: Runtime, settings: Settings, required_client: TestClient
) -> None:
    headers = cookie_header(settings, a_session(runtime, a_user(runtime)))

    assert made(required_client, headers, scopes=[]).status_code == 422
    assert made(required_client, headers, scopes=["everything"]).status_code == 422


def test_a_key_of_somebody_who_is_no_admin_any_more_reaches_no_further_than_they_do(
    runtime: Runtime, required_client: TestClient
) -> None:
    user_id = an_admin(runtime)
    key = bearer(an_api_key(runtime, user_id, SCOPES_OF_ROLE[UserRole.ADMIN]))
    before = required_client.get("/api/admin/queues", headers=key).status_code
    give_role(runtime, user_id, UserRole.USER)
    after = required_client.get("/api/admin/queues", headers=key).status_code

    assert (before, after) == (200, 403)
    assert profile(required_client, user_id, key) == 200


def test_nobody_collects_keys_without_end(
    runtime: Runtime, settings: Settings, required_client: TestClient
) -> None:
    user_id = a_user(runtime)
    keys = [an_api_key(runtime, user_id) for _ in range(MOST_KEYS)]
    headers = cookie_header(settings, a_session(runtime, user_id))
    too_many = made(required_client, headers)
    required_client.delete(f"/api/keys/{key_id_of(keys[0])}", headers=headers)

    assert too_many.status_code == 409
    assert made(required_client, headers).status_code == 201


def test_without_sign_in_nobody_has_keys_but_a_key_that_is_shown_counts(
    runtime: Runtime, client: TestClient
) -> None:
    user_id, somebody_else = a_user(runtime), a_user(runtime)
    key = bearer(an_api_key(runtime, user_id, [Scope.PROFILE_READ]))

    assert client.post("/api/keys", json=NEW_KEY).status_code == 409
    assert client.get("/api/keys").status_code == 409
    assert profile(client, user_id, key) == 200
    assert profile(client, somebody_else, key) == 404
    assert profile(client, somebody_else, {}) == 200
