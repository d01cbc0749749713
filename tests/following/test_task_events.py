"""A task as server-sent events from a real server: every state that matters, once, and an end."""

import http.client
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import pytest
import requests
from sqlalchemy import text

from event_streams import EventStream
from families import a_family, a_job, bring_to, put_off, succeed
from job_trials import WritePersonalNote, claimed
from live_api import LiveApi
from problem_documents import reasons_of
from server_trials import eventually
from spotify_insights.database.actor import SYSTEM
from spotify_insights.jobs.job import JobStatus
from spotify_insights.runtime import Runtime


@pytest.fixture
def task_id(runtime: Runtime) -> UUID:
    """A task that waits."""
    return a_job(runtime, JobStatus.QUEUED)


@pytest.fixture
def stream(live_api: LiveApi, task_id: UUID) -> Iterator[EventStream]:
    """Its events."""
    with EventStream(live_api.url, task_id) as opened:
        yield opened


def delete(runtime: Runtime, task_id: UUID) -> None:
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        tx.session.execute(text("DELETE FROM background_jobs WHERE id = :id"), {"id": task_id})


def listeners(api: LiveApi) -> float:
    shown = requests.get(f"{api.url}/metrics", timeout=10).text
    match = re.search(r"^spotify_insights_event_listeners (\S+)$", shown, re.MULTILINE)
    assert match is not None
    return float(match[1])


