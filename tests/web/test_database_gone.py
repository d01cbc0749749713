"""Without its database the API says so, soon and in order, and needs no restart when it is back."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
import requests
from starlette.testclient import TestClient

from conftest import Servers
from frozen_postgres import frozen_backend, frozen_server, server_to_freeze
from live_api import LiveApi, running_api
from problem_documents import reasons_of
from server_trials import eventually
from spotify_insights.embedded.postgres import EmbeddedPostgres

# Whoever asks while the database is away is told so within this time, as the documentation promises.
PROMISED_SECONDS = 2.0
# One that stands still is told from one that thinks by waiting alone.
PROMISED_WHILE_FROZEN_SECONDS = 5.0
# For what nobody promised a time: a busy machine is no failure.
PATIENCE_SECONDS = 10.0
EACH = 2
USER = str(uuid4())
REQUESTS: list[tuple[str, str, dict[str, Any]]] = [
    ("GET", "/health", {}),
    ("GET", "/health/ready", {}),
    ("GET", f"/api/users/{USER}", {}),
    ("GET", f"/api/users/{USER}/connections", {}),
    ("GET", f"/api/listening/snapshots?user_id={USER}", {}),
    ("GET", f"/api/insights/{USER}", {}),
    ("GET", f"/api/insights/user/{USER}", {}),
    ("GET", f"/api/tasks/{USER}", {}),
    ("GET", f"/api/tasks?user_id={USER}", {}),
    ("POST", "/api/users/register", {"json": {"spotify_user_id": "a"}}),
    ("PATCH", f"/api/users/{USER}", {"json": {"display_name": "a"}}),
    (
        "POST",
        "/api/tokens/store",
        {"json": {"user_id": USER, "access_token": "canary", "refresh_token": "canary", "expires_in": 1}},
    ),
    ("POST", f"/api/listening/ingest?user_id={USER}", {}),
    ("POST", f"/api/insights/generate?snapshot_id={USER}&insight_type=roast", {}),
    ("GET", f"/api/tasks/{USER}/events", {}),
    ("DELETE", f"/api/tasks/{USER}", {}),
    ("GET", "/api/admin/jobs", {}),
    ("GET", f"/api/admin/jobs/{USER}", {}),
    ("DELETE", f"/api/admin/jobs/{USER}", {}),
    ("POST", f"/api/admin/jobs/{USER}/requeue", {}),
    ("GET", "/api/admin/dead-letters", {}),
    ("POST", "/api/admin/dead-letters/requeue", {}),
    ("GET", "/api/admin/queues", {}),
    ("GET", "/api/admin/alerts", {}),
    ("GET", "/metrics", {}),
]


def assert_unavailable(api: LiveApi, *, within: float = PROMISED_SECONDS) -> None:
    """Every operation, many at once: a problem document, not an error of ours, and not too late."""

    def ask(operation: tuple[str, str, dict[str, Any]]) -> requests.Response:
        method, path, sent = operation
        return requests.request(method, api.url + path, timeout=PATIENCE_SECONDS, **sent)

    with ThreadPoolExecutor(EACH * len(REQUESTS)) as threads:
        answers = list(threads.map(ask, EACH * REQUESTS))
    for answer in answers:
        reasons_of(answer, 503, "unavailable")
        assert int(answer.headers["retry-after"]) > 0
    took = [answer.elapsed.total_seconds() for answer in answers]
    # The quicker one of each counts: a machine that is busy for a moment is no failure.
    for operation, *times in zip(REQUESTS, took[: len(REQUESTS)], took[len(REQUESTS) :], strict=True):
        assert min(times) < within, operation
    assert "canary" not in api.log.read_text(encoding="utf-8")
    assert requests.get(f"{api.url}/health/live", timeout=5).status_code == 200


def works(api: LiveApi) -> bool:
    """Whether reads and writes are answered again."""
    read = requests.get(f"{api.url}/api/tasks/{USER}", timeout=PATIENCE_SECONDS)
    body = {"spotify_user_id": "a"}
    written = requests.post(f"{api.url}/api/users/register", json=body, timeout=PATIENCE_SECONDS)
    return read.status_code == 404 and written.status_code in {200, 201}


def environment(database_url: str, redis_url: str, key_file: Path) -> dict[str, str]:
    return {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "TOKEN_KEYS_FILE": str(key_file)}


def test_the_api_starts_without_a_database_and_says_that_it_is_missing(
    servers: Servers, key_file: Path, tmp_path: Path
) -> None:
    nowhere = f"postgresql://somebody:canary@/nothing?host={tmp_path}/nobody"
    with running_api(tmp_path, environment(nowhere, servers.redis_url, key_file)) as api:
        assert_unavailable(api)


@pytest.fixture(scope="module")
def own_postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL that a test may stop and start."""
    with server_to_freeze(tmp_path_factory.mktemp("postgres") / "data") as postgres:
        yield postgres


