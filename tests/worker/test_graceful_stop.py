"""SIGTERM: what can finish in time finishes, and the rest goes to another worker."""

import signal
import time

import pytest

from job_trials import Notes, enqueued
from jobs_inline import job_row
from server_trials import all_gone, eventually, family_of
from spotify_insights.database.database import Database
from spotify_insights.jobs.job import JobStatus
from worker_trials import Act, Stage, running_relay


def with_grace(stage: Stage, seconds: int) -> Stage:
    return Stage(stage.settings.model_copy(update={"worker_grace_seconds": seconds}), stage.folder)


def test_a_job_that_ends_within_the_grace_period_is_done_once(
    stage: Stage, database: Database, notes: Notes
) -> None:
    with stage.worker() as worker, running_relay(database, stage.settings):
        job_id = enqueued(database, Act(name="short", deeds=("hold",)))
        stage.begins("short")
        worker.process.terminate()
        assert eventually(lambda: "warm shutdown" in worker.log.lower(), within=5)
        later = enqueued(database, Act(name="later"))
        stage.release("short")
        assert worker.process.wait(timeout=10) == 0, worker.log

    row = job_row(database, job_id)
    assert (row.status, row.attempts) == (JobStatus.SUCCEEDED, 1)
    assert len(notes.on(job_id)) == 1
    assert job_row(database, later).status == JobStatus.QUEUED
    assert not stage.beginnings("later")


def test_a_job_that_outlasts_the_grace_period_is_done_by_another_worker_at_once(
    stage: Stage, database: Database, notes: Notes
) -> None:
    hasty = with_grace(stage, 1)
    with running_relay(database, stage.settings), hasty.worker() as leaving:
        job_id = enqueued(database, Act(name="long", deeds=("hold",)))
        hasty.begins("long")
        processes = family_of(leaving.process.pid)
        began = time.monotonic()
        assert leaving.stops(within=5) == 0, leaving.log
        assert time.monotonic() - began > 1
        assert all_gone(processes, within=2)
        row = job_row(database, job_id)
        assert (row.status, row.attempts, row.error_code) == (JobStatus.QUEUED, 0, "worker_stopped")

        stage.release("long")
        with stage.worker() as staying:
            assert eventually(lambda: bool(notes.on(job_id)), within=5), staying.log

    row = job_row(database, job_id)
    assert (row.status, row.attempts, len(notes.on(job_id))) == (JobStatus.SUCCEEDED, 1, 1)


@pytest.mark.slow
@pytest.mark.parametrize("hurry", [signal.SIGQUIT, signal.SIGINT])
def test_somebody_in_a_hurry_need_not_wait_and_nothing_is_lost(
    stage: Stage, database: Database, hurry: signal.Signals
) -> None:
    with stage.worker() as worker, running_relay(database, stage.settings):
        job_id = enqueued(database, Act(name="long", deeds=("hold",)))
        stage.begins("long")
        worker.process.send_signal(signal.SIGTERM)
        assert eventually(lambda: "warm shutdown" in worker.log.lower(), within=5)
        worker.process.send_signal(hurry)
        assert worker.process.wait(timeout=5) == 0, worker.log

    row = job_row(database, job_id)
    assert (row.status, row.attempts, row.error_code) == (JobStatus.QUEUED, 0, "worker_stopped")


@pytest.mark.slow
def test_a_signal_to_every_process_leaves_the_decision_to_the_main_process(
    stage: Stage, database: Database, notes: Notes
) -> None:
    with stage.worker() as worker, running_relay(database, stage.settings):
        job_id = enqueued(database, Act(name="short", deeds=("hold",)))
        stage.begins("short")
        for process in family_of(worker.process.pid):
            process.terminate()
        assert eventually(lambda: "warm shutdown" in worker.log.lower(), within=5)
        stage.release("short")
        assert worker.process.wait(timeout=10) == 0, worker.log

    assert (job_row(database, job_id).attempts, len(notes.on(job_id))) == (1, 1)


@pytest.mark.slow
def test_a_process_that_dies_while_the_worker_stops_costs_its_job_an_attempt(
    stage: Stage, database: Database
) -> None:
    with stage.worker() as worker, running_relay(database, stage.settings):
        job_id = enqueued(database, Act(name="victim", deeds=("hold", "work")))
        first = stage.begins("victim")
        worker.process.terminate()
        assert eventually(lambda: "warm shutdown" in worker.log.lower(), within=5)
        next(process for process in worker.pool if process.pid == first.pid).kill()
        assert worker.process.wait(timeout=10) == 0, worker.log

    row = job_row(database, job_id)
    assert (row.status, row.attempts, row.error_code) == (JobStatus.QUEUED, 1, "process_lost")
