"""Answers from the cache are the answers of the database: ETags, what is kept, and what a write ends."""

from uuid import UUID

import pytest
import redis
from sqlalchemy import text
from starlette.testclient import TestClient

from conftest import Servers
from jobs_inline import work_off
from makers import a_connected_user, a_user
from spotify_insights.cache.keys import LIST_TTL, OBJECT_TTL, finished_task, insight
from spotify_insights.database.actor import SYSTEM
from spotify_insights.runtime import Runtime
from stored_rows import a_finished_task, a_snapshot, a_waiting_task, an_insight


def execute(runtime: Runtime, statement: str, **parameters: object) -> None:
    """Change rows behind the service's back, so that nothing is invalidated."""
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        tx.session.execute(text(statement), parameters)


@pytest.fixture
def addresses(runtime: Runtime) -> list[str]:
    """Everything that has an ETag, for one listener who has something of each kind."""
    user_id = a_connected_user(runtime)
    snapshot_id = a_snapshot(runtime, user_id)
    insight_id = an_insight(runtime, user_id, snapshot_id)
    task_id = a_finished_task(runtime, user_id)
    return [
        f"/api/users/{user_id}",
        f"/api/users/{user_id}/connections",
        f"/api/listening/snapshots?user_id={user_id}",
        f"/api/insights/{insight_id}",
        f"/api/insights/user/{user_id}",
        f"/api/tasks/{task_id}",
        f"/api/tasks?user_id={user_id}",
    ]


def test_an_answer_that_the_client_has_is_not_sent_again(client: TestClient, addresses: list[str]) -> None:
    for address in addresses:
        full = client.get(address)
        etag = full.headers["etag"]
        assert (full.status_code, etag[0], etag[-1]) == (200, '"', '"')
        for spelling in (etag, f"W/{etag}", f'"other", {etag}', "*"):
            again = client.get(address, headers={"If-None-Match": spelling})
            assert (again.status_code, again.content) == (304, b""), (address, spelling)
            assert again.headers["etag"] == etag
        for other in ('"other"', etag.strip('"'), ""):
            again = client.get(address, headers={"If-None-Match": other})
            assert (again.status_code, again.content) == (200, full.content)


def test_head_says_what_get_would(client: TestClient, addresses: list[str]) -> None:
    for address in [*addresses, "/health", "/docs", "/static/docs.js", "/openapi.json"]:
        get, head = client.get(address), client.head(address)
        assert (head.status_code, head.content) == (200, b"")
        varying = {"x-request-id", "date"}
        assert {name: value for name, value in head.headers.items() if name not in varying} == {
            name: value for name, value in get.headers.items() if name not in varying
        }


def test_shared_caches_keep_nothing_and_private_ones_ask_again(
    client: TestClient, addresses: list[str]
) -> None:
    for address in addresses:
        assert client.get(address).headers["cache-control"] == "private, no-cache"


def test_a_new_entry_changes_the_etag_of_its_list(client: TestClient, runtime: Runtime) -> None:
    user_id = a_user(runtime)
    address = f"/api/tasks?user_id={user_id}"
    before = client.get(address).headers["etag"]
    a_finished_task(runtime, user_id)

    after = client.get(address, headers={"If-None-Match": before})

    assert after.status_code == 200
    assert after.headers["etag"] != before


def test_lists_and_insights_are_served_from_redis_with_the_same_bytes(
    client: TestClient, runtime: Runtime
) -> None:
    user_id = a_user(runtime)
    insight_id = an_insight(runtime, user_id, a_snapshot(runtime, user_id, day=0))
    an_insight(runtime, user_id, a_snapshot(runtime, user_id, day=1))
    addresses = [
        f"/api/listening/snapshots?user_id={user_id}&limit=1",
        f"/api/insights/user/{user_id}?limit=1",
        f"/api/insights/{insight_id}",
    ]
    first = [client.get(address) for address in addresses]
    # Gone behind the service's back: whoever still answers did not ask the database.
    execute(runtime, "DELETE FROM listening_snapshots")

    for address, before in zip(addresses, first, strict=True):
        after = client.get(address)
        assert (after.status_code, after.content) == (200, before.content)
        assert after.headers["etag"] == before.headers["etag"]
        assert after.headers.get("link") == before.headers.get("link")


def test_every_kept_answer_ends_within_the_documented_time(
    client: TestClient, addresses: list[str], empty: Servers
) -> None:
    for address in addresses:
        client.get(address)

    with redis.Redis.from_url(empty.redis_url, decode_responses=True) as connection:
        left = {key: connection.pttl(key) / 1000 for key in connection.scan_iter("si:entry:*")}
    lists = [seconds for key, seconds in left.items() if ":user:" in key]
    objects = [seconds for key, seconds in left.items() if ":user:" not in key]
    assert (len(lists), len(objects)) == (2, 2)
    assert all(0 < seconds <= LIST_TTL.total_seconds() for seconds in lists)
    assert all(0 < seconds <= OBJECT_TTL.total_seconds() for seconds in objects)


