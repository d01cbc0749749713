"""Redis stopped under a real API and worker: work is accepted as ever, and done once Redis is back."""

import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from pydantic import SecretStr

from live_api import LiveApi, running_api
from makers import a_connected_user
from server_trials import eventually
from spotify_insights.embedded.data_folder import DataFolder
from spotify_insights.embedded.valkey import EmbeddedValkey
from spotify_insights.runtime import Runtime
from spotify_insights.settings import Settings
from time_limits import assert_kept
from worker_trials import environment_of

LISTENERS = 20
ACCEPTED_WITHIN_SECONDS = 1.5
ALIVE_WITHIN_SECONDS = 0.1
DONE_WITHIN_SECONDS = 30.0
OUTAGES = 3


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[EmbeddedValkey]:
    """A Valkey that the test may stop; it comes back empty."""
    with DataFolder(tmp_path / "data") as folder:
        server = EmbeddedValkey(folder, durable=False)
        server.start()
        yield server
        server.stop()


@contextmanager
def running_worker(environment: dict[str, str], folder: Path) -> Iterator[None]:
    ready = folder / "worker-ready"
    with (
        (folder / "worker.log").open("wb") as log,
        subprocess.Popen(
            [sys.executable, "-m", "spotify_insights", "worker", "spotify"],
            env={**os.environ, **environment, "READY_FILE": str(ready)},
            cwd=folder,
            stdout=log,
            stderr=log,
        ) as process,
    ):
        try:
            assert eventually(ready.exists, within=60)
            yield
        finally:
            process.terminate()
            process.wait(30)


@contextmanager
def watched_life(api: LiveApi) -> Iterator[list[float]]:
    """How long `/health/live` took, again and again, while the block runs."""
    seconds: list[float] = []
    over = threading.Event()

    def look() -> None:
        with requests.Session() as session:
            while not over.wait(0.01):
                began = time.monotonic()
                assert session.get(f"{api.url}/health/live", timeout=30).status_code == 200
                seconds.append(time.monotonic() - began)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seconds
    finally:
        over.set()
        thread.join()


@pytest.mark.slow  # outages take their time
def test_work_is_accepted_without_redis_and_done_when_it_is_back(
    settings: Settings, runtime: Runtime, valkey: EmbeddedValkey, tmp_path: Path
) -> None:
    given = settings.model_copy(update={"redis_url": SecretStr(valkey.url), "cache_url": None})
    environment = environment_of(given)
    slowest, p99 = list[float](), list[float]()
    with running_api(tmp_path, environment) as api, running_worker(environment, tmp_path):
        for _ in range(OUTAGES):
            listeners = [a_connected_user(runtime) for _ in range(LISTENERS)]
            valkey.stop()
            accepted_after, tasks = [], []
            with watched_life(api) as life:
                for listener in listeners:
                    began = time.monotonic()
                    answer = requests.post(
                        f"{api.url}/api/listening/ingest", params={"user_id": str(listener)}, timeout=30
                    )
                    accepted_after.append(time.monotonic() - began)
                    assert answer.status_code == 202, answer.text
                    tasks.append(answer.json()["status_url"])
                    time.sleep(0.2)
            valkey.start()

            def all_done(urls: list[str] = tasks) -> bool:
                states = [requests.get(api.url + url, timeout=30).json()["status"] for url in urls]
                return set(states) == {"SUCCESS"}

            assert eventually(all_done, within=DONE_WITHIN_SECONDS)
            slowest.append(max(accepted_after))
            p99.append(statistics.quantiles(life, n=100)[98])
    assert_kept(slowest, promised=ACCEPTED_WITHIN_SECONDS, what="the slowest POST of each outage")
    assert_kept(p99, promised=ALIVE_WITHIN_SECONDS, what="the 99th percentile of /health/live")
