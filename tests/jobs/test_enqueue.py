import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ClassVar
from uuid import UUID

import pytest

from job_trials import (
    AN_HOUR,
    Outbox,
    WriteNote,
    WritePersonalNote,
    at_once,
    claimed,
    enqueued,
    present,
    set_from_now,
    somebody_waits_for_a_lock,
)
from jobs_inline import job_row, queued_jobs
from makers import a_user
from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.database import Database
from spotify_insights.jobs.claim import claim
from spotify_insights.jobs.enqueue import enqueue, record_finished, relay_bell
from spotify_insights.jobs.job import JobStatus
from spotify_insights.jobs.relay.relay import Relay
from spotify_insights.runtime import Runtime


class SecondThoughtsError(Exception):
    pass


class WriteSecondNote(WriteNote):
    task_name: ClassVar[str] = "scheduled.write_second_note"


def test_a_job_is_stored_as_it_was_asked_for(database: Database, runtime: Runtime) -> None:
    job = WritePersonalNote(about="rain", user_id=a_user(runtime))
    before = present(database)

    row = job_row(database, enqueued(database, job))

    assert (row.task_name, row.queue, row.owner_id) == (job.task_name, "spotify", job.user_id)
    assert row.arguments == {"about": "rain", "user_id": str(job.user_id)}
    assert (row.status, row.attempts, row.max_attempts, row.published_at) == ("queued", 0, 3, None)
    assert before <= row.available_at <= present(database)


def test_a_rolled_back_transaction_leaves_no_job(database: Database) -> None:
    def think_again() -> None:
        with database.transaction(acting_for=SYSTEM) as tx:
            enqueue(tx, WriteNote())
            raise SecondThoughtsError

    with pytest.raises(SecondThoughtsError):
        think_again()

    assert queued_jobs(database) == []


def test_equal_work_joins_the_active_job_while_it_waits_and_while_it_runs(database: Database) -> None:
    job_id = enqueued(database, WriteNote(about="rain"))
    assert enqueued(database, WriteNote(about="rain")) == job_id

    claimed(database, job_id)
    assert enqueued(database, WriteNote(about="rain")) == job_id


def test_equal_work_in_one_transaction_is_one_job(database: Database) -> None:
    with database.transaction(acting_for=SYSTEM) as tx:
        assert enqueue(tx, WriteNote()) == enqueue(tx, WriteNote())


def test_a_connection_may_ask_for_any_number_of_jobs(database: Database) -> None:
    # After ten times or so psycopg has prepared the statement and PostgreSQL has planned it for any values.
    with database.transaction(acting_for=SYSTEM) as tx:
        jobs = [enqueue(tx, WriteNote(about=f"day {day}")) for day in range(30)]
        assert [enqueue(tx, WriteNote(about=f"day {day}")) for day in range(30)] == jobs
    assert len(set(jobs)) == 30


def test_other_arguments_another_owner_and_another_task_are_other_work(
    database: Database, runtime: Runtime
) -> None:
    robin, kim = a_user(runtime), a_user(runtime)
    jobs = [
        WriteNote(about="rain"),
        WriteNote(about="sun"),
        WritePersonalNote(about="rain", user_id=robin),
        WritePersonalNote(about="rain", user_id=kim),
        WriteSecondNote(about="rain"),
    ]

    assert len({enqueued(database, job) for job in jobs}) == len(jobs)


@pytest.mark.parametrize("has_owner", [False, True], ids=["of the installation", "of a listener"])
def test_twenty_four_requests_at_once_for_equal_work_share_one_job(
    database: Database, runtime: Runtime, *, has_owner: bool
) -> None:
    job = WritePersonalNote(user_id=a_user(runtime)) if has_owner else WriteNote()
    wide = Database(database.url, pool_size=24)

    def request(barrier: threading.Barrier) -> UUID:
        with wide.transaction(acting_for=SYSTEM) as tx:
            barrier.wait()
            return enqueue(tx, job)

    answered = set(at_once(24, request))
    wide.close()

    assert answered == {row.id for row in queued_jobs(database)}
    assert len(answered) == 1


@pytest.mark.parametrize("status", [JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.DEAD])
def test_after_a_job_has_ended_equal_work_is_a_new_job(database: Database, status: JobStatus) -> None:
    ended = enqueued(database, WriteNote())
    attempt = claimed(database, ended)
    if status == JobStatus.SUCCEEDED:
        with attempt.completion():
            pass
    else:
        attempt.end(status=status, error="It did not work.", error_code="permanent")

    assert enqueued(database, WriteNote()) != ended
    assert job_row(database, ended).status == status


def test_a_request_that_meets_a_job_in_its_last_moment_gets_a_new_one(database: Database) -> None:
    ending = enqueued(database, WriteNote())
    requested: list[Future[UUID]] = []

    with ThreadPoolExecutor(1) as pool:

        def request_meanwhile() -> None:
            requested.append(pool.submit(enqueued, database, WriteNote()))
            assert somebody_waits_for_a_lock(database)

        with claimed(database, ending).completion() as completion:
            completion.tx.before_commit(request_meanwhile)
        fresh = requested[0].result(timeout=10)

    assert fresh != ending
    assert job_row(database, fresh).status == JobStatus.QUEUED


def test_the_bell_rings_after_the_commit_and_not_before(database: Database) -> None:
    relay_bell.wait(0)  # takes away what an earlier test may have rung
    heard, seen = threading.Event(), list[UUID]()

    def listen() -> None:
        relay_bell.wait(30)
        seen.extend(row.id for row in queued_jobs(database))
        heard.set()

    listener = threading.Thread(target=listen)
    listener.start()
    with database.transaction(acting_for=SYSTEM) as tx:
        job_id = enqueue(tx, WriteNote())
        assert not heard.wait(0.2)
    assert heard.wait(10)
    listener.join()

    assert seen == [job_id]


def test_a_finished_job_is_recorded_with_its_result_and_never_run(database: Database) -> None:
    before = present(database)
    with database.transaction(acting_for=SYSTEM) as tx:
        job_id = record_finished(tx, WriteNote(), result={"note": 7})

    row = job_row(database, job_id)
    assert (row.status, row.result, row.error) == ("succeeded", {"note": 7}, None)
    assert row.started_at is not None
    assert row.finished_at is not None
    assert before <= row.started_at <= row.finished_at <= present(database)
    assert claim(database, job_id, WriteNote) is None
    set_from_now(database, job_id, available_at=-AN_HOUR)
    assert Relay(database, Outbox()).publish_due() == 0


def test_recording_a_finished_job_leaves_an_active_one_of_equal_work_alone(database: Database) -> None:
    active = enqueued(database, WriteNote())
    with database.transaction(acting_for=SYSTEM) as tx:
        recorded = record_finished(tx, WriteNote(), result={})

    assert recorded != active
    assert enqueued(database, WriteNote()) == active
    assert job_row(database, active).status == JobStatus.QUEUED
