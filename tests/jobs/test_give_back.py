"""Ending the leases of a worker that cannot go on: its own, and nobody else's."""

from uuid import UUID

import pytest

from job_trials import A_SECOND, AN_HOUR, Notes, WriteNote, enqueued, set_from_now
from jobs_inline import job_row
from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.database import Database
from spotify_insights.jobs.attempt import Attempt, FencedError
from spotify_insights.jobs.cancel import cancel_job
from spotify_insights.jobs.claim import claim
from spotify_insights.jobs.give_back import Reason, give_back, process_name
from spotify_insights.jobs.job import JobStatus


def held(database: Database, about: str = "the weather", *, worker: str = "mine") -> Attempt:
    attempt = claim(database, enqueued(database, WriteNote(about=about)), WriteNote, worker=worker)
    assert attempt is not None
    return attempt


def again(database: Database, job_id: UUID) -> Attempt:
    attempt = claim(database, job_id, WriteNote, worker="another")
    assert attempt is not None
    return attempt


def test_a_job_given_back_can_be_taken_at_once_and_its_first_attempt_stores_nothing_any_more(
    database: Database, notes: Notes
) -> None:
    first = held(database)

    assert give_back(database, worker="mine", reason=Reason.PROCESS_LOST, job_id=first.job_id) == 1

    row = job_row(database, first.job_id)
    assert (row.status, row.error_code, row.published_at) == (JobStatus.QUEUED, "process_lost", None)
    second = again(database, first.job_id)
    assert second.number == 2
    with pytest.raises(FencedError):
        notes.do(first, WriteNote())
    notes.do(second, WriteNote())
    assert notes.on(first.job_id) == [second.lease_token]


def test_an_attempt_that_its_worker_had_to_leave_does_not_count(database: Database) -> None:
    first = held(database)

    give_back(database, worker="mine", reason=Reason.WORKER_STOPPED)

    assert again(database, first.job_id).number == 1


@pytest.mark.parametrize(
    ("reason", "becomes"),
    [
        (Reason.PROCESS_LOST, JobStatus.DEAD),
        (Reason.TIME_LIMIT, JobStatus.DEAD),
        (Reason.WORKER_STOPPED, JobStatus.QUEUED),
    ],
)
def test_after_its_last_attempt_a_job_is_dead_unless_that_attempt_was_cut_short(
    database: Database, reason: Reason, becomes: JobStatus
) -> None:
    attempt = held(database)
    for _ in range(WriteNote.max_attempts - 1):
        give_back(database, worker=job_row(database, attempt.job_id).worker or "", reason=Reason.PROCESS_LOST)
        attempt = again(database, attempt.job_id)

    assert give_back(database, worker="another", reason=reason) == 1

    row = job_row(database, attempt.job_id)
    assert (row.status, row.error_code) == (becomes, reason.error_code)
    assert (row.finished_at is None) == (becomes is JobStatus.QUEUED)


def test_a_job_whose_cancellation_was_asked_for_ends_with_its_process(database: Database) -> None:
    attempt = held(database)
    with database.transaction(acting_for=SYSTEM) as tx:
        cancel_job(tx, attempt.job_id, acting_for=SYSTEM)

    give_back(database, worker="mine", reason=Reason.PROCESS_LOST)

    row = job_row(database, attempt.job_id)
    assert (row.status, row.error_code, row.lease_token) == (JobStatus.CANCELLED, "cancelled", None)


def test_a_job_that_may_not_begin_any_more_is_dead(database: Database) -> None:
    attempt = held(database)
    set_from_now(database, attempt.job_id, expires_at=-A_SECOND)

    give_back(database, worker="mine", reason=Reason.WORKER_STOPPED)

    assert job_row(database, attempt.job_id).status == JobStatus.DEAD


def test_only_what_the_worker_holds_is_given_back(database: Database) -> None:
    mine, other_of_mine = held(database, "one"), held(database, "two")
    of_another = held(database, "three", worker="mine too")
    ended = held(database, "four")
    ended.end(JobStatus.FAILED, error="No.", error_code="no")
    waiting = enqueued(database, WriteNote(about="five"))
    set_from_now(database, waiting, available_at=AN_HOUR)

    assert give_back(database, worker="mine", reason=Reason.PROCESS_LOST, job_id=mine.job_id) == 1
    assert give_back(database, worker="mine", reason=Reason.PROCESS_LOST, job_id=of_another.job_id) == 0
    assert job_row(database, other_of_mine.job_id).status == JobStatus.RUNNING

    assert give_back(database, worker="mine", reason=Reason.WORKER_STOPPED) == 1
    assert job_row(database, of_another.job_id).lease_token == of_another.lease_token
    assert job_row(database, ended.job_id).status == JobStatus.FAILED
    assert job_row(database, waiting).error_code is None


def test_a_process_gives_back_its_own_and_a_worker_what_its_whole_pool_holds(database: Database) -> None:
    worker, longer_pid = process_name("mine", 12), process_name("mine", 123)
    one, two = held(database, "one", worker=worker), held(database, "two", worker=longer_pid)
    of_another = held(database, "three", worker=process_name("mine_", 12))

    assert give_back(database, worker=worker, reason=Reason.PROCESS_LOST, job_id=two.job_id) == 0
    assert give_back(database, worker=worker, reason=Reason.PROCESS_LOST) == 1
    assert job_row(database, one.job_id).status == JobStatus.QUEUED
    assert job_row(database, two.job_id).lease_token == two.lease_token

    assert give_back(database, worker="mine", reason=Reason.WORKER_STOPPED) == 1
    assert job_row(database, two.job_id).status == JobStatus.QUEUED
    assert job_row(database, of_another.job_id).lease_token == of_another.lease_token


def test_giving_back_twice_is_giving_back_once(database: Database) -> None:
    held(database)
    assert give_back(database, worker="mine", reason=Reason.PROCESS_LOST) == 1
    assert give_back(database, worker="mine", reason=Reason.PROCESS_LOST) == 0