@pytest.mark.slow  # outages take their time
def test_the_api_recovers_from_outages_of_any_length(
    own_postgres: EmbeddedPostgres, servers: Servers, key_file: Path, tmp_path: Path
) -> None:
    with running_api(tmp_path, environment(own_postgres.url, servers.redis_url, key_file)) as api:
        assert works(api)
        # The second one ends where a pool that doubles its pauses from one second on would be in its longest.
        for at_least_seconds in (0, 17):
            own_postgres.stop()
            ends = time.monotonic() + at_least_seconds
            assert_unavailable(api)
            while time.monotonic() < ends:
                assert_unavailable(api)

            own_postgres.start()

            # However long it was away: it is used as soon as it is there.
            assert eventually(lambda: works(api), within=PATIENCE_SECONDS)


@pytest.mark.slow  # it waits for the time limit itself
def test_a_connection_that_falls_silent_is_given_up(
    own_postgres: EmbeddedPostgres, servers: Servers, key_file: Path, tmp_path: Path
) -> None:
    with running_api(tmp_path, environment(own_postgres.url, servers.redis_url, key_file)) as api:
        assert works(api)
        with psycopg.connect(own_postgres.url) as connection:
            [(silenced,)] = connection.execute(
                "SELECT pid FROM pg_stat_activity WHERE application_name = 'spotify-insights reads'"
            ).fetchall()
        with frozen_backend(silenced):
            answer = requests.get(f"{api.url}/api/tasks/{USER}", timeout=PATIENCE_SECONDS)
            reasons_of(answer, 503, "unavailable")
            assert answer.elapsed.total_seconds() < PROMISED_WHILE_FROZEN_SECONDS
            assert works(api)


@pytest.mark.slow  # it waits for the time limits themselves
def test_a_database_that_stands_still_is_unavailable_until_it_moves_again(
    own_postgres: EmbeddedPostgres, servers: Servers, key_file: Path, tmp_path: Path
) -> None:
    with running_api(tmp_path, environment(own_postgres.url, servers.redis_url, key_file)) as api:
        warm_up(api)
        assert own_postgres.pid is not None
        with frozen_server(own_postgres.pid):
            # The first ones meet connections that look sound, the later ones an empty pool.
            for _ in range(2):
                assert_unavailable(api, within=PROMISED_WHILE_FROZEN_SECONDS)
            # Far more at once than there are threads and connections: a queue does not add up the waiting.
            with ThreadPoolExecutor(120) as threads:
                took = sorted(threads.map(lambda _: seconds_until_refused(api), range(120)))
            assert took[len(took) // 2] < PROMISED_WHILE_FROZEN_SECONDS

        assert eventually(lambda: works(api), within=PATIENCE_SECONDS)
        # More at once than both pools have connections: not one of these was lost.
        with ThreadPoolExecutor(30) as threads:
            assert all(threads.map(lambda _: works(api), range(30)))


@pytest.mark.slow  # it starts an API of its own
def test_a_database_that_only_reads_is_unavailable_for_changes_and_answers_reads(
    own_postgres: EmbeddedPostgres, servers: Servers, key_file: Path, tmp_path: Path
) -> None:
    only_reads = f"{own_postgres.url}&options=-c%20default_transaction_read_only%3Don"
    with running_api(tmp_path, environment(only_reads, servers.redis_url, key_file)) as api:
        body = {"spotify_user_id": "a reader"}
        refused = requests.post(f"{api.url}/api/users/register", json=body, timeout=PATIENCE_SECONDS)
        reasons_of(refused, 503, "unavailable")
        assert "only be read" in refused.json()["detail"]
        assert requests.get(f"{api.url}/api/tasks/{USER}", timeout=PATIENCE_SECONDS).status_code == 404


@pytest.mark.slow  # it waits for the time limit itself
def test_a_request_does_not_wait_for_a_table_as_long_as_a_job_would(
    client: TestClient, empty: Servers
) -> None:
    with psycopg.connect(empty.database_url) as other:
        other.execute("LOCK TABLE users IN ACCESS EXCLUSIVE MODE")
        began = time.monotonic()
        refused = client.post("/api/users/register", json={"spotify_user_id": "a"})
        took = time.monotonic() - began
        waiting = other.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone()
    reasons_of(refused, 503, "unavailable")
    assert took < PATIENCE_SECONDS
    # Nor does its server process, when nobody is there for the answer.
    assert waiting == (0,)


def seconds_until_refused(api: LiveApi) -> float:
    """How long somebody who wants to ingest waits for the refusal."""
    answer = requests.post(f"{api.url}/api/listening/ingest?user_id={USER}", timeout=6 * PATIENCE_SECONDS)
    reasons_of(answer, 503, "unavailable")
    return answer.elapsed.total_seconds()


def warm_up(api: LiveApi) -> None:
    """Many at once, so that both pools hold idle connections."""
    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(lambda _: works(api), range(16)))
