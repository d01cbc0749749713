"""What somebody was told will be deleted is deleted: nobody cancels it, and what gave up begins again."""

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from access_trials import a_service, an_admin, an_api_key, bearer, change, required_client
from job_trials import somebody_waits_for_a_lock
from jobs_inline import job_row, work_off
from makers import a_connected_user, a_user
from problem_documents import reasons_of
from spotify_insights.access.one_time_links import LinkPurpose, find_link, hash_of_token
from spotify_insights.access.scopes import UserRole
from spotify_insights.audit.trail import AuditTrail
from spotify_insights.database.actor import SYSTEM, Actor
from spotify_insights.jobs.claim import claim
from spotify_insights.jobs.enqueue import enqueue
from spotify_insights.listening.jobs import PurgeDisconnectedData
from spotify_insights.privacy.jobs import PurgeExpiredData
from spotify_insights.runtime import Runtime
from spotify_insights.sign_in.invitations import invite
from stored_rows import a_snapshot

__all__ = ["required_client"]


def task_of(client: TestClient, path: str) -> UUID:
    """What this deletion is to be followed as."""
    return UUID(client.delete(path).json()["task_id"])


@pytest.mark.parametrize("what", ["/connections/spotify", ""], ids=["purge", "erasure"])
def test_whoever_runs_the_installation_does_not_cancel_it(
    client: TestClient, required_client: TestClient, runtime: Runtime, what: str
) -> None:
    user_id = a_connected_user(runtime)
    task_id = task_of(client, f"/api/users/{user_id}{what}")

    reasons_of(client.delete(f"/api/tasks/{task_id}"), 409, "conflict")
    reasons_of(client.delete(f"/api/admin/jobs/{task_id}"), 409, "conflict")
    admin = bearer(an_api_key(runtime, an_admin(runtime)))
    reasons_of(required_client.delete(f"/api/admin/jobs/{task_id}", headers=admin), 409, "conflict")

    row = job_row(runtime.database, task_id)
    assert (row.status, row.cancel_requested) == ("queued", False)
    work_off(runtime)
    assert job_row(runtime.database, task_id).status == "succeeded"


def test_neither_do_they_themselves_nor_their_service_not_even_while_it_runs(
    client: TestClient, required_client: TestClient, runtime: Runtime
) -> None:
    service, user_id = a_service(runtime), a_connected_user(runtime)
    change(runtime, "UPDATE users SET registered_by = :service WHERE id = :id", service=service, id=user_id)
    task_id = task_of(client, f"/api/users/{user_id}/connections/spotify")
    assert claim(runtime.database, task_id, PurgeDisconnectedData) is not None

    for caller in (user_id, service):
        key = bearer(an_api_key(runtime, caller))
        reasons_of(required_client.delete(f"/api/tasks/{task_id}", headers=key), 409, "conflict")

    row = job_row(runtime.database, task_id)
    assert (row.status, row.cancel_requested) == ("running", False)


@pytest.mark.parametrize("end", ["cancelled", "dead", "failed"])
def test_a_purge_that_ended_without_success_is_begun_again_the_next_day(
    client: TestClient, runtime: Runtime, end: str
) -> None:
    user_id, other = a_connected_user(runtime), a_user(runtime)
    for listener in (user_id, other):
        a_snapshot(runtime, listener)
    task_id = task_of(client, f"/api/users/{user_id}/connections/spotify")
    change(
        runtime,
        "UPDATE background_jobs SET status = :end, cancel_requested = :end = 'cancelled', finished_at = now()"
        " WHERE id = :id",
        end=end,
        id=task_id,
    )

    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        daily = enqueue(tx, PurgeExpiredData())
    work_off(runtime)

    assert (job_row(runtime.database, daily).result or {})["unfinished_purges"] == 1
    assert job_row(runtime.database, task_id).status == "succeeded"
    stored = [
        len(client.get("/api/listening/snapshots", params={"user_id": str(listener)}).json())
        for listener in (user_id, other)
    ]
    assert stored == [0, 1]


def test_a_link_that_an_admin_makes_while_they_go_does_not_come_to_life_without_them(
    client: TestClient, runtime: Runtime
) -> None:
    """By a request that had recognised them before they were marked, and that ends while they go."""
    admin, _other = an_admin(runtime), an_admin(runtime)
    erasure = task_of(client, f"/api/users/{admin}")
    with ThreadPoolExecutor(1) as elsewhere:
        with runtime.database.transaction(acting_for=SYSTEM) as tx:
            link = invite(tx, trail=AuditTrail(runtime.audit, Actor.admin(admin)), role=UserRole.ADMIN)
            working = elsewhere.submit(work_off, runtime)
            assert somebody_waits_for_a_lock(runtime.database)
        working.result(timeout=30)

    assert job_row(runtime.database, erasure).status == "succeeded"
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        token_hash = hash_of_token(link.token.get_secret_value())
        assert find_link(tx, LinkPurpose.INVITATION, token_hash) is None
