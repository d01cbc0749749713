"""Handing tokens over: kept sealed, in place of earlier ones, and never shown."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from makers import a_user
from problem_documents import reasons_of
from spotify_insights.clock import now
from spotify_insights.database.actor import SYSTEM
from spotify_insights.runtime import Runtime


def handover(user_id: UUID, **changes: Any) -> dict[str, Any]:
    tokens = {"access_token": "BQD-first", "refresh_token": "AQC-first", "expires_in": 3600}
    return {"user_id": str(user_id)} | tokens | changes


def test_stored_tokens_are_what_the_service_uses_and_not_what_it_shows(
    client: TestClient, runtime: Runtime
) -> None:
    user_id = a_user(runtime)

    answer = client.post("/api/tokens/store", json=handover(user_id))

    assert answer.status_code == 201
    assert answer.json() == {"user_id": str(user_id), "provider": "spotify", "status": "connected"}
    assert runtime.tokens.current(user_id).token.get_secret_value() == "BQD-first"
    assert_sealed(runtime, "BQD-first", "AQC-first")


def test_new_tokens_take_the_place_of_the_old(client: TestClient, runtime: Runtime) -> None:
    user_id = a_user(runtime)
    client.post("/api/tokens/store", json=handover(user_id, scope="user-top-read"))

    second = handover(user_id, access_token="BQD-second", refresh_token="AQC-second", expires_in=7200)
    assert client.post("/api/tokens/store", json=second).status_code == 201

    assert runtime.tokens.current(user_id).token.get_secret_value() == "BQD-second"
    [connection] = client.get(f"/api/users/{user_id}/connections").json()
    left = datetime.fromisoformat(connection["access_expires_at"]) - now()
    assert timedelta(seconds=7100) < left <= timedelta(seconds=7200)
    assert connection["scope"] is None


def test_an_ended_connection_works_again_with_new_tokens(client: TestClient, runtime: Runtime) -> None:
    user_id = a_user(runtime)
    client.post("/api/tokens/store", json=handover(user_id))
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        tx.session.execute(text("UPDATE spotify_tokens SET status = 'reauth_required'"))

    client.post("/api/tokens/store", json=handover(user_id))

    [connection] = client.get(f"/api/users/{user_id}/connections").json()
    assert connection["status"] == "connected"


@pytest.mark.parametrize("expires_in", [1, 3600, 3600.0, 366 * 86_400])
def test_every_sensible_life_is_taken(client: TestClient, runtime: Runtime, expires_in: float) -> None:
    answer = client.post("/api/tokens/store", json=handover(a_user(runtime), expires_in=expires_in))

    assert answer.status_code == 201


def test_a_granted_scope_is_split_at_its_blanks(client: TestClient, runtime: Runtime) -> None:
    user_id = a_user(runtime)

    client.post("/api/tokens/store", json=handover(user_id, scope=" user-top-read  user-library-read "))

    [connection] = client.get(f"/api/users/{user_id}/connections").json()
    assert connection["scope"] == ["user-top-read", "user-library-read"]


def test_tokens_of_nobody_are_not_kept(client: TestClient, runtime: Runtime) -> None:
    reasons_of(client.post("/api/tokens/store", json=handover(uuid4())), 404, "not_found")

    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        assert tx.session.scalar(text("SELECT count(*) FROM spotify_tokens")) == 0


def assert_sealed(runtime: Runtime, *secrets: str) -> None:
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        rows = tx.session.scalars(text("SELECT t::text FROM spotify_tokens t")).all()
    assert rows
    assert not [secret for secret in secrets for row in rows if secret in row]
