"""The operator's side: every job can be found, what went wrong is told, and it can be tried again."""

from uuid import UUID, uuid4

import pytest
from starlette.testclient import TestClient

from families import a_family, a_job
from jobs_inline import job_row
from makers import a_user
from problem_documents import reasons_of
from spotify_insights.database.actor import SYSTEM
from spotify_insights.jobs.job import JobStatus, Queue
from spotify_insights.jobs.models import Alert
from spotify_insights.runtime import Runtime


def ids(client: TestClient, address: str) -> list[str]:
    answer = client.get(address)
    assert answer.status_code == 200, answer.text
    return [entry["job_id"] for entry in answer.json()]


def test_jobs_are_found_by_everything_that_tells_them_apart(client: TestClient, runtime: Runtime) -> None:
    user_id = a_user(runtime)
    by_status = {status: str(a_job(runtime, status, user_id=user_id, about=status)) for status in JobStatus}
    others, _ = a_family(runtime)

    for status, job_id in by_status.items():
        assert ids(client, f"/api/admin/jobs?status={status}&user_id={user_id}") == [job_id]
    newest_first = sorted([*by_status.values(), str(others)], reverse=True)
    assert ids(client, "/api/admin/jobs") == newest_first
    assert ids(client, f"/api/admin/jobs?user_id={user_id}") == sorted(by_status.values(), reverse=True)
    assert ids(client, f"/api/admin/jobs?queue={Queue.SCHEDULED}") == [str(others)]
    assert ids(client, "/api/admin/jobs?task_name=scheduled.write_note") == [str(others)]
    assert ids(client, f"/api/admin/jobs?user_id={uuid4()}") == []


def test_one_job_shows_what_it_was_asked_and_who_holds_it(client: TestClient, runtime: Runtime) -> None:
    user_id = a_user(runtime)
    job_id = a_job(runtime, JobStatus.RUNNING, user_id=user_id, about="the sea")

    job = client.get(f"/api/admin/jobs/{job_id}").json()

    assert job["arguments"] == {"user_id": str(user_id), "about": "the sea"}
    assert (job["status"], job["attempts"]) == ("running", 1)
    assert job["lease_expires_at"] > job["started_at"]
    assert job["expires_at"] > job["queued_at"]
    assert "lease_token" not in job
    reasons_of(client.get(f"/api/admin/jobs/{uuid4()}"), 404, "not_found")


def test_dead_letters_are_what_failed_and_died_with_the_reason(client: TestClient, runtime: Runtime) -> None:
    stored: dict[JobStatus, UUID] = {
        status: a_job(runtime, status, error_code=f"{status}_for_a_reason")
        for status in JobStatus
        if status is not JobStatus.QUEUED
    }

    letters = client.get("/api/admin/dead-letters").json()

    wanted = sorted((str(stored[JobStatus.FAILED]), str(stored[JobStatus.DEAD])), reverse=True)
    assert [letter["job_id"] for letter in letters] == wanted
    for letter in letters:
        assert letter["error"] == "There is no paper."
        assert letter["error_code"] == f"{letter['status']}_for_a_reason"
        assert letter["arguments"]["about"] == "the weather"
        assert letter["attempts"] == 1
        assert letter["queued_at"] <= letter["started_at"] <= letter["finished_at"]
    for status in ("failed", "dead"):
        [job_id] = ids(client, f"/api/admin/dead-letters?status={status}")
        assert job_id == str(stored[JobStatus(status)])
        assert ids(client, f"/api/admin/dead-letters?error_code={status}_for_a_reason") == [job_id]
    assert ids(client, "/api/admin/dead-letters?task_name=nothing.like_it") == []


@pytest.mark.parametrize("status", [JobStatus.FAILED, JobStatus.DEAD, JobStatus.CANCELLED])
def test_one_job_is_queued_again_as_if_new(client: TestClient, runtime: Runtime, status: JobStatus) -> None:
    job_id = a_job(runtime, status)
    seen_before = client.get(f"/api/tasks/{job_id}").json()

    answer = client.post(f"/api/admin/jobs/{job_id}/requeue")

    assert (answer.status_code, answer.headers["location"]) == (202, f"/api/tasks/{job_id}")
    assert answer.json() == {"task_id": str(job_id), "status_url": f"/api/tasks/{job_id}"}
    task = client.get(f"/api/tasks/{job_id}").json()
    assert seen_before["status"] in {"FAILURE", "REVOKED"}
    assert (task["status"], task["attempts"], task["error"]) == ("PENDING", 0, None)
    reasons_of(client.post(f"/api/admin/jobs/{job_id}/requeue"), 409, "conflict")


@pytest.mark.parametrize(("method", "address"), [("GET", ""), ("DELETE", ""), ("POST", "/requeue")])
def test_the_operator_is_told_of_jobs_and_not_of_tasks(
    lasting_client: TestClient, method: str, address: str
) -> None:
    answer = lasting_client.request(method, f"/api/admin/jobs/{uuid4()}{address}")
    assert (answer.status_code, answer.json()["detail"]) == (404, "There is no such job.")


