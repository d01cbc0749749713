"""How one run of a job ends, by what its handler raises."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from structlog.testing import capture_logs

from job_trials import A_SECOND, Notes, WriteNote, WritePersonalNote, enqueued, present, set_from_now
from jobs_inline import job_row
from makers import a_user
from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.database import Database
from spotify_insights.errors import (
    InvalidInputError,
    NotFoundError,
    PermanentError,
    ProductError,
    SnoozeError,
    TemporaryError,
    UnavailableError,
)
from spotify_insights.jobs.attempt import Attempt, FencedError
from spotify_insights.jobs.job import JobStatus
from spotify_insights.jobs.run import backoff, run_job
from spotify_insights.runtime import Runtime

REST = "The provider rests. Try again later."


def raising(error: Exception) -> Callable[[Attempt, WriteNote], None]:
    def handler(_attempt: Attempt, _job: WriteNote) -> None:
        raise error

    return handler


def test_a_job_is_done_once_however_often_it_is_run(database: Database, notes: Notes) -> None:
    job_id = enqueued(database, WriteNote())

    assert run_job(database, job_id, WriteNote, notes.do) is True
    assert run_job(database, job_id, WriteNote, notes.do) is False

    assert len(notes.on(job_id)) == 1
    assert job_row(database, job_id).status == JobStatus.SUCCEEDED


@pytest.mark.parametrize("error", [TemporaryError(REST), UnavailableError(REST)])
def test_after_a_temporary_error_the_job_waits_and_has_used_up_an_attempt(
    database: Database, error: ProductError
) -> None:
    job_id = enqueued(database, WriteNote())
    before = present(database)

    with pytest.raises(type(error)) as raised:
        run_job(database, job_id, WriteNote, raising(error))

    assert raised.value is error
    row = job_row(database, job_id)
    assert (row.status, row.attempts, row.snoozes) == ("queued", 1, 0)
    assert (row.error, row.error_code) == (REST, error.code)
    assert (row.published_at, row.lease_token) == (None, None)
    assert before <= row.available_at <= present(database) + timedelta(seconds=2)


def test_an_attempt_that_begins_forgets_the_error_of_the_one_before(database: Database, notes: Notes) -> None:
    job_id = enqueued(database, WriteNote())
    with pytest.raises(TemporaryError):
        run_job(database, job_id, WriteNote, raising(TemporaryError(REST)))
    set_from_now(database, job_id, available_at=-A_SECOND)

    assert run_job(database, job_id, WriteNote, notes.do)

    row = job_row(database, job_id)
    assert (row.status, row.attempts, row.error, row.error_code) == ("succeeded", 2, None, None)


def test_a_snoozed_job_sleeps_as_long_as_it_was_told_and_keeps_its_attempt(database: Database) -> None:
    job_id = enqueued(database, WriteNote())
    wait = timedelta(seconds=90)
    error = SnoozeError(REST, wait=wait)
    before = present(database)

    with pytest.raises(SnoozeError) as raised:
        run_job(database, job_id, WriteNote, raising(error))

    assert raised.value is error
    row = job_row(database, job_id)
    assert (row.status, row.attempts, row.snoozes) == ("queued", 0, 1)
    assert (row.error, row.error_code) == (REST, "snoozed")
    assert before + wait <= row.available_at <= present(database) + wait


def test_snoozing_more_often_than_there_are_attempts_does_not_end_a_job(
    database: Database, notes: Notes
) -> None:
    job_id = enqueued(database, WriteNote())
    snoozes = WriteNote.max_attempts + 1
    for _ in range(snoozes):
        with pytest.raises(SnoozeError):
            run_job(database, job_id, WriteNote, raising(SnoozeError(REST, wait=timedelta(0))))

    assert run_job(database, job_id, WriteNote, notes.do)
    row = job_row(database, job_id)
    assert (row.status, row.attempts, row.snoozes) == ("succeeded", 1, snoozes)


@pytest.mark.parametrize(
    "error",
    [
        PermanentError("The listener has to authorise again."),
        NotFoundError("There is no such snapshot."),
        InvalidInputError("The tone is not known.", field="tone"),
    ],
)
def test_a_permanent_error_fails_the_job_at_once_with_sentence_and_code(
    database: Database, error: ProductError
) -> None:
    job_id = enqueued(database, WriteNote())

    with pytest.raises(type(error)) as raised:
        run_job(database, job_id, WriteNote, raising(error))

    assert raised.value is error
    row = job_row(database, job_id)
    assert (row.status, row.attempts) == ("failed", 1)
    assert (row.error, row.error_code) == (error.message, error.code)
    assert row.finished_at is not None
    assert row.run_ms is not None
    assert row.run_ms >= 0


def test_an_unforeseen_error_is_told_without_internals_and_logged_with_them(database: Database) -> None:
    job_id = enqueued(database, WriteNote())
    error = ZeroDivisionError("host=10.1.2.3 password=hunter2")

    with capture_logs() as log, pytest.raises(ZeroDivisionError) as raised:
        run_job(database, job_id, WriteNote, raising(error))

    assert raised.value is error
    row = job_row(database, job_id)
    assert (row.status, row.attempts, row.error_code) == ("queued", 1, "unforeseen")
    assert row.error is not None
    assert row.error.endswith(".")
    for internal in ("10.1.2.3", "hunter2", "ZeroDivision", "Traceback"):
        assert internal not in row.error
    [crash] = [line for line in log if line["event"] == "job_crashed"]
    assert (crash["job_id"], crash["attempt"], crash["exc_info"]) == (str(job_id), 1, True)


@pytest.mark.parametrize("error", [TemporaryError(REST), ZeroDivisionError()])
def test_a_job_that_has_used_up_its_attempts_is_dead(database: Database, error: Exception) -> None:
    job_id = enqueued(database, WriteNote())
    for attempt in range(1, WriteNote.max_attempts + 1):
        assert job_row(database, job_id).status == JobStatus.QUEUED
        with pytest.raises(type(error)):
            run_job(database, job_id, WriteNote, raising(error))
        assert job_row(database, job_id).attempts == attempt
        set_from_now(database, job_id, available_at=-A_SECOND)

    row = job_row(database, job_id)
    assert row.status == JobStatus.DEAD
    assert row.finished_at is not None
    assert row.error
    assert run_job(database, job_id, WriteNote, raising(error)) is False


@pytest.mark.parametrize("fails", [False, True], ids=["and then does its work", "and then fails"])
def test_a_job_whose_owner_is_erased_while_it_runs_is_fenced(
    database: Database, runtime: Runtime, notes: Notes, *, fails: bool
) -> None:
    user_id = a_user(runtime)
    job_id = enqueued(database, WritePersonalNote(user_id=user_id))

    def outlive_the_owner(attempt: Attempt, job: WritePersonalNote) -> None:
        with database.transaction(acting_for=SYSTEM) as tx:
            tx.session.execute(text("DELETE FROM users WHERE id = :user_id"), {"user_id": user_id})
        if fails:
            raise TemporaryError(REST)
        notes.do(attempt, job)

    with pytest.raises(FencedError):
        run_job(database, job_id, WritePersonalNote, outlive_the_owner)

    assert notes.on(job_id) == []
    assert run_job(database, job_id, WritePersonalNote, notes.do) is False


@given(st.integers(min_value=1, max_value=20))
def test_the_wait_between_attempts_lies_below_a_bound_that_doubles_up_to_a_quarter_of_an_hour(
    attempt_number: int,
) -> None:
    seconds = min(2.0**attempt_number, 15 * 60.0)
    assert timedelta(0) <= backoff(attempt_number) <= timedelta(seconds=seconds)