def kept(servers: Servers, key: str) -> bool:
    with redis.Redis.from_url(servers.redis_url) as connection:
        return bool(connection.exists(key))


def test_a_task_that_succeeded_is_kept(client: TestClient, runtime: Runtime, empty: Servers) -> None:
    task_id = a_finished_task(runtime, a_user(runtime))

    first = client.get(f"/api/tasks/{task_id}")
    execute(runtime, "UPDATE background_jobs SET run_ms = 77")

    assert kept(empty, finished_task(task_id, reader="local").key)
    assert client.get(f"/api/tasks/{task_id}").content == first.content


@pytest.mark.parametrize("status", ["failed", "dead", "cancelled"])
def test_a_task_that_may_be_queued_again_is_never_kept(
    client: TestClient, runtime: Runtime, empty: Servers, status: str
) -> None:
    task_id = a_finished_task(runtime, a_user(runtime))
    execute(runtime, "UPDATE background_jobs SET status = :status", status=status)
    assert client.get(f"/api/tasks/{task_id}").json()["status"] in {"FAILURE", "REVOKED"}

    # Behind the service's back, as a command line without the cache would.
    execute(runtime, "UPDATE background_jobs SET status = 'queued', finished_at = NULL")

    assert client.get(f"/api/tasks/{task_id}").json()["status"] == "PENDING"
    assert not kept(empty, finished_task(task_id, reader="local").key)


@pytest.mark.parametrize(
    "progressed",
    [
        "UPDATE background_jobs SET progress = '{}'",
        "UPDATE background_jobs SET attempts = 1",
        """UPDATE background_jobs SET status = 'running', lease_token = gen_random_uuid(),
                                      lease_expires_at = now() + interval '1 minute'""",
    ],
    ids=["queued", "to be retried", "running"],
)
def test_an_unfinished_task_is_never_kept(
    client: TestClient, runtime: Runtime, empty: Servers, progressed: str
) -> None:
    task_id = a_waiting_task(runtime, a_user(runtime))
    execute(runtime, progressed)
    seen = []

    for step in range(3):
        execute(runtime, "UPDATE background_jobs SET progress = jsonb_build_object('step', :step)", step=step)
        seen.append(client.get(f"/api/tasks/{task_id}").json()["progress"]["step"])

    assert seen == [0, 1, 2]
    assert not kept(empty, finished_task(task_id, reader="local").key)


def test_the_answer_of_a_finishing_task_is_never_older_than_its_end(
    client: TestClient, runtime: Runtime
) -> None:
    user_id = a_connected_user(runtime)
    task_id = client.post(f"/api/listening/ingest?user_id={user_id}").json()["task_id"]
    assert client.get(f"/api/tasks/{task_id}").json()["status"] == "PENDING"

    work_off(runtime)

    assert client.get(f"/api/tasks/{task_id}").json()["status"] == "SUCCESS"


def test_an_ingestion_ends_the_cached_list_of_snapshots(client: TestClient, runtime: Runtime) -> None:
    user_id = a_connected_user(runtime)
    address = f"/api/listening/snapshots?user_id={user_id}"
    assert [client.get(address).json() for _ in range(2)] == [[], []]

    client.post(f"/api/listening/ingest?user_id={user_id}")
    work_off(runtime)

    [snapshot] = client.get(address).json()
    assert UUID(snapshot["user_id"]) == user_id


def test_a_new_version_ends_the_cached_list_and_the_version_before(
    client: TestClient, runtime: Runtime, empty: Servers
) -> None:
    user_id = a_connected_user(runtime)
    client.post(f"/api/listening/ingest?user_id={user_id}")
    work_off(runtime)
    [snapshot] = client.get(f"/api/listening/snapshots?user_id={user_id}").json()
    order = {"snapshot_id": snapshot["snapshot_id"], "insight_type": "roast", "tone_mode": "direct"}

    def newest_insight() -> UUID:
        task = client.post("/api/insights/generate", params=order).json()
        work_off(runtime)
        result = client.get(task["status_url"]).json()["result"]
        return UUID(result["insight_id"])

    first = newest_insight()
    assert client.get(f"/api/insights/{first}").json()["superseded_by"] is None
    assert len(client.get(f"/api/insights/user/{user_id}").json()) == 1
    assert kept(empty, insight(first, reader="local").key)

    # As a new prompt version would do: what is stored does not fit the order any more.
    execute(runtime, "UPDATE generated_insights SET fingerprint = 'of an older prompt'")
    second = newest_insight()

    assert client.get(f"/api/insights/{first}").json()["superseded_by"] == str(second)
    shown = [entry["insight_id"] for entry in client.get(f"/api/insights/user/{user_id}").json()]
    assert shown == [str(second), str(first)]
