"""Another chance for jobs that ended without success: one by one, or many."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from job_trials import AN_HOUR, Notes, WriteNote, claimed, enqueued, present, set_from_now
from jobs_inline import job_row
from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.database import Database
from spotify_insights.errors import ConflictError, NotFoundError
from spotify_insights.jobs.cancel import cancel_job
from spotify_insights.jobs.job import JobStatus
from spotify_insights.jobs.requeue import requeue_job, requeue_jobs
from spotify_insights.jobs.run import run_job

UNSUCCESSFUL = [JobStatus.FAILED, JobStatus.DEAD]


def ended(
    database: Database, status: JobStatus, *, about: str = "rain", error_code: str = "unforeseen"
) -> UUID:
    job_id = enqueued(database, WriteNote(about=about))
    claimed(database, job_id).end(status, error="It went wrong.", error_code=error_code)
    return job_id


def requeued(database: Database, **wanted: object) -> int:
    with database.transaction(acting_for=SYSTEM) as tx:
        return requeue_jobs(tx, **wanted)  # type: ignore[arg-type]  # each test names what it wants


@pytest.mark.parametrize("status", UNSUCCESSFUL)
def test_a_job_that_ended_without_success_can_be_done_after_all(
    database: Database, notes: Notes, status: JobStatus
) -> None:
    job_id = ended(database, status)
    with database.transaction(acting_for=SYSTEM) as tx:
        requeue_job(tx, job_id)

    row = job_row(database, job_id)
    assert (row.status, row.attempts, row.error, row.finished_at) == ("queued", 0, None, None)
    assert run_job(database, job_id, WriteNote, notes.do)
    assert len(notes.on(job_id)) == 1


def test_a_cancelled_job_that_is_queued_again_is_no_longer_cancelled(
    database: Database, notes: Notes
) -> None:
    job_id = enqueued(database, WriteNote())
    with database.transaction(acting_for=SYSTEM) as tx:
        cancel_job(tx, job_id, acting_for=SYSTEM)
        requeue_job(tx, job_id)

    assert run_job(database, job_id, WriteNote, notes.do)


def test_a_job_whose_time_to_begin_was_over_has_time_again(database: Database, notes: Notes) -> None:
    job_id = ended(database, JobStatus.DEAD)
    set_from_now(database, job_id, queued_at=-AN_HOUR - WriteNote.expires_after, expires_at=-AN_HOUR)
    with database.transaction(acting_for=SYSTEM) as tx:
        requeue_job(tx, job_id)

    expires_at = job_row(database, job_id).expires_at
    assert expires_at is not None
    assert expires_at > present(database)
    assert run_job(database, job_id, WriteNote, notes.do)


def test_a_job_that_succeeded_or_is_under_way_is_left_alone(database: Database, notes: Notes) -> None:
    done, waiting = enqueued(database, WriteNote(about="sun")), enqueued(database, WriteNote(about="rain"))
    notes.do(claimed(database, done), WriteNote())

    for job_id, status in ((done, "succeeded"), (waiting, "queued")):
        with pytest.raises(ConflictError) as raised, database.transaction(acting_for=SYSTEM) as tx:
            requeue_job(tx, job_id)
        assert raised.value.message.startswith(f"The job is {status}.")
        assert job_row(database, job_id).status == status


def test_a_job_is_not_queued_again_while_another_one_does_its_work(database: Database) -> None:
    dead = ended(database, JobStatus.DEAD)
    twin = enqueued(database, WriteNote(about="rain"))

    with pytest.raises(ConflictError, match="under way"), database.transaction(acting_for=SYSTEM) as tx:
        requeue_job(tx, dead)

    assert job_row(database, dead).status == "dead"
    assert job_row(database, twin).status == "queued"


def test_a_job_that_does_not_exist_cannot_be_queued_again(database: Database) -> None:
    with pytest.raises(NotFoundError), database.transaction(acting_for=SYSTEM) as tx:
        requeue_job(tx, uuid4())


def test_many_are_chosen_by_status_task_and_reason(database: Database) -> None:
    crashed = ended(database, JobStatus.DEAD, about="rain")
    lost = ended(database, JobStatus.DEAD, about="sun", error_code="lease_expired")
    failed = ended(database, JobStatus.FAILED, about="snow")

    assert requeued(database, error_code="lease_expired") == 1
    assert requeued(database, task_name="spotify.write_personal_note") == 0
    assert [job_row(database, job).status for job in (crashed, lost, failed)] == ["dead", "queued", "failed"]

    assert requeued(database, task_name=WriteNote.task_name) == 1
    assert requeued(database, status=JobStatus.FAILED) == 1
    assert [job_row(database, job).status for job in (crashed, lost, failed)] == ["queued"] * 3


def test_many_are_taken_up_to_the_limit(database: Database) -> None:
    for number in range(5):
        ended(database, JobStatus.DEAD, about=f"day {number}")

    assert [requeued(database, limit=2) for _ in range(4)] == [2, 2, 1, 0]


def test_of_equal_jobs_the_last_one_is_queued_and_none_while_one_is_active(database: Database) -> None:
    older, newer = ended(database, JobStatus.DEAD), ended(database, JobStatus.DEAD)
    ended(database, JobStatus.DEAD, about="sun")
    enqueued(database, WriteNote(about="sun"))

    assert requeued(database) == 1
    assert [job_row(database, job).status for job in (older, newer)] == ["dead", "queued"]
    assert requeued(database) == 0


@pytest.mark.parametrize("status", [JobStatus.SUCCEEDED, JobStatus.RUNNING])
def test_asking_for_jobs_of_another_status_changes_nothing(
    database: Database, notes: Notes, status: JobStatus
) -> None:
    done = enqueued(database, WriteNote(about="sun"))
    notes.do(claimed(database, done), WriteNote())
    running = claimed(database, enqueued(database, WriteNote(about="rain")))

    assert requeued(database, status=status) == 0
    assert job_row(database, done).status == "succeeded"
    assert job_row(database, running.job_id).lease_token == running.lease_token


def test_each_requeue_gives_a_job_as_much_time_as_it_had_at_first(database: Database) -> None:
    job_id = ended(database, JobStatus.DEAD)
    hundred_days_ago = -timedelta(days=100)
    set_from_now(
        database, job_id, queued_at=hundred_days_ago, expires_at=hundred_days_ago + WriteNote.expires_after
    )
    for _ in range(3):
        with database.transaction(acting_for=SYSTEM) as tx:
            requeue_job(tx, job_id)
        expires_at = job_row(database, job_id).expires_at
        assert expires_at is not None
        assert abs(expires_at - present(database) - WriteNote.expires_after) < timedelta(minutes=1)
        claimed(database, job_id).end(JobStatus.DEAD, error="It went wrong.", error_code="unforeseen")


def test_beside_a_job_that_is_being_cancelled_the_same_work_can_be_queued_again(database: Database) -> None:
    dead = ended(database, JobStatus.DEAD)
    running = claimed(database, enqueued(database, WriteNote(about="rain")))
    with database.transaction(acting_for=SYSTEM) as tx:
        cancel_job(tx, running.job_id, acting_for=SYSTEM)

    assert requeued(database) == 1
    assert job_row(database, dead).status == "queued"
