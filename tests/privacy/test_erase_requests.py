"""Asking to be erased: what is over at once, what is refused, and who may watch."""

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import psycopg
import pytest
from starlette.testclient import TestClient

from access_trials import a_family, a_service, a_session, an_admin, an_api_key, bearer, required_client
from conftest import Servers
from full_life import every_row
from job_trials import somebody_waits_for_a_lock
from jobs_inline import job_row, queued_jobs, work_off
from leaving import erased
from makers import a_connected_user, a_user
from spotify_insights.accounts.erasing import BeingErasedError, mark_as_erasing
from spotify_insights.accounts.register import Identity, register_user
from spotify_insights.database.actor import SYSTEM
from spotify_insights.runtime import Runtime
from stored_rows import a_snapshot, a_waiting_task

__all__ = ["required_client"]


def test_at_once_nothing_can_act_for_them_and_soon_they_are_gone(
    client: TestClient, runtime: Runtime, empty: Servers
) -> None:
    user_id, other = a_connected_user(runtime), a_connected_user(runtime)
    waiting, others_task = a_waiting_task(runtime, user_id), a_waiting_task(runtime, other)

    answer = client.delete(f"/api/users/{user_id}")

    assert answer.status_code == 202
    task = answer.headers["Location"]
    assert client.get(f"/api/users/{user_id}/connections").json() == []
    assert client.get(f"/api/tasks/{waiting}").json()["status"] == "REVOKED"
    assert client.get(f"/api/tasks/{others_task}").json()["status"] == "PENDING"
    assert client.get(task).json()["status"] == "PENDING"
    assert client.delete(f"/api/users/{user_id}").headers["Location"] == task
    work_off(runtime)
    assert client.get(task).json()["status"] == "SUCCESS"
    assert client.get(f"/api/users/{user_id}").status_code == 404
    assert client.delete(f"/api/users/{user_id}").status_code == 404
    assert client.get(f"/api/users/{other}/connections").json() != []
    assert not any(str(user_id) in row for rows in every_row(empty).values() for row in rows)


def test_nothing_new_begins_for_somebody_who_is_leaving(client: TestClient, runtime: Runtime) -> None:
    identity = f"listener-{uuid4()}"
    registration = {"spotify_user_id": identity}
    user_id = client.post("/api/users/register", json=registration).json()["user_id"]
    tokens = {"user_id": user_id, "access_token": "a", "refresh_token": "b", "expires_in": 60}
    snapshot = a_snapshot(runtime, UUID(user_id))
    client.delete(f"/api/users/{user_id}")

    refused = [
        client.post("/api/users/register", json=registration),
        client.post("/api/tokens/store", json=tokens),
        client.post("/api/listening/ingest", params={"user_id": user_id}),
        client.post(
            "/api/insights/generate", params={"snapshot_id": str(snapshot), "insight_type": "wellness"}
        ),
        client.post(f"/api/users/{user_id}/export"),
        client.delete(f"/api/users/{user_id}/connections/spotify"),
    ]

    assert [(answer.status_code, answer.json()["code"]) for answer in refused] == [(409, "being_erased")] * 6
    assert [job.task_name for job in queued_jobs(runtime.database)] == ["scheduled.erase_user"]
    work_off(runtime)
    again = client.post("/api/users/register", json=registration)
    assert again.status_code == 201
    assert again.json()["user_id"] != user_id


def test_only_what_asked_is_left_and_sees_nothing_but_tasks(
    required_client: TestClient, runtime: Runtime
) -> None:
    user_id = a_user(runtime)
    asking, another = an_api_key(runtime, user_id), an_api_key(runtime, user_id)
    a_session(runtime, user_id)
    family = a_family(runtime, user_id)

    answer = required_client.delete(f"/api/users/{user_id}", headers=bearer(asking))

    task = answer.headers["Location"]
    assert required_client.get(task, headers=bearer(asking)).json()["status"] == "PENDING"
    assert required_client.get(f"/api/users/{user_id}", headers=bearer(asking)).status_code == 403
    assert required_client.get(task, headers=bearer(another)).status_code == 401
    tokens = {"grant_type": "refresh_token", "refresh_token": family.refresh_token.get_secret_value()}
    assert required_client.post("/api/auth/token", json=tokens).status_code in {400, 401, 404, 422}
    work_off(runtime)
    assert required_client.get(task, headers=bearer(asking)).status_code == 401


def test_a_service_erases_its_users_and_sees_it_done_and_no_others(
    required_client: TestClient, runtime: Runtime
) -> None:
    service, stranger = a_service(runtime), a_user(runtime)
    key = bearer(an_api_key(runtime, service))
    user_id = registered_by(runtime, service)

    assert required_client.delete(f"/api/users/{stranger}", headers=key).status_code == 404
    task = required_client.delete(f"/api/users/{user_id}", headers=key).headers["Location"]
    work_off(runtime)

    assert required_client.get(task, headers=key).json()["status"] == "SUCCESS"
    assert required_client.get(f"/api/users/{user_id}", headers=key).status_code == 404


def test_a_service_with_users_and_the_last_admin_stay(required_client: TestClient, runtime: Runtime) -> None:
    service, admin = a_service(runtime), an_admin(runtime)
    registered_by(runtime, service)
    for user_id, words in ((service, "has registered users"), (admin, "last admin")):
        answer = required_client.delete(f"/api/users/{user_id}", headers=bearer(an_api_key(runtime, user_id)))
        assert (answer.status_code, words in answer.json()["detail"]) == (409, True)
    assert queued_jobs(runtime.database) == []
    another = an_admin(runtime)
    headers = bearer(an_api_key(runtime, admin))
    assert required_client.delete(f"/api/users/{admin}", headers=headers).status_code == 202
    answer = required_client.delete(f"/api/users/{another}", headers=bearer(an_api_key(runtime, another)))
    assert answer.status_code == 409


def test_a_service_that_is_leaving_gets_no_new_users(runtime: Runtime) -> None:
    service = a_service(runtime)
    with ThreadPoolExecutor(1) as pool:
        with runtime.database.transaction(acting_for=SYSTEM) as tx:
            mark_as_erasing(tx, service)
            registering = pool.submit(registered_by, runtime, service)
            assert somebody_waits_for_a_lock(runtime.database)
        with pytest.raises(BeingErasedError):
            registering.result(timeout=10)
    assert job_row(runtime.database, erased(runtime, service)).status == "succeeded"


def test_an_erasure_that_gave_up_is_begun_again_by_the_next_request(
    client: TestClient, runtime: Runtime, empty: Servers
) -> None:
    user_id = a_user(runtime)
    first = client.delete(f"/api/users/{user_id}").json()["task_id"]
    with psycopg.connect(empty.database_url) as connection:
        connection.execute(
            "UPDATE background_jobs SET status = 'dead', finished_at = now() WHERE id = %s", [first]
        )
    second = client.delete(f"/api/users/{user_id}").json()["task_id"]
    assert second != first
    work_off(runtime)
    assert job_row(runtime.database, UUID(second)).status == "succeeded"


def registered_by(runtime: Runtime, service: UUID) -> UUID:
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        identity = Identity(provider="spotify", provider_user_id=f"customer-{uuid4()}")
        return register_user(tx, identity, registered_by=service).user_id
