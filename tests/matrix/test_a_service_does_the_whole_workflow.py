"""A program with a key may do for the users it registered whatever the workflow asks, and for nobody else."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from access_trials import a_service, bearer, running_required
from jobs_inline import work_off
from spotify_insights.access.scopes import SCOPES_OF_ROLE, Scope, UserRole
from spotify_insights.audit.trail import AuditTrail
from spotify_insights.database.actor import SYSTEM
from spotify_insights.runtime import Runtime
from spotify_insights.settings import Settings

IDENTITY = {"spotify_user_id": "spotify_abc123", "display_name": "Alice Johnson"}
TOKENS = {"access_token": "BQD...", "refresh_token": "AQC...", "expires_in": 3600}
ALL = SCOPES_OF_ROLE[UserRole.SERVICE]


@pytest.fixture
def api(settings: Settings) -> Iterator[TestClient]:
    with running_required(settings) as started:
        yield started


def a_key(runtime: Runtime, user_id: UUID, scopes: frozenset[Scope] = ALL) -> dict[str, str]:
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        key = runtime.authenticator.api_keys.create(
            tx, user_id, name="Trial", scopes=scopes, allowed=ALL, trail=AuditTrail(runtime.audit, SYSTEM)
        )
    return bearer(key.secret.get_secret_value())


class Client:
    """The client of the workflow, with a key."""

    def __init__(self, api: TestClient, runtime: Runtime, headers: dict[str, str]) -> None:
        self._api, self._runtime, self._headers = api, runtime, headers

    def call(self, method: str, path: str, **given: Any) -> Any:
        answer = self._api.request(method, path, headers=self._headers, **given)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json()

    def status(self, method: str, path: str, **given: Any) -> int:
        return self._api.request(method, path, headers=self._headers, **given).status_code

    def result_of(self, accepted: Any) -> Any:
        """What came of a task, with nothing but what a client is told."""
        work_off(self._runtime)
        task = self.call("GET", accepted["status_url"])
        assert task["status"] == "SUCCESS", task
        return task["result"]


def test_a_key_that_may_act_for_users_makes_every_call_of_the_workflow(
    api: TestClient, runtime: Runtime
) -> None:
    client = Client(api, runtime, a_key(runtime, a_service(runtime)))
    call, result_of = client.call, client.result_of

    user = call("POST", "/api/users/register", json=IDENTITY)
    assert call("POST", "/api/users/register", json=IDENTITY) == {**user, "created": False}
    user_id = user["user_id"]
    call("POST", "/api/tokens/store", json={"user_id": user_id, **TOKENS})
    ingested = result_of(call("POST", "/api/listening/ingest", params={"user_id": user_id}))
    [snapshot] = call("GET", "/api/listening/snapshots", params={"user_id": user_id, "limit": 1})
    assert snapshot["snapshot_id"] == ingested["snapshot_id"]
    assert snapshot["mood_patterns"]
    for insight_type in ("wellness", "roast", "productivity"):
        wanted = {"snapshot_id": snapshot["snapshot_id"], "insight_type": insight_type}
        insight_id = result_of(call("POST", "/api/insights/generate", params=wanted))["insight_id"]
        assert len(call("GET", f"/api/insights/{insight_id}")["content"]) > 80
        assert result_of(call("POST", "/api/insights/generate", params=wanted))["insight_id"] == insight_id
    assert len(call("GET", f"/api/insights/user/{user_id}")) == 3


def test_without_that_scope_nobody_is_registered_and_no_token_stored(
    api: TestClient, runtime: Runtime
) -> None:
    service = a_service(runtime)
    user = Client(api, runtime, a_key(runtime, service)).call("POST", "/api/users/register", json=IDENTITY)
    client = Client(api, runtime, a_key(runtime, service, ALL - {Scope.ACT_FOR_USERS}))

    assert client.status("POST", "/api/users/register", json=IDENTITY) == 403
    assert client.status("POST", "/api/tokens/store", json={"user_id": user["user_id"], **TOKENS}) == 403
    assert client.status("GET", f"/api/users/{user['user_id']}") == 404


def test_what_one_service_says_of_somebody_is_nothing_to_another(api: TestClient, runtime: Runtime) -> None:
    one, other = (Client(api, runtime, a_key(runtime, a_service(runtime))) for _ in range(2))
    key = {"Idempotency-Key": "the-same"}

    theirs, others = (
        api.post("/api/users/register", json=IDENTITY, headers={**client._headers, **key}).json()["user_id"]
        for client in (one, other)
    )

    assert theirs != others
    assert one.status("GET", f"/api/users/{theirs}") == 200
    for mine, foreign in ((one, others), (other, theirs)):
        assert mine.status("GET", f"/api/users/{foreign}") == 404
        assert mine.status("POST", "/api/tokens/store", json={"user_id": foreign, **TOKENS}) == 404
        assert mine.status("POST", "/api/listening/ingest", params={"user_id": foreign}) == 404
