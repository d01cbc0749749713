"""A main process that hangs ends itself, so that whoever started it can start it again."""

import os
import signal
import time

import psutil
import psycopg
import pytest

from job_trials import Notes, enqueued
from jobs_inline import job_row
from server_trials import eventually
from spotify_insights.database.database import Database
from worker_trials import Act, Stage, running_relay


@pytest.mark.slow
def test_a_worker_whose_main_process_hangs_ends_and_gives_its_jobs_back(
    stage: Stage, database: Database, notes: Notes
) -> None:
    with running_relay(database, stage.settings):
        with stage.worker(LOOK_EVERY_SECONDS="0.5") as worker:
            running = enqueued(database, Act(name="running", deeds=("hold", "work")))
            held = stage.begins("running").pid
            waiting = enqueued(database, Act(name="waiting"))
            worker.process.send_signal(signal.SIGUSR2)
            # While the job is locked it is not given back, and its process is gone: nothing holds the hang.
            with psycopg.connect(database.url) as connection:
                connection.execute("SELECT 1 FROM background_jobs WHERE id = %s FOR UPDATE", (running,))
                assert eventually(lambda: psutil.Process(held).status() == psutil.STATUS_ZOMBIE, within=20)
                assert not eventually(lambda: worker.process.poll() is not None, within=1)
            assert eventually(lambda: worker.process.poll() is not None, within=20), worker.log
            assert worker.process.returncode == os.EX_SOFTWARE
        # The log says where it hung.
        assert "worker_stalled" in worker.log
        assert "wait_procs" in worker.log
        row = job_row(database, running)
        assert (row.status, row.attempts, row.error_code) == ("queued", 0, "worker_stopped")
        # It did not come back to life in between.
        assert job_row(database, waiting).attempts == 0
        stage.release("running")
        with stage.worker():
            assert eventually(lambda: bool(notes.on(running)) and bool(notes.on(waiting)), within=20), (
                stage.logs
            )


@pytest.mark.slow
def test_a_worker_that_hangs_where_nothing_can_be_logged_ends_as_well(
    stage: Stage, database: Database
) -> None:
    with (
        stage.worker(LOOK_EVERY_SECONDS="0.5", HOLD_THE_LOG="yes") as worker,
        running_relay(database, stage.settings),
    ):
        job_id = enqueued(database, Act(name="running", deeds=("hold",)))
        held = stage.begins("running").pid
        worker.process.send_signal(signal.SIGUSR2)
        assert eventually(lambda: worker.process.poll() is not None, within=30)
        assert worker.process.returncode == os.EX_SOFTWARE
        assert eventually(lambda: not psutil.pid_exists(held), within=5)
        assert job_row(database, job_id).status == "queued"


@pytest.mark.slow
def test_a_worker_that_was_frozen_for_longer_than_it_may_hang_goes_on(
    stage: Stage, database: Database, notes: Notes
) -> None:
    with stage.worker(LOOK_EVERY_SECONDS="0.6") as worker, running_relay(database, stage.settings):
        worker.process.send_signal(signal.SIGSTOP)
        frozen_at = time.monotonic()
        assert eventually(lambda: time.monotonic() - frozen_at > 10, within=20)
        worker.process.send_signal(signal.SIGCONT)
        job_id = enqueued(database, Act(name="after"))
        assert eventually(lambda: bool(notes.on(job_id)), within=10), worker.log
        assert worker.process.poll() is None


@pytest.mark.slow
def test_a_worker_that_waits_for_its_last_jobs_does_not_count_as_hanging(
    stage: Stage, database: Database, notes: Notes
) -> None:
    with stage.worker(LOOK_EVERY_SECONDS="0.5") as worker, running_relay(database, stage.settings):
        job_id = enqueued(database, Act(name="running", deeds=("hold",)))
        stage.begins("running")
        worker.process.terminate()
        asked_at = time.monotonic()
        assert eventually(lambda: time.monotonic() - asked_at > 8, within=20)
        assert worker.process.poll() is None, worker.log
        stage.release("running")
        assert eventually(lambda: worker.process.poll() is not None, within=10), worker.log
        assert worker.process.returncode == 0
        assert notes.on(job_id)
