"""What a client reads about a task: where it stands, when it runs next, and what became of what it queued."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import redis
from starlette.testclient import TestClient

from conftest import Servers
from families import a_family, a_job, bring_to, put_off, queued, succeed
from job_trials import WriteNote, WritePersonalNote, claimed, expire_lease
from makers import a_user
from problem_documents import reasons_of
from spotify_insights.cache.keys import finished_task
from spotify_insights.jobs.job import JobStatus
from spotify_insights.jobs.queries import TaskStatus
from spotify_insights.runtime import Runtime

IN_THE_CLIENTS_WORDS = {
    JobStatus.QUEUED: "PENDING",
    JobStatus.RUNNING: "STARTED",
    JobStatus.SUCCEEDED: "SUCCESS",
    JobStatus.FAILED: "FAILURE",
    JobStatus.DEAD: "FAILURE",
    JobStatus.CANCELLED: "REVOKED",
}


def document(client: TestClient, task_id: UUID) -> dict[str, Any]:
    answer = client.get(f"/api/tasks/{task_id}")
    assert answer.status_code == 200
    read: dict[str, Any] = answer.json()
    return read


def kept(servers: Servers, task_id: UUID) -> bool:
    with redis.Redis.from_url(servers.redis_url) as connection:
        return bool(connection.exists(finished_task(task_id, reader="local").key))


def test_progress_is_told_while_it_runs_and_gone_afterwards(client: TestClient, runtime: Runtime) -> None:
    task_id = a_job(runtime, JobStatus.QUEUED)
    assert document(client, task_id)["progress"] is None
    attempt = claimed(runtime.database, task_id, WritePersonalNote)

    attempt.progress("reading", done=3, total=7)
    assert document(client, task_id)["progress"] == {"step": "reading", "done": 3, "total": 7}

    succeed(attempt)
    assert document(client, task_id)["progress"] is None


def test_a_waiting_task_says_when_it_runs_next_and_no_other_does(
    client: TestClient, runtime: Runtime
) -> None:
    task_id = a_job(runtime, JobStatus.QUEUED)
    first = document(client, task_id)
    assert first["next_run_at"] >= first["queued_at"]

    attempt = claimed(runtime.database, task_id, WritePersonalNote)
    assert document(client, task_id)["next_run_at"] is None

    put_off(attempt, wait=timedelta(hours=2), consumes_attempt=True)
    again = document(client, task_id)
    waits = datetime.fromisoformat(again["next_run_at"]) - datetime.fromisoformat(first["queued_at"])
    assert timedelta(hours=2) <= waits < timedelta(hours=3)
    assert (again["status"], again["attempts"], again["snoozes"]) == ("RETRY", 1, 0)
    assert again["max_attempts"] == WritePersonalNote.max_attempts
    assert "available_at" not in again


def test_being_put_off_counts_as_a_snooze_and_not_as_an_attempt(client: TestClient, runtime: Runtime) -> None:
    task_id = a_job(runtime, JobStatus.RUNNING)
    expire_lease(runtime.database, task_id)
    attempt = claimed(runtime.database, task_id, WritePersonalNote)

    put_off(attempt, wait=timedelta(hours=2), consumes_attempt=False)

    task = document(client, task_id)
    assert (task["snoozes"], task["attempts"]) == (1, 1)


@pytest.mark.parametrize("status", list(JobStatus))
def test_every_status_has_its_word_for_clients(
    client: TestClient, runtime: Runtime, status: JobStatus
) -> None:
    task = document(client, a_job(runtime, status))

    assert task["status"] == IN_THE_CLIENTS_WORDS[status]
    assert (task["error"] is None) == (task["status"] not in {"FAILURE", "REVOKED"})


def test_a_task_without_children_has_none(client: TestClient, runtime: Runtime) -> None:
    task = document(client, a_job(runtime, JobStatus.SUCCEEDED))

    assert (task["children"], task["parent_id"]) == (None, None)


def test_the_children_are_counted_by_what_became_of_them(client: TestClient, runtime: Runtime) -> None:
    parent_id, children = a_family(runtime, *JobStatus, JobStatus.DEAD, JobStatus.QUEUED)

    assert document(client, parent_id)["children"] == {
        "total": 8,
        "done": 5,
        "queued": 2,
        "running": 1,
        "succeeded": 1,
        "failed": 1,
        "dead": 2,
        "cancelled": 1,
    }
    assert {document(client, child)["parent_id"] for child in children} == {str(parent_id)}


def test_a_parent_is_not_kept_before_all_its_children_have_succeeded(
    client: TestClient, runtime: Runtime, empty: Servers
) -> None:
    parent_id, [first, second] = a_family(runtime, JobStatus.QUEUED, JobStatus.QUEUED)
    for child, outcome, done in (
        (first, JobStatus.SUCCEEDED, 1),
        # A failed one may be queued again, and would count anew.
        (second, JobStatus.FAILED, 2),
    ):
        assert document(client, parent_id)["children"]["done"] == done - 1
        bring_to(runtime.database, child, outcome)
        assert document(client, parent_id)["children"]["done"] == done
        assert not kept(empty, parent_id)

    assert client.post(f"/api/admin/jobs/{second}/requeue").status_code == 202
    assert document(client, parent_id)["children"]["done"] == 1
    bring_to(runtime.database, second, JobStatus.SUCCEEDED)

    assert document(client, parent_id)["children"]["succeeded"] == 2
    assert kept(empty, parent_id)


def test_lists_tell_the_same_as_the_task_itself(client: TestClient, runtime: Runtime) -> None:
    user_id = a_user(runtime)
    parent_id = a_job(runtime, JobStatus.SUCCEEDED, user_id=user_id)
    a_job(runtime, JobStatus.RUNNING, user_id=user_id, about="children", parent_id=parent_id)

    listed = client.get(f"/api/tasks?user_id={user_id}").json()

    assert [document(client, UUID(task["task_id"])) for task in listed] == listed
    assert listed[1]["children"]["running"] == 1


def test_a_list_is_filtered_by_status_in_the_clients_words(client: TestClient, runtime: Runtime) -> None:
    user_id = a_user(runtime)
    for status in JobStatus:
        a_job(runtime, status, user_id=user_id, about=status)
    retried = a_job(runtime, JobStatus.QUEUED, user_id=user_id, about="retried")
    attempt = claimed(runtime.database, retried, WritePersonalNote)
    put_off(attempt, wait=timedelta(hours=2), consumes_attempt=True)

    found = {
        status: [
            task["status"] for task in client.get(f"/api/tasks?user_id={user_id}&status={status}").json()
        ]
        for status in TaskStatus
    }

    assert found == {status: [status] * (2 if status == "FAILURE" else 1) for status in TaskStatus}


def test_a_list_is_filtered_by_task_name_on_every_page(client: TestClient, runtime: Runtime) -> None:
    user_id = a_user(runtime)
    wanted = [a_job(runtime, JobStatus.QUEUED, user_id=user_id, about=f"{n}") for n in range(3)]
    client.post(f"/api/listening/ingest?user_id={user_id}")
    name = WritePersonalNote.task_name
    url: str | None = f"/api/tasks?user_id={user_id}&task_name={name}&status=PENDING&limit=2"

    seen = []
    while url:
        answer = client.get(url)
        seen += [task["task_id"] for task in answer.json()]
        url = answer.headers.get("link", "").partition(">")[0].removeprefix("<") or None

    assert seen == [str(task_id) for task_id in reversed(wanted)]
    assert client.get(f"/api/tasks?user_id={user_id}&task_name=nothing.like_it").json() == []


@pytest.mark.parametrize(
    ("field", "value"),
    [("status", "queued"), ("status", "success"), ("task_name", "a%00b"), ("task_name", "a" * 101)],
)
def test_filters_that_cannot_be_are_named(
    client: TestClient, runtime: Runtime, field: str, value: str
) -> None:
    answer = client.get(f"/api/tasks?user_id={a_user(runtime)}&{field}={value}")

    assert reasons_of(answer, 422, "invalid_input").keys() == {field}


def test_what_the_installation_does_for_itself_can_be_followed_too(
    client: TestClient, runtime: Runtime
) -> None:
    task = document(client, queued(runtime.database, WriteNote()))

    assert (task["user_id"], task["status"]) == (None, "PENDING")