def test_a_whole_life_is_told_in_order_and_then_the_stream_ends(
    runtime: Runtime, task_id: UUID, stream: EventStream
) -> None:
    assert (stream.status, stream.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    assert stream.next().data["status"] == "PENDING"

    attempt = claimed(runtime.database, task_id, WritePersonalNote)
    assert stream.next().data["status"] == "STARTED"
    attempt.progress("writing", done=1, total=2)
    assert stream.next().data["progress"] == {"step": "writing", "done": 1, "total": 2}
    put_off(attempt, wait=timedelta(), consumes_attempt=True)
    assert stream.next().data["status"] == "RETRY"
    bring_to(runtime.database, task_id, JobStatus.SUCCEEDED)

    *between, last, end = stream
    assert {event.data["status"] for event in between} <= {"STARTED"}
    assert (last.name, last.data["status"]) == ("task", "SUCCESS")
    assert (end.name, end.data) == ("end", {"reason": "ended"})


def test_each_event_is_the_document_and_its_id_the_etag(
    live_api: LiveApi, task_id: UUID, stream: EventStream
) -> None:
    event = stream.next()
    answer = requests.get(f"{live_api.url}/api/tasks/{task_id}", timeout=10)

    assert event.data == answer.json()
    assert f'"{event.id}"' == answer.headers["etag"]


def test_a_heartbeat_is_no_event(
    live_api: LiveApi, runtime: Runtime, task_id: UUID, stream: EventStream
) -> None:
    stream.next()
    attempt = claimed(runtime.database, task_id, WritePersonalNote)
    assert stream.next().data["status"] == "STARTED"
    other = claimed(runtime.database, a_job(runtime, JobStatus.QUEUED), WritePersonalNote)

    with EventStream(live_api.url, other.job_id) as clock:
        clock.next()
        for beat in range(3):
            attempt.renew()
            # Both tasks are asked about together: who hears of the one would have heard of the other.
            other.progress("ticking", done=beat, total=3)
            assert clock.next().data["progress"]["done"] == beat
    succeed(attempt)

    assert stream.next().data["status"] == "SUCCESS"


def test_who_comes_back_hears_the_present_only_if_it_is_news(
    live_api: LiveApi, runtime: Runtime, task_id: UUID, stream: EventStream
) -> None:
    seen = stream.next().id

    with EventStream(live_api.url, task_id, last_event_id=seen) as back:
        claimed(runtime.database, task_id, WritePersonalNote)
        # Not PENDING once more.
        assert back.next().data["status"] == "STARTED"
    with EventStream(live_api.url, task_id, last_event_id=seen) as late:
        assert late.next().data["status"] == "STARTED"
    with EventStream(live_api.url, task_id, last_event_id="of another life") as stranger:
        assert stranger.next().data["status"] == "STARTED"


def test_it_goes_on_at_another_replica(
    live_api: LiveApi, other_api: LiveApi, runtime: Runtime, task_id: UUID, stream: EventStream
) -> None:
    seen = stream.next().id
    assert live_api.url != other_api.url

    with EventStream(other_api.url, task_id, last_event_id=seen) as there:
        bring_to(runtime.database, task_id, JobStatus.SUCCEEDED)
        *_, last, _ = there
    assert last.data["status"] == "SUCCESS"
    with EventStream(live_api.url, task_id, last_event_id=last.id) as back:
        assert back.status == 204


def test_a_task_that_has_ended_is_told_once_and_who_knows_that_need_not_come_back(
    live_api: LiveApi, runtime: Runtime
) -> None:
    ended = a_job(runtime, JobStatus.FAILED)

    with EventStream(live_api.url, ended) as stream:
        task, end = stream
    assert (task.data["status"], task.data["error_code"]) == ("FAILURE", "no_paper")
    # The last event leaves the id as it was, which is what an EventSource would send.
    assert (end.name, end.id) == ("end", task.id)
    with EventStream(live_api.url, ended, last_event_id=end.id) as again:
        assert (again.status, list(again.lines())) == (204, [])


def test_a_parent_is_followed_until_its_children_have_ended(live_api: LiveApi, runtime: Runtime) -> None:
    parent_id, [first, second] = a_family(runtime, JobStatus.QUEUED, JobStatus.QUEUED)

    with EventStream(live_api.url, parent_id) as stream:
        assert stream.next().data["children"]["done"] == 0
        bring_to(runtime.database, first, JobStatus.SUCCEEDED)
        event = stream.next()
        while event.data["children"]["done"] == 0:
            event = stream.next()
        assert event.data["status"] == "SUCCESS"
        bring_to(runtime.database, second, JobStatus.DEAD)
        *_, last, end = stream
    assert (last.data["children"]["dead"], last.data["children"]["done"]) == (1, 2)
    assert end.data == {"reason": "ended"}


def test_a_cancellation_is_told(live_api: LiveApi, task_id: UUID, stream: EventStream) -> None:
    stream.next()

    requests.delete(f"{live_api.url}/api/tasks/{task_id}", timeout=10)

    last, _ = stream
    assert last.data["status"] == "REVOKED"


def test_a_task_that_is_deleted_ends_the_stream(
    live_api: LiveApi, runtime: Runtime, task_id: UUID, stream: EventStream
) -> None:
    stream.next()

    delete(runtime, task_id)

    [end] = stream
    assert (end.name, end.data) == ("end", {"reason": "deleted"})
    answer = requests.get(f"{live_api.url}/api/tasks/{task_id}/events", timeout=10)
    reasons_of(answer, 404, "not_found")


def test_an_unknown_task_is_a_problem_and_no_stream(live_api: LiveApi) -> None:
    reasons_of(requests.get(f"{live_api.url}/api/tasks/{uuid4()}/events", timeout=10), 404, "not_found")
    reasons_of(requests.get(f"{live_api.url}/api/tasks/x/events", timeout=10), 422, "invalid_input")


def test_the_stream_says_when_to_come_back_and_that_nobody_may_keep_it(
    task_id: UUID, stream: EventStream
) -> None:
    lines = stream.lines()
    retry = next(lines)

    assert 1000 <= int(retry.removeprefix("retry: ")) <= 3000
    assert next(lines) == ""
    assert next(lines) == "event: task"
    assert json.loads(next(lines).removeprefix("data: "))["task_id"] == str(task_id)
    assert (stream.headers["cache-control"], stream.headers["x-accel-buffering"]) == ("no-store", "no")
    assert stream.headers["x-request-id"]


def test_head_does_not_wait_for_the_end(live_api: LiveApi, task_id: UUID) -> None:
    answer = requests.head(f"{live_api.url}/api/tasks/{task_id}/events", timeout=10)

    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert eventually(lambda: listeners(live_api) == 0)


def test_who_leaves_is_forgotten(live_api: LiveApi, task_id: UUID) -> None:
    streams = [EventStream(live_api.url, task_id) for _ in range(5)]
    assert {stream.next().data["status"] for stream in streams} == {"PENDING"}
    assert listeners(live_api) == 5

    for stream in streams:
        with stream:
            pass

    assert eventually(lambda: listeners(live_api) == 0)


def test_a_connection_serves_other_requests_after_the_stream(live_api: LiveApi, runtime: Runtime) -> None:
    address = urlsplit(live_api.url)
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=10)
    ended = a_job(runtime, JobStatus.SUCCEEDED)
    for path in (f"/api/tasks/{ended}/events", "/health/live", f"/api/tasks/{ended}"):
        connection.request("GET", path)
        answer = connection.getresponse()
        assert (answer.status, bool(answer.read())) == (200, True)
    connection.close()
