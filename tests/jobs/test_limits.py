"""What bounds a job: time to begin, how often it is put off, fitting arguments, a handler that ends."""

from datetime import timedelta
from typing import ClassVar
from uuid import UUID

import pytest
from billiard.exceptions import SoftTimeLimitExceeded
from pydantic import BaseModel
from sqlalchemy import text

from job_trials import (
    A_SECOND,
    AN_HOUR,
    Notes,
    Outbox,
    WriteNote,
    claimed,
    enqueued,
    present,
    set_from_now,
)
from jobs_inline import job_row
from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.database import Database
from spotify_insights.errors import SnoozeError, TemporaryError
from spotify_insights.jobs.attempt import Attempt
from spotify_insights.jobs.claim import UnfitArgumentsError, claim
from spotify_insights.jobs.enqueue import enqueue
from spotify_insights.jobs.job import JobStatus
from spotify_insights.jobs.relay.relay import Relay
from spotify_insights.jobs.run import NotCompletedError, run_job


class WriteSoon(WriteNote):
    task_name: ClassVar[str] = "scheduled.write_soon"
    max_snoozes: ClassVar[int] = 2
    expires_after: ClassVar[timedelta] = AN_HOUR


def put_off(_attempt: Attempt, _job: BaseModel) -> None:
    raise SnoozeError("Somebody asked us to wait.", wait=timedelta(minutes=1))


def test_a_job_may_begin_until_it_expires_and_not_later(database: Database) -> None:
    in_time, late = enqueued(database, WriteSoon(about="rain")), enqueued(database, WriteSoon(about="sun"))
    expires_at = job_row(database, in_time).expires_at
    assert expires_at is not None
    assert abs(expires_at - present(database) - AN_HOUR) < timedelta(minutes=1)

    set_from_now(database, late, expires_at=-A_SECOND)
    assert claim(database, in_time, WriteSoon) is not None
    assert claim(database, late, WriteSoon) is None


def test_a_job_that_nobody_could_begin_in_time_is_dead_and_says_so(database: Database) -> None:
    late, patient = enqueued(database, WriteSoon(about="rain")), enqueued(database, WriteSoon(about="sun"))
    set_from_now(database, late, expires_at=-A_SECOND)

    Relay(database, Outbox()).tidy()

    row = job_row(database, late)
    assert (row.status, row.error_code) == ("dead", "expired")
    assert row.error == "No worker could begin this job in time."
    assert job_row(database, patient).status == "queued"


def test_a_running_job_whose_lease_and_time_are_over_is_not_queued_again(database: Database) -> None:
    attempt = claimed(database, enqueued(database, WriteSoon()), WriteSoon)
    set_from_now(database, attempt.job_id, lease_expires_at=-A_SECOND, expires_at=-A_SECOND)

    Relay(database, Outbox()).expire_leases()

    assert job_row(database, attempt.job_id).status == "dead"


@pytest.mark.parametrize("error", [TemporaryError("Not now."), SnoozeError("Not now.", wait=2 * AN_HOUR)])
def test_a_job_that_could_only_begin_too_late_again_is_dead_with_its_reason(
    database: Database, error: TemporaryError
) -> None:
    job_id = enqueued(database, WriteSoon())

    def handler(_attempt: Attempt, _job: WriteSoon) -> None:
        set_from_now(database, job_id, expires_at=-A_SECOND)
        raise error

    with pytest.raises(type(error)):
        run_job(database, job_id, WriteSoon, handler)

    row = job_row(database, job_id)
    assert (row.status, row.error) == ("dead", "Not now.")
    assert row.finished_at is not None


def test_a_job_that_was_put_off_too_often_is_dead(database: Database) -> None:
    job_id = enqueued(database, WriteSoon())
    fates = []
    for _ in range(3):
        with pytest.raises(SnoozeError):
            run_job(database, job_id, WriteSoon, put_off)
        fates.append(job_row(database, job_id).status)
        set_from_now(database, job_id, available_at=-A_SECOND)

    assert fates == ["queued", "queued", "dead"]
    assert job_row(database, job_id).error == "Somebody asked us to wait."


