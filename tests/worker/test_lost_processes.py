"""A pool process that dies in mid-task, and a whole worker that does."""

import json
import os
import signal

import psutil
import pytest

from job_trials import Notes, enqueued
from jobs_inline import job_row
from server_trials import eventually
from spotify_insights.database.database import Database
from spotify_insights.jobs.job import JobStatus
from worker_trials import Act, BriefAct, Stage, running_relay


def test_a_pool_process_killed_in_mid_task_costs_seconds_and_not_a_lease(
    stage: Stage, database: Database, notes: Notes
) -> None:
    with stage.worker() as worker, running_relay(database, stage.settings):
        job_id = enqueued(database, Act(name="victim", deeds=("hold", "work")))
        first = stage.begins("victim")
        row = job_row(database, job_id)
        assert row.worker is not None
        assert f":{worker.process.pid}:" in row.worker

        os.kill(first.pid, signal.SIGKILL)
        second = stage.begins("victim", times=2, within=5)
        assert eventually(lambda: job_row(database, job_id).finished_at is not None, within=5), worker.log

    assert second.pid != first.pid
    # Every line is one of ours, also what the pool says about the dead.
    told = worker.log[worker.log.index("Connected to") :].splitlines()[1:]
    assert [json.loads(line)["level"] for line in told if "SIGKILL" in line]
    row = job_row(database, job_id)
    assert (row.status, row.attempts, row.error) == (JobStatus.SUCCEEDED, 2, None)
    assert len(notes.on(job_id)) == 1


def test_a_process_that_dies_after_its_attempt_takes_nothing_from_the_next_one(
    stage: Stage, database: Database, notes: Notes
) -> None:
    with stage.worker(concurrency=2) as worker, running_relay(database, stage.settings):
        job_id = enqueued(database, Act(name="late", deeds=("linger", "hold")))
        first, second = stage.begins("late"), stage.begins("late", times=2)
        live = job_row(database, job_id)
        stage.release("late-lingering")
        assert eventually(lambda: "WorkerLostError" in worker.log, within=20), worker.log
        row = job_row(database, job_id)
        stage.release("late")
        assert eventually(lambda: job_row(database, job_id).finished_at is not None, within=5), worker.log

    assert first.pid != second.pid
    assert (row.status, row.attempts, row.lease_token) == (JobStatus.RUNNING, 2, live.lease_token)
    row = job_row(database, job_id)
    assert (row.status, row.attempts) == (JobStatus.SUCCEEDED, 2)
    assert len(notes.on(job_id)) == 1


@pytest.mark.parametrize(
    "death",
    ["die", pytest.param("exit", marks=pytest.mark.slow), pytest.param("leave", marks=pytest.mark.slow)],
)
def test_a_job_that_ends_its_process_is_dead_after_its_attempts_and_the_queue_moves_on(
    stage: Stage, database: Database, notes: Notes, death: str
) -> None:
    with stage.worker() as worker, running_relay(database, stage.settings):
        poison = enqueued(database, Act(name="poison", deeds=(death,)))
        others = [enqueued(database, Act(name=f"other-{number}")) for number in range(3)]
        assert eventually(lambda: job_row(database, poison).finished_at is not None, within=20), worker.log
        assert eventually(lambda: all(notes.on(job_id) for job_id in others), within=10), worker.log

    row = job_row(database, poison)
    assert (row.status, row.attempts, row.error_code) == (JobStatus.DEAD, 3, "process_lost")
    assert [len(notes.on(job_id)) for job_id in others] == [1, 1, 1]
    assert worker.process.returncode == -signal.SIGKILL  # it lived until this test ended it


@pytest.mark.slow
def test_a_job_that_runs_out_of_memory_harms_itself_alone(
    stage: Stage, database: Database, notes: Notes
) -> None:
    with stage.worker() as worker, running_relay(database, stage.settings):
        greedy = enqueued(database, Act(name="greedy", deeds=("starve", "work")))
        assert eventually(lambda: job_row(database, greedy).finished_at is not None, within=20), worker.log
        assert worker.process.poll() is None

    assert (len(notes.on(greedy)), job_row(database, greedy).attempts) == (1, 2)


@pytest.mark.slow
def test_celery_learns_that_an_attempt_failed_and_not_what_it_said(
    stage: Stage, database: Database, notes: Notes
) -> None:
    with stage.worker() as worker, running_relay(database, stage.settings):
        failing = enqueued(database, Act(name="failing", deeds=("fail", "work")))
        assert eventually(lambda: bool(notes.on(failing)), within=20), worker.log

    by_celery = [line for line in worker.log.splitlines() if '"logger": "celery' in line]
    assert any("AttemptFailedError" in line for line in by_celery)
    assert not [line for line in by_celery if "canary" in line]


@pytest.mark.slow
@pytest.mark.parametrize("loop", ["loop", "stubborn loop"])
def test_an_endless_loop_is_ended_by_the_time_limit_and_tried_again(
    stage: Stage, database: Database, notes: Notes, loop: str
) -> None:
    with stage.worker() as worker, running_relay(database, stage.settings):
        recovers = enqueued(database, BriefAct(name="recovers", deeds=(loop, "work")))
        assert eventually(lambda: job_row(database, recovers).finished_at is not None, within=30), worker.log
        endless = enqueued(database, BriefAct(name="endless", deeds=(loop,)))
        last = enqueued(database, BriefAct(name="last"))
        assert eventually(lambda: job_row(database, endless).finished_at is not None, within=60), worker.log
        assert eventually(lambda: bool(notes.on(last)), within=10), worker.log

    assert (job_row(database, recovers).status, job_row(database, recovers).attempts) == ("succeeded", 2)
    row = job_row(database, endless)
    assert (row.status, row.attempts, row.error_code) == (JobStatus.DEAD, 3, "time_limit")


@pytest.mark.slow
def test_what_a_killed_worker_held_is_done_by_another_once_the_lease_is_over(
    stage: Stage, database: Database, notes: Notes
) -> None:
    lease = 4
    short = Stage(stage.settings.model_copy(update={"job_lease_seconds": lease}), stage.folder)
    with short.worker() as doomed, short.worker() as heir, running_relay(database, stage.settings):
        jobs = {name: enqueued(database, Act(name=name, deeds=("hold", "work"))) for name in ("one", "two")}
        first = {name: short.begins(name) for name in jobs}
        doomed_pids = {process.pid for process in doomed.pool}
        name = next(name for name, beginning in first.items() if beginning.pid in doomed_pids)
        other = next(other for other in jobs if other != name)
        doomed.kill()
        assert eventually(lambda: not any(map(psutil.pid_exists, doomed_pids)), within=2)
        short.release(other)

        assert eventually(lambda: bool(notes.on(jobs[name])), within=lease + 10), heir.log

    row = job_row(database, jobs[name])
    assert (row.status, row.attempts, len(notes.on(jobs[name]))) == (JobStatus.SUCCEEDED, 2, 1)
