"""A worker as operators start it: a process of its own, told by the relay what to do."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from job_trials import enqueued
from jobs_inline import job_row
from makers import a_connected_user
from server_trials import all_gone, eventually, family_of
from spotify_insights.database.database import Database
from spotify_insights.jobs.job import JobStatus
from spotify_insights.listening.jobs import IngestListeningData
from spotify_insights.listening.time_range import TimeRange
from spotify_insights.runtime import Runtime
from spotify_insights.settings import Settings
from worker_trials import environment_of, running_relay


@dataclass(frozen=True)
class Worker:
    process: subprocess.Popen[bytes]
    log_file: Path

    @property
    def log(self) -> str:
        return self.log_file.read_text()


@contextmanager
def running_worker(queue: str, settings: Settings, folder: Path) -> Iterator[Worker]:
    log_file, ready_file = folder / "worker.log", folder / "ready"
    environment = {**os.environ, **environment_of(settings), "READY_FILE": str(ready_file)}
    command = [sys.executable, "-m", "spotify_insights", "worker", queue]
    with (
        log_file.open("wb") as log,
        subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=log) as process,  # noqa: S603  # our own program
    ):
        worker = Worker(process, log_file)
        try:
            eventually(lambda: ready_file.exists() or process.poll() is not None, within=60)
            assert ready_file.exists(), worker.log
            yield worker
        finally:
            process.kill()


def test_a_worker_does_what_is_queued_keeps_secrets_out_of_its_log_and_stops_when_told(
    runtime: Runtime, settings: Settings, database: Database, tmp_path: Path
) -> None:
    access_token, refresh_token = "canary-access-0b1e", "canary-refresh-77aa"
    talkative = settings.model_copy(update={"log_level": "DEBUG"})
    connected = a_connected_user(runtime, access_token=access_token, refresh_token=refresh_token)
    works = IngestListeningData(user_id=connected, time_range=TimeRange.SHORT_TERM)

    with running_worker("spotify", talkative, tmp_path) as worker, running_relay(database, settings):
        job_id = enqueued(database, works)
        assert eventually(lambda: job_row(database, job_id).finished_at is not None, within=30), worker.log
        row = job_row(database, job_id)
        assert (row.status, row.error, row.attempts) == (JobStatus.SUCCEEDED, None, 1)
        assert row.result is not None
        assert row.result["new_plays"]

        processes = family_of(worker.process.pid)
        worker.process.terminate()
        assert worker.process.wait(timeout=30) == 0, worker.log
        assert all_gone(processes)

    assert str(job_id) in worker.log
    assert settings.spotify_client_secret is not None
    for secret in (access_token, refresh_token, settings.spotify_client_secret.get_secret_value()):
        assert secret not in worker.log


def test_a_worker_for_an_unknown_queue_says_which_there_are(settings: Settings, tmp_path: Path) -> None:
    environment = {**os.environ, **environment_of(settings)}
    ended = subprocess.run(
        [sys.executable, "-m", "spotify_insights", "worker", "misspelt"],
        check=False,
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert ended.returncode == 1
    assert ended.stderr.strip() == (
        "There is no queue 'misspelt'. The queues are spotify, insights, scheduled."
    )
