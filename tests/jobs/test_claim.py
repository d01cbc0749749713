import threading
from datetime import timedelta
from typing import ClassVar
from uuid import uuid4

import pytest

from job_trials import (
    A_SECOND,
    AN_HOUR,
    WriteNote,
    WritePersonalNote,
    at_once,
    claimed,
    enqueued,
    expire_lease,
    set_from_now,
)
from jobs_inline import job_row
from makers import a_user
from spotify_insights.database.actor import SYSTEM, Actor
from spotify_insights.database.database import Database
from spotify_insights.jobs.attempt import Attempt
from spotify_insights.jobs.claim import claim
from spotify_insights.jobs.job import JobStatus
from spotify_insights.runtime import Runtime


def test_a_due_job_is_claimed_with_a_lease_and_a_deadline(database: Database, runtime: Runtime) -> None:
    job = WritePersonalNote(about="rain", user_id=a_user(runtime))
    job_id = enqueued(database, job)

    attempt = claimed(database, job_id, WritePersonalNote)

    assert (attempt.job, attempt.number, attempt.max_attempts) == (job, 1, 3)
    assert attempt.actor == Actor.listener(job.user_id)
    row = job_row(database, job_id)
    assert (row.status, row.attempts, row.lease_token) == ("running", 1, attempt.lease_token)
    assert row.started_at is not None
    assert row.lease_expires_at is not None
    assert row.deadline_at is not None
    # Each moment is read from the clock by itself, so they are a few microseconds apart.
    assert (row.lease_expires_at - row.started_at).total_seconds() == pytest.approx(60, abs=0.1)
    assert (row.deadline_at - row.started_at).total_seconds() == pytest.approx(120, abs=0.1)


def test_a_job_of_the_installation_acts_for_the_system(database: Database) -> None:
    assert claimed(database, enqueued(database, WriteNote())).actor == SYSTEM


class BeQuick(WriteNote):
    task_name: ClassVar[str] = "scheduled.be_quick"
    time_limit: ClassVar[timedelta] = timedelta(seconds=5)


def test_the_lease_of_a_quick_job_ends_with_its_time_limit(database: Database) -> None:
    job_id = enqueued(database, BeQuick())
    claimed(database, job_id, BeQuick)

    row = job_row(database, job_id)
    assert row.started_at is not None
    assert row.lease_expires_at is not None
    assert (row.lease_expires_at - row.started_at).total_seconds() == pytest.approx(5, abs=0.1)


def test_a_job_is_claimed_only_when_it_is_due(database: Database) -> None:
    job_id = enqueued(database, WriteNote())
    set_from_now(database, job_id, available_at=AN_HOUR)
    assert claim(database, job_id, WriteNote) is None

    set_from_now(database, job_id, available_at=-A_SECOND)
    assert claimed(database, job_id).number == 1


def test_a_running_job_is_not_claimed_a_second_time(database: Database) -> None:
    job_id = enqueued(database, WriteNote())
    first = claimed(database, job_id)

    assert claim(database, job_id, WriteNote) is None
    row = job_row(database, job_id)
    assert (row.attempts, row.lease_token) == (1, first.lease_token)


def test_of_many_claims_at_once_one_gets_the_job(database: Database) -> None:
    job_id = enqueued(database, WriteNote())

    def try_to_claim(barrier: threading.Barrier) -> Attempt | None:
        barrier.wait()
        return claim(database, job_id, WriteNote)

    winners = [attempt for attempt in at_once(12, try_to_claim) if attempt is not None]

    assert [winner.lease_token for winner in winners] == [job_row(database, job_id).lease_token]
    assert job_row(database, job_id).attempts == 1


def test_a_message_with_the_name_of_another_task_claims_nothing(database: Database) -> None:
    job_id = enqueued(database, WriteNote())

    assert claim(database, job_id, BeQuick) is None
    assert job_row(database, job_id).status == JobStatus.QUEUED


def test_an_unknown_id_claims_nothing(database: Database) -> None:
    assert claim(database, uuid4(), WriteNote) is None


@pytest.mark.parametrize("status", [JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.DEAD])
def test_a_job_that_has_ended_is_not_claimed(database: Database, status: JobStatus) -> None:
    job_id = enqueued(database, WriteNote())
    attempt = claimed(database, job_id)
    if status == JobStatus.SUCCEEDED:
        with attempt.completion():
            pass
    else:
        attempt.end(status=status, error="It did not work.", error_code="permanent")

    assert claim(database, job_id, WriteNote) is None
    assert job_row(database, job_id).status == status


def test_a_running_job_whose_lease_has_expired_may_be_claimed_again(database: Database) -> None:
    job_id = enqueued(database, WriteNote())
    first = claimed(database, job_id)
    expire_lease(database, job_id)

    second = claimed(database, job_id)

    assert second.number == 2
    assert second.lease_token != first.lease_token
    row = job_row(database, job_id)
    assert (row.status, row.attempts, row.lease_token) == ("running", 2, second.lease_token)


def test_attempts_are_counted_and_never_exceed_their_maximum(database: Database) -> None:
    job_id = enqueued(database, WriteNote())
    for number in range(1, WriteNote.max_attempts + 1):
        assert claimed(database, job_id).number == number
        expire_lease(database, job_id)

    assert claim(database, job_id, WriteNote) is None
    assert job_row(database, job_id).attempts == WriteNote.max_attempts
