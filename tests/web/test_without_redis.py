"""Redis away, silent, and back: everything answers, from the database alone, and nothing hangs."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import redis
from pydantic import SecretStr
from starlette.testclient import TestClient

from jobs_inline import work_off
from makers import a_connected_user
from problem_documents import reasons_of
from server_trials import eventually
from spotify_insights.cache.keys import LIST_TTL, snapshot_list
from spotify_insights.database.role import DatabaseRole
from spotify_insights.embedded.data_folder import DataFolder
from spotify_insights.embedded.valkey import EmbeddedValkey
from spotify_insights.runtime import Runtime
from spotify_insights.settings import Settings
from spotify_insights.web.app import create_app

# No request may wait longer; a single one may meet the time-outs for connecting and for answering.
HANGING_SECONDS = 5.0


@contextmanager
def service(settings: Settings, redis_url: str) -> Iterator[tuple[TestClient, Runtime]]:
    """The API over this Redis, and the parts for running its jobs."""
    given = settings.model_copy(update={"redis_url": SecretStr(redis_url), "cache_url": None})
    jobs = Runtime.from_settings(given, role=DatabaseRole.WORKER, process="spotify-insights tests")
    app = create_app(
        Runtime.from_settings(given, role=DatabaseRole.API, process="spotify-insights api"), with_relay=False
    )
    with TestClient(app, base_url="http://127.0.0.1:8000", raise_server_exceptions=False) as client:
        yield client, jobs
    jobs.close()


def test_the_whole_workflow_works_without_redis(settings: Settings, unusable_redis: str) -> None:
    longest = 0.0
    with service(settings, unusable_redis) as (client, runtime):

        def asked(method: str, path: str, status: int, **sent: Any) -> Any:
            nonlocal longest
            begun = time.monotonic()
            answer = client.request(method, path, **sent)
            longest = max(longest, time.monotonic() - begun)
            assert answer.status_code == status, answer.text
            return answer.json() if answer.content else None

        user_id = asked("POST", "/api/users/register", 201, json={"spotify_user_id": "a"})["user_id"]
        tokens = {"access_token": "BQD", "refresh_token": "AQC", "expires_in": 3600}
        asked("POST", "/api/tokens/store", 201, json={"user_id": user_id, **tokens})
        asked("PATCH", f"/api/users/{user_id}", 204, json={"timezone": "Asia/Tokyo"})
        assert asked("GET", f"/api/users/{user_id}", 200)["timezone"] == "Asia/Tokyo"
        assert asked("GET", f"/api/users/{user_id}/connections", 200)
        assert asked("GET", f"/api/listening/snapshots?user_id={user_id}", 200) == []

        ingestion = asked("POST", f"/api/listening/ingest?user_id={user_id}", 202)
        assert asked("GET", ingestion["status_url"], 200)["status"] == "PENDING"
        work_off(runtime)
        snapshot_id = asked("GET", ingestion["status_url"], 200)["result"]["snapshot_id"]
        [snapshot] = asked("GET", f"/api/listening/snapshots?user_id={user_id}", 200)
        assert snapshot["snapshot_id"] == snapshot_id

        order = {"snapshot_id": snapshot_id, "insight_type": "wellness"}
        generation = asked("POST", "/api/insights/generate", 202, params=order)
        work_off(runtime)
        insight_id = asked("GET", generation["status_url"], 200)["result"]["insight_id"]
        assert asked("GET", f"/api/insights/{insight_id}", 200)["content"]
        assert len(asked("GET", f"/api/insights/user/{user_id}", 200)) == 1
        assert len(asked("GET", f"/api/tasks?user_id={user_id}", 200)) == 2

        health = asked("GET", "/health", 200)
        assert health == {"status": "degraded", "database": "ok", "redis": "unreachable"}
        reasons_of(client.get("/api/tasks/x"), 422, "invalid_input")
    assert longest < HANGING_SECONDS


def test_a_silent_redis_is_not_asked_again_by_every_request(settings: Settings, unusable_redis: str) -> None:
    with service(settings, unusable_redis) as (client, runtime):
        address = f"/api/insights/user/{a_connected_user(runtime)}"
        begun = time.monotonic()
        for _ in range(100):
            assert client.get(address).status_code == 200

    # A hundred time-outs of half a second would be 50 s.
    assert time.monotonic() - begun < 20


@pytest.fixture(scope="module")
def own_valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedValkey]:
    """A Redis that a test may stop and start; what it held is there again, as in production."""
    with DataFolder(tmp_path_factory.mktemp("valkey") / "data") as folder:
        valkey = EmbeddedValkey(folder, durable=True)
        valkey.start()
        yield valkey
        valkey.stop()


def test_when_redis_is_back_the_cache_is_used_again_and_says_nothing_old_for_long(
    settings: Settings, own_valkey: EmbeddedValkey
) -> None:
    with service(settings, own_valkey.url) as (client, runtime):
        user_id = a_connected_user(runtime)
        address = f"/api/listening/snapshots?user_id={user_id}"
        assert client.get(address).json() == []
        assert client.get("/health").json()["status"] == "ok"

        own_valkey.stop()
        client.post(f"/api/listening/ingest?user_id={user_id}")
        work_off(runtime)
        assert len(client.get(address).json()) == 1
        assert client.get("/health").json()["status"] == "degraded"

        own_valkey.start()
        assert eventually(lambda: client.get("/health").json()["status"] == "ok", within=15)
        # The write could not reach Redis. What stands there from before ends with its time at the latest.
        entry = snapshot_list(
            user_id, reader=f"listener:{user_id}", time_range=None, limit=20, cursor=None
        ).key
        with redis.Redis.from_url(own_valkey.url) as connection:
            assert connection.pttl(entry) <= LIST_TTL.total_seconds() * 1000
            connection.delete(entry)  # as time does
            assert len(client.get(address).json()) == 1
            # Both sides use it again: the reader keeps its answer, the writer ends it.
            assert eventually(
                lambda: len(client.get(address).json()) == 1 and bool(connection.exists(entry)), within=15
            )
        assert eventually(runtime.cache.is_reachable, within=15)
        client.post(f"/api/listening/ingest?user_id={user_id}&time_range=short_term")
        work_off(runtime)
        assert len(client.get(address).json()) == 2
