"""An error inside Celery's main process: the worker ends instead of standing there and working on nothing."""

import signal

import pytest

from job_trials import Notes, enqueued
from jobs_inline import job_row
from server_trials import all_gone, eventually, family_of
from spotify_insights.database.database import Database
from spotify_insights.jobs.job import JobStatus
from worker_trials import Act, Stage, running_relay


@pytest.mark.slow
def test_a_worker_that_cannot_go_on_ends_and_another_does_its_job(
    stage: Stage, database: Database, notes: Notes
) -> None:
    with running_relay(database, stage.settings):
        with stage.worker(WORKER_GRACE_SECONDS="1") as worker:
            # As happens when a connection to Redis breaks while the pool tells of a result.
            job_id = enqueued(database, Act(name="told", deeds=("garble", "work")))
            stage.begins("told")
            processes = family_of(worker.process.pid)

            assert eventually(lambda: worker.process.poll() is not None, within=20), worker.log
            assert worker.process.returncode not in {0, -signal.SIGKILL}
            assert all_gone(processes)
            assert "Unrecoverable error" in worker.log

        with stage.worker():
            assert eventually(lambda: job_row(database, job_id).status == JobStatus.SUCCEEDED), stage.logs
    assert len(notes.on(job_id)) == 1
