"""A hundred identical requests at once, and answers that never arrive, over a real server."""

import socket
import struct
import threading
from collections import Counter
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import pytest
import requests
from sqlalchemy import text

from job_trials import at_once
from jobs_inline import work_off
from live_api import LiveApi
from makers import a_connected_user, a_user
from server_trials import eventually
from spotify_insights.database.actor import SYSTEM
from spotify_insights.runtime import Runtime
from stored_rows import a_snapshot

CROWD = 100


def a_key() -> dict[str, str]:
    return {"Idempotency-Key": f'"{uuid4()}"'}


def by_a_crowd(api: LiveApi, path: str, **sent: Any) -> list[requests.Response]:
    """The answers to this request, sent by a hundred clients at once."""

    def send(barrier: threading.Barrier) -> requests.Response:
        with requests.Session() as session:
            session.get(f"{api.url}/health/live", timeout=20)  # connected before the others are waited for
            barrier.wait()
            return session.post(api.url + path, timeout=20, **sent)

    return at_once(CROWD, send)


def insisted(api: LiveApi, refused: requests.Response, path: str, **sent: Any) -> requests.Response:
    """What a client gets that was told 409 and sends its request again."""
    answers = [refused]

    def answered() -> bool:
        answers.append(requests.post(api.url + path, timeout=20, **sent))
        return answers[-1].status_code != 409

    assert eventually(answered)
    return answers[-1]


def a_request(runtime: Runtime, address: str) -> tuple[str, dict[str, Any], str]:
    """A request to this address, and the table that its effect shows in."""
    if address == "ingest":
        sent = {"params": {"user_id": str(a_connected_user(runtime))}}
        return "/api/listening/ingest", sent, "background_jobs"
    if address == "generate":
        snapshot_id = str(a_snapshot(runtime, a_user(runtime)))
        sent = {"params": {"snapshot_id": snapshot_id, "insight_type": "roast"}}
        return "/api/insights/generate", sent, "background_jobs"
    return "/api/users/register", {"json": {"spotify_user_id": "somebody"}}, "users"


def count(runtime: Runtime, table: str) -> int:
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        return int(tx.session.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())  # noqa: S608  # ours


def test_a_hundred_identical_requests_share_one_task(runtime: Runtime, live_api: LiveApi) -> None:
    sent = {"params": {"user_id": str(a_connected_user(runtime))}}

    answers = by_a_crowd(live_api, "/api/listening/ingest", **sent)

    assert Counter(answer.status_code for answer in answers) == {202: CROWD}
    assert len({answer.json()["task_id"] for answer in answers}) == 1
    assert count(runtime, "background_jobs") == 1


@pytest.mark.parametrize("address", ["ingest", "generate", "register"])
def test_a_hundred_identical_requests_with_one_key_are_one_request(
    runtime: Runtime, live_api: LiveApi, address: str
) -> None:
    path, sent, table = a_request(runtime, address)
    before = count(runtime, table)
    sent["headers"] = a_key()

    answers = by_a_crowd(live_api, path, **sent)
    done = [answer for answer in answers if answer.status_code != 409]
    refused = [answer for answer in answers if answer.status_code == 409]

    assert len({answer.status_code for answer in done}) == 1
    assert len([answer for answer in done if "idempotency-replayed" not in answer.headers]) == 1
    assert {answer.json()["code"] for answer in refused} <= {"idempotency_key_in_use"}
    done += [insisted(live_api, answer, path, **sent) for answer in refused]
    assert len({answer.content for answer in done}) == 1
    assert len(done) == CROWD
    assert count(runtime, table) == before + 1


def test_an_answer_that_never_arrived_is_given_again(runtime: Runtime, live_api: LiveApi) -> None:
    path = f"/api/listening/ingest?user_id={a_connected_user(runtime)}"
    key = a_key()

    send_and_hang_up(live_api, path, key)
    assert eventually(lambda: count(runtime, "background_jobs") == 1)
    [task_id] = work_off(runtime)
    again = requests.post(live_api.url + path, headers=key, timeout=20)

    assert (again.status_code, again.headers["idempotency-replayed"]) == (202, "true")
    assert UUID(again.json()["task_id"]) == task_id
    assert again.headers["location"] == f"/api/tasks/{task_id}"
    # Without the key it is a new request, now that the task has ended.
    assert requests.post(live_api.url + path, timeout=20).json()["task_id"] != str(task_id)


def send_and_hang_up(api: LiveApi, path: str, headers: dict[str, str]) -> None:
    """A request whose client is gone, with a reset, before the answer can reach it."""
    parts = urlsplit(api.url)
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=10) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.sendall(f"POST {path} HTTP/1.1\r\nHost: {parts.netloc}\r\n{lines}\r\n".encode())
