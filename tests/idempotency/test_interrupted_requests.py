"""A POST with a key whose connection, commit or client breaks off: sent again, it is done once."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError
from starlette.testclient import TestClient
from starlette.types import Message, Scope

from idempotent_posts import (
    KEY,
    handover,
    ingestion,
    rows,
)
from job_trials import somebody_waits_for_a_lock
from jobs_inline import work_off
from makers import a_connected_user, a_user
from problem_documents import reasons_of
from spotify_insights.database.actor import SYSTEM
from spotify_insights.runtime import Runtime


@contextmanager
def a_broken_connection(client: TestClient, moment: str) -> Iterator[None]:
    """The API's database breaks off at this moment of a transaction."""
    runtime = client.app.state.runtime  # type: ignore[attr-defined]
    # What a process does at its start; its transaction is none of the request's.
    runtime.request_hasher.prepare()
    sessions = runtime.database._sessions  # the API's own

    def break_off(_session: object) -> None:
        raise OperationalError("COMMIT", {}, ConnectionError("the server closed the connection"))

    event.listen(sessions, moment, break_off)
    yield
    event.remove(sessions, moment, break_off)


def test_a_failed_commit_leaves_the_key_free(client: TestClient, runtime: Runtime) -> None:
    post = ingestion(a_connected_user(runtime))

    with a_broken_connection(client, "before_commit"):
        reasons_of(post.by(client, KEY), 503, "unavailable")

    assert rows(runtime, "background_jobs") == rows(runtime, "idempotency_keys") == []
    again = post.by(client, KEY)
    assert again.status_code == 202
    assert "idempotency-replayed" not in again.headers


def test_a_request_whose_first_copy_is_still_being_answered_is_told_so_at_once(
    client: TestClient, runtime: Runtime
) -> None:
    user_id = a_user(runtime)
    post = handover(user_id)
    with ThreadPoolExecutor(1) as thread:
        with runtime.database.transaction(acting_for=SYSTEM) as tx:
            tx.session.execute(text("SELECT 1 FROM users FOR UPDATE"))
            first = thread.submit(post.by, client, KEY)
            assert somebody_waits_for_a_lock(runtime.database)
            # The first one waits for this block to end; the second one is answered before.
            reasons_of(post.by(client, KEY), 409, "idempotency_key_in_use")
        assert first.result(timeout=10).status_code == 201

    assert post.by(client, KEY).headers["idempotency-replayed"] == "true"


def test_a_commit_that_happened_although_it_seemed_to_fail_is_found_by_its_key(
    client: TestClient, runtime: Runtime
) -> None:
    post = ingestion(a_connected_user(runtime))

    with a_broken_connection(client, "after_commit"):
        reasons_of(post.by(client, KEY), 503, "unavailable")
    work_off(runtime)
    again = post.by(client, KEY)

    assert (again.status_code, again.headers["idempotency-replayed"]) == (202, "true")
    assert len(rows(runtime, "background_jobs")) == 1


def test_a_client_that_is_gone_before_its_request_is_looked_at_crashes_nothing(
    client: TestClient, runtime: Runtime
) -> None:
    statuses: list[int] = []

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        statuses.append(message.get("status", 0))

    async def ask() -> None:
        await client.app(scope, receive, send)

    scope: Scope = {
        "type": "http",
        "method": "POST",
        "path": "/api/listening/ingest",
        "query_string": f"user_id={a_connected_user(runtime)}".encode(),
        "headers": [(b"host", b"localhost"), (b"idempotency-key", b"k-1")],
    }
    asyncio.run(ask())

    assert statuses[0] == 202