def test_what_has_ended_is_a_job_to_an_operator_and_a_task_to_a_listener(
    client: TestClient, runtime: Runtime
) -> None:
    job_id = a_job(runtime, JobStatus.DEAD)
    told = [
        client.delete(f"{address}/{job_id}").json()["detail"] for address in ("/api/admin/jobs", "/api/tasks")
    ]
    assert [sentence.split(" has ended")[0] for sentence in told] == ["The job", "The task"]
    unknown = client.delete(f"/api/tasks/{uuid4()}").json()["detail"]
    assert unknown == "There is no such task."


def test_an_unknown_job_cannot_be_queued_again(lasting_client: TestClient) -> None:
    reasons_of(lasting_client.post(f"/api/admin/jobs/{uuid4()}/requeue"), 404, "not_found")


def test_many_are_queued_again_and_no_others(client: TestClient, runtime: Runtime) -> None:
    dead = [a_job(runtime, JobStatus.DEAD, error_code="outage") for _ in range(3)]
    other_reason = a_job(runtime, JobStatus.DEAD, error_code="typo")
    failed = a_job(runtime, JobStatus.FAILED, error_code="outage")
    requeue = "/api/admin/dead-letters/requeue"

    def statuses() -> list[str]:
        return [job_row(runtime.database, job_id).status for job_id in (*dead, other_reason, failed)]

    answer = client.post(f"{requeue}?task_name=spotify.write_personal_note&error_code=outage&limit=2")
    assert (answer.status_code, answer.json()) == (200, {"requeued": 2})
    assert sorted(statuses()) == ["dead", "dead", "failed", "queued", "queued"]
    assert client.post(f"{requeue}?error_code=outage").json() == {"requeued": 1}
    assert client.post(f"{requeue}?error_code=outage").json() == {"requeued": 0}
    assert statuses() == ["queued", "queued", "queued", "dead", "failed"]
    assert client.post(f"{requeue}?status=failed").json() == {"requeued": 1}
    assert statuses() == ["queued", "queued", "queued", "dead", "queued"]


def test_an_order_that_is_sent_again_with_its_key_is_carried_out_once(
    client: TestClient, runtime: Runtime
) -> None:
    for _ in range(2):
        a_job(runtime, JobStatus.DEAD)
    address, key = "/api/admin/dead-letters/requeue?limit=1", {"Idempotency-Key": "again"}

    answers = [client.post(address, headers=key).json() for _ in range(3)]

    assert answers == [{"requeued": 1}] * 3
    assert len(ids(client, "/api/admin/dead-letters")) == 1


@pytest.mark.parametrize(
    ("method", "address", "field"),
    [
        ("GET", "/api/admin/jobs?status=SUCCESS", "status"),
        ("GET", "/api/admin/jobs?queue=celery", "queue"),
        ("GET", "/api/admin/jobs?user_id=x", "user_id"),
        ("GET", "/api/admin/dead-letters?status=succeeded", "status"),
        ("GET", "/api/admin/dead-letters?error_code=%00", "error_code"),
        ("POST", "/api/admin/dead-letters/requeue?status=cancelled", "status"),
        ("POST", "/api/admin/dead-letters/requeue?limit=0", "limit"),
        ("POST", "/api/admin/jobs/x/requeue", "job_id"),
    ],
)
def test_orders_that_cannot_be_are_refused(
    lasting_client: TestClient, method: str, address: str, field: str
) -> None:
    assert reasons_of(lasting_client.request(method, address), 422, "invalid_input").keys() == {field}


def test_the_queues_are_told_in_numbers(client: TestClient, runtime: Runtime) -> None:
    for status in (JobStatus.QUEUED, JobStatus.DEAD, JobStatus.DEAD, JobStatus.FAILED):
        a_job(runtime, status)

    figures = client.get("/api/admin/queues").json()

    assert {"queue": "spotify", "status": "dead", "count": 2} in figures["jobs"]
    assert (figures["dead"], figures["failed"]) == (2, 1)
    assert figures["oldest_due_seconds"].keys() == set(Queue)
    assert figures["oldest_due_seconds"]["spotify"] >= 0
    assert figures["oldest_due_seconds"]["insights"] is None


def test_alerts_are_told_the_open_ones_first(client: TestClient, runtime: Runtime) -> None:
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        for kind, over in (("first", False), ("second", True)):
            alert = Alert(kind=kind, subject="all", severity="warning", message="Look.", details={"n": 1})
            tx.session.add(alert)
            tx.session.flush()
            if over:
                alert.resolved_at = alert.raised_at

    alerts = client.get("/api/admin/alerts").json()

    assert [(alert["kind"], alert["resolved_at"] is None) for alert in alerts] == [
        ("first", True),
        ("second", False),
    ]
    assert [alert["kind"] for alert in client.get("/api/admin/alerts?limit=1").json()] == ["first"]
