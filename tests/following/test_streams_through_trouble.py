"""Streams while the service stops, while its database restarts, and a thousand of them at once."""

import asyncio
import json
import resource
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import psycopg
import pytest
import requests

from conftest import Servers
from event_streams import EventStream
from families import a_job, bring_to
from live_api import LiveApi, running_api
from server_trials import eventually
from spotify_insights.database.role import DatabaseRole
from spotify_insights.database.upgrade import upgrade_database
from spotify_insights.embedded.data_folder import DataFolder
from spotify_insights.embedded.postgres import EmbeddedPostgres
from spotify_insights.jobs.job import JobStatus
from spotify_insights.runtime import Runtime
from spotify_insights.settings import Settings

LISTENERS = 1000
STOP_SECONDS = 3.0


def test_open_streams_do_not_keep_the_service_from_stopping(
    environment: dict[str, str], tmp_path: Path, runtime: Runtime
) -> None:
    tasks = [a_job(runtime, JobStatus.QUEUED) for _ in range(3)]
    with ExitStack() as clients:
        with running_api(tmp_path, environment) as api:
            streams = [clients.enter_context(EventStream(api.url, task_id)) for task_id in tasks * 10]
            seen = [stream.next().id for stream in streams]
            stopping = time.monotonic()
        assert time.monotonic() - stopping < STOP_SECONDS

        # Each ended in order, and without the event that tells a client not to come back.
        assert [list(stream) for stream in streams] == [[]] * len(streams)
    log = api.log.read_text(encoding="utf-8")
    assert "request_crashed" not in log
    assert "graceful shutdown exceeded" not in log
    assert all(seen)


@pytest.fixture(scope="module")
def own_postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL that a test may stop and start."""
    with DataFolder(tmp_path_factory.mktemp("postgres") / "data") as folder:
        postgres = EmbeddedPostgres(folder, durable=False)
        postgres.start()
        upgrade_database(postgres.url)
        yield postgres
        postgres.stop()


@pytest.fixture
def own_environment(environment: dict[str, str], own_postgres: EmbeddedPostgres) -> dict[str, str]:
    return {**environment, "DATABASE_URL": own_postgres.url}


@pytest.fixture
def own_runtime(own_environment: dict[str, str]) -> Iterator[Runtime]:
    built = Runtime.from_settings(
        Settings.from_environment(own_environment), role=DatabaseRole.WORKER, process="spotify-insights tests"
    )
    yield built
    built.close()


def test_a_restart_of_the_database_breaks_no_stream(
    own_postgres: EmbeddedPostgres, own_environment: dict[str, str], own_runtime: Runtime, tmp_path: Path
) -> None:
    task_id = a_job(own_runtime, JobStatus.QUEUED)
    with running_api(tmp_path, own_environment) as api, EventStream(api.url, task_id) as stream:
        assert stream.next().data["status"] == "PENDING"

        own_postgres.stop()
        with EventStream(api.url, task_id) as refused:
            assert refused.status == 503
            assert int(refused.headers["retry-after"]) > 0
        own_postgres.start()
        bring_to(own_runtime.database, task_id, JobStatus.SUCCEEDED)

        last, end = stream
        assert (last.data["status"], end.data) == ("SUCCESS", {"reason": "ended"})


async def followed(api: LiveApi, task_id: UUID, arrived: asyncio.Semaphore) -> list[str]:
    """Every state of the task that one listener is told."""
    address = urlsplit(api.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    path = f"/api/tasks/{task_id}/events"
    writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
    states = []
    async for line in reader:
        if line.startswith(b"data: {") and b'"status"' in line:
            states.append(json.loads(line.removeprefix(b"data: "))["status"])
            arrived.release()
    writer.close()
    return states


async def in_good_health(api: LiveApi, over: asyncio.Event) -> list[float]:
    """How long each question about the process's health took, in seconds, until it is over."""
    took = []
    with requests.Session() as session:
        while not over.is_set():
            begun = time.monotonic()
            answer = await asyncio.to_thread(session.get, f"{api.url}/health/live", timeout=10)
            took.append(time.monotonic() - begun)
            assert answer.status_code == 200
    return took


@pytest.mark.slow  # a thousand connections, and a task for each
def test_a_thousand_idle_listeners_all_hear_of_the_end(
    environment: dict[str, str], tmp_path: Path, runtime: Runtime, migrated: Servers
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 2 * LISTENERS + 200:
        pytest.skip("This system lets a process open too few connections.")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2 * LISTENERS + 200), hard))
    first = a_job(runtime, JobStatus.QUEUED)
    with psycopg.connect(migrated.database_url) as connection:
        copied = connection.execute(
            "INSERT INTO background_jobs (id, task_name, queue, owner_id, deduplication_key, arguments)"
            " SELECT gen_random_uuid(), task_name, queue, owner_id, number::text, arguments"
            " FROM background_jobs, generate_series(2, %s) number WHERE id = %s RETURNING id",
            (LISTENERS, first),
        ).fetchall()
    tasks = [first, *(task_id for (task_id,) in copied)]

    async def story(api: LiveApi) -> None:
        arrived, over = asyncio.Semaphore(0), asyncio.Event()
        health = asyncio.create_task(in_good_health(api, over))
        listening = [asyncio.create_task(followed(api, task_id, arrived)) for task_id in tasks]
        for _ in tasks:
            await arrived.acquire()
        shown = await asyncio.to_thread(requests.get, f"{api.url}/metrics", timeout=10)
        assert f"spotify_insights_event_listeners {LISTENERS}.0" in shown.text

        with psycopg.connect(migrated.database_url) as connection:
            connection.execute("UPDATE background_jobs SET status = 'succeeded', finished_at = now()")
        heard = await asyncio.gather(*listening)
        over.set()

        assert heard == [["PENDING", "SUCCESS"]] * LISTENERS
        assert len(await health) > 1

    with running_api(tmp_path, environment) as api:
        asyncio.run(asyncio.wait_for(story(api), timeout=120))
        assert eventually(lambda: "unavailable" not in api.log.read_text(encoding="utf-8"), within=1)