def test_a_job_that_this_version_does_not_understand_waits_for_another_and_fails_in_the_end(
    database: Database, notes: Notes
) -> None:
    job_id = enqueued(database, WriteNote())
    with database.transaction(acting_for=SYSTEM) as tx:
        change = text("UPDATE background_jobs SET arguments = CAST(:arguments AS jsonb) WHERE id = :id")
        tx.session.execute(change, {"arguments": '{"about": ["not", "a", "text"]}', "id": job_id})

    for expected in ("queued", "queued", "failed"):
        with pytest.raises(UnfitArgumentsError):
            run_job(database, job_id, WriteNote, notes.do)
        row = job_row(database, job_id)
        assert (row.status, row.error_code, row.lease_token) == (expected, "unfit_arguments", None)
        assert "another version" in str(row.error)
        set_from_now(database, job_id, available_at=-A_SECOND)
    assert notes.on(job_id) == []


def test_a_handler_that_forgets_to_complete_is_treated_like_one_that_crashed(database: Database) -> None:
    job_id = enqueued(database, WriteNote())

    with pytest.raises(NotCompletedError):
        run_job(database, job_id, WriteNote, lambda _attempt, _job: None)

    row = job_row(database, job_id)
    assert (row.status, row.error_code, row.lease_token) == ("queued", "unforeseen", None)


def test_a_job_that_takes_too_long_says_so_and_is_tried_again(database: Database) -> None:
    job_id = enqueued(database, WriteNote())

    def handler(_attempt: Attempt, _job: WriteNote) -> None:
        raise SoftTimeLimitExceeded

    for expected in ("queued", "queued", "dead"):
        set_from_now(database, job_id, available_at=-A_SECOND)
        with pytest.raises(SoftTimeLimitExceeded):
            run_job(database, job_id, WriteNote, handler)
        row = job_row(database, job_id)
        assert (row.status, row.error_code) == (expected, "time_limit")


def test_work_with_a_delay_is_due_when_the_delay_is_over(database: Database) -> None:
    with database.transaction(acting_for=SYSTEM) as tx:
        later = enqueue(tx, WriteNote(about="rain"), delay=AN_HOUR)
        now = enqueue(tx, WriteNote(about="sun"))
    outbox = Outbox()

    Relay(database, outbox).publish_due()

    assert outbox.ids == [now]
    wait = job_row(database, later).available_at - present(database)
    assert timedelta(minutes=59) < wait <= AN_HOUR


def test_progress_can_be_followed_and_is_gone_with_the_end(database: Database, notes: Notes) -> None:
    job_id: UUID = enqueued(database, WriteNote())
    seen = []

    def handler(attempt: Attempt, job: WriteNote) -> None:
        attempt.progress("thinking", done=0, total=2)
        seen.append(job_row(database, job_id).progress)
        attempt.progress("writing", done=1, total=2)
        seen.append(job_row(database, job_id).progress)
        notes.do(attempt, job)

    run_job(database, job_id, WriteNote, handler)

    assert seen == [{"step": "thinking", "done": 0, "total": 2}, {"step": "writing", "done": 1, "total": 2}]
    assert job_row(database, job_id).progress is None


def test_a_claim_names_its_worker_and_takes_the_lease_it_was_given(database: Database) -> None:
    job_id = enqueued(database, WriteNote())
    attempt = claim(database, job_id, WriteNote, worker="spotify@here:1", lease=timedelta(seconds=5))
    assert attempt is not None

    row = job_row(database, job_id)
    assert row.worker == "spotify@here:1"
    assert row.lease_expires_at is not None
    assert timedelta(0) < row.lease_expires_at - present(database) <= timedelta(seconds=5)
    attempt.renew()
    renewed = job_row(database, job_id).lease_expires_at
    assert renewed is not None
    assert row.lease_expires_at < renewed <= present(database) + timedelta(seconds=5)
    attempt.end(JobStatus.FAILED, error="It went wrong.", error_code="permanent")
