"""Cancelling over HTTP: what waits ends at once, what runs stores nothing more, what has ended is told so."""

from uuid import uuid4

import pytest
from starlette.testclient import TestClient

from families import a_family, a_job, bring_to, succeed
from job_trials import WritePersonalNote, claimed
from problem_documents import reasons_of
from spotify_insights.jobs.attempt import JobCancelledError
from spotify_insights.jobs.job import JobStatus
from spotify_insights.runtime import Runtime

both_sides = pytest.mark.parametrize("address", ["/api/tasks", "/api/admin/jobs"])


@both_sides
def test_a_waiting_task_is_cancelled_at_once_and_for_good(
    client: TestClient, runtime: Runtime, address: str
) -> None:
    task_id = a_job(runtime, JobStatus.QUEUED)

    first = client.delete(f"{address}/{task_id}")
    again = client.delete(f"{address}/{task_id}")

    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json() == client.get(f"{address}/{task_id}").json()
    assert first.json()["status"] in {"REVOKED", "cancelled"}
    assert first.json()["error"]


@both_sides
def test_a_running_task_is_asked_to_stop_and_stores_nothing_more(
    client: TestClient, runtime: Runtime, address: str
) -> None:
    task_id = a_job(runtime, JobStatus.QUEUED)
    attempt = claimed(runtime.database, task_id, WritePersonalNote)

    answer = client.delete(f"{address}/{task_id}")

    assert answer.status_code == 202
    assert answer.headers["location"] == f"{address}/{task_id}"
    assert answer.json()["cancel_requested"] is True
    assert answer.json()["status"] in {"STARTED", "running"}
    with pytest.raises(JobCancelledError):
        succeed(attempt)


@both_sides
@pytest.mark.parametrize("status", [JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.DEAD])
def test_a_task_that_has_ended_cannot_be_cancelled(
    client: TestClient, runtime: Runtime, address: str, status: JobStatus
) -> None:
    task_id = a_job(runtime, status)
    before = client.get(f"{address}/{task_id}").json()

    reasons_of(client.delete(f"{address}/{task_id}"), 409, "conflict")

    assert client.get(f"{address}/{task_id}").json() == before


@both_sides
def test_an_unknown_task_cannot_be_cancelled(lasting_client: TestClient, address: str) -> None:
    reasons_of(lasting_client.delete(f"{address}/{uuid4()}"), 404, "not_found")


def test_cancelling_a_parent_that_has_ended_cancels_what_it_queued(
    client: TestClient, runtime: Runtime
) -> None:
    parent_id, [waiting, running, done] = a_family(
        runtime, JobStatus.QUEUED, JobStatus.RUNNING, JobStatus.SUCCEEDED
    )

    answer = client.delete(f"/api/tasks/{parent_id}")

    assert answer.status_code == 202
    assert answer.json()["status"] == "SUCCESS"
    assert answer.json()["children"]["cancelled"] == 1
    assert [client.get(f"/api/tasks/{child}").json()["status"] for child in (waiting, running, done)] == [
        "REVOKED",
        "STARTED",
        "SUCCESS",
    ]


def test_a_parent_whose_children_all_waited_is_cancelled_at_once(
    client: TestClient, runtime: Runtime
) -> None:
    parent_id, children = a_family(runtime, JobStatus.QUEUED, JobStatus.QUEUED)

    assert client.delete(f"/api/tasks/{parent_id}").status_code == 200

    assert {client.get(f"/api/tasks/{child}").json()["status"] for child in children} == {"REVOKED"}
    reasons_of(client.delete(f"/api/tasks/{parent_id}"), 409, "conflict")


def test_a_kept_answer_never_hides_a_cancellation(client: TestClient, runtime: Runtime) -> None:
    parent_id, [child] = a_family(runtime, JobStatus.QUEUED)
    assert client.get(f"/api/tasks/{parent_id}").json()["children"]["done"] == 0

    client.delete(f"/api/tasks/{parent_id}")
    assert client.get(f"/api/tasks/{parent_id}").json()["children"]["cancelled"] == 1

    client.post(f"/api/admin/jobs/{child}/requeue")
    bring_to(runtime.database, child, JobStatus.SUCCEEDED)
    assert client.get(f"/api/tasks/{parent_id}").json()["children"]["succeeded"] == 1
