"""Cancelling: what waits ends at once, what runs stops at its next step, and nothing of it is stored."""

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text

from job_trials import (
    Notes,
    WriteNote,
    at_once,
    claimed,
    enqueued,
    expire_lease,
    set_from_now,
    somebody_waits_for_a_lock,
)
from jobs_inline import job_row
from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.database import Database
from spotify_insights.errors import NotFoundError, TemporaryError
from spotify_insights.jobs.attempt import Attempt, JobCancelledError
from spotify_insights.jobs.cancel import Cancellation, cancel_job
from spotify_insights.jobs.claim import claim
from spotify_insights.jobs.enqueue import enqueue
from spotify_insights.jobs.heartbeat import heartbeat
from spotify_insights.jobs.job import JobStatus
from spotify_insights.jobs.relay.expiry import expire_leases
from spotify_insights.jobs.run import run_job


def cancelled(database: Database, attempt: Attempt) -> Cancellation:
    with database.transaction(acting_for=SYSTEM) as tx:
        return cancel_job(tx, attempt.job_id, acting_for=SYSTEM)


def test_a_waiting_job_is_over_at_once_and_never_begins(database: Database) -> None:
    job_id = enqueued(database, WriteNote())
    with database.transaction(acting_for=SYSTEM) as tx:
        assert cancel_job(tx, job_id, acting_for=SYSTEM) == Cancellation.CANCELLED

    row = job_row(database, job_id)
    assert (row.status, row.error, row.error_code) == ("cancelled", "The job was cancelled.", "cancelled")
    assert row.finished_at is not None
    assert claim(database, job_id, WriteNote) is None


def test_after_a_cancellation_the_same_work_can_be_asked_for_again(database: Database) -> None:
    first = enqueued(database, WriteNote())
    with database.transaction(acting_for=SYSTEM) as tx:
        cancel_job(tx, first, acting_for=SYSTEM)

    assert enqueued(database, WriteNote()) != first


def test_a_running_job_stops_at_its_next_step_and_stores_nothing(database: Database, notes: Notes) -> None:
    job_id = enqueued(database, WriteNote())
    steps: list[str] = []

    def handler(attempt: Attempt, job: WriteNote) -> None:
        attempt.progress("thinking", done=0, total=2)
        steps.append("thought")
        assert cancelled(database, attempt) == Cancellation.REQUESTED
        attempt.progress("writing", done=1, total=2)
        steps.append("wrote")
        notes.do(attempt, job)

    assert run_job(database, job_id, WriteNote, handler) is True

    assert steps == ["thought"]
    assert notes.on(job_id) == []
    row = job_row(database, job_id)
    assert (row.status, row.error_code, row.progress) == ("cancelled", "cancelled", None)


def test_a_cancellation_in_the_last_moment_keeps_the_effects_from_being_stored(
    database: Database, notes: Notes
) -> None:
    job_id = enqueued(database, WriteNote())

    def handler(attempt: Attempt, _: WriteNote) -> None:
        with attempt.completion() as completion:
            notes.write(completion.tx, attempt)
            cancelled(database, attempt)

    run_job(database, job_id, WriteNote, handler)

    assert notes.on(job_id) == []
    assert job_row(database, job_id).status == "cancelled"


def test_a_job_that_would_be_tried_again_is_cancelled_instead(database: Database) -> None:
    job_id = enqueued(database, WriteNote())

    def handler(attempt: Attempt, _: WriteNote) -> None:
        cancelled(database, attempt)
        raise TemporaryError("It does not work now.")

    with pytest.raises(TemporaryError):
        run_job(database, job_id, WriteNote, handler)

    assert job_row(database, job_id).status == "cancelled"


def test_a_cancelled_job_whose_worker_died_ends_with_its_lease(database: Database) -> None:
    attempt = claimed(database, enqueued(database, WriteNote()))
    cancelled(database, attempt)
    expire_lease(database, attempt.job_id)
    assert claim(database, attempt.job_id, WriteNote) is None

    with database.transaction(acting_for=SYSTEM) as tx:
        assert expire_leases(tx.session) == {JobStatus.CANCELLED: 1}
    assert job_row(database, attempt.job_id).error_code == "cancelled"


def test_the_heartbeat_of_a_cancelled_job_goes_on_until_the_job_has_noticed(database: Database) -> None:
    attempt = claimed(database, enqueued(database, WriteNote()))
    with heartbeat(attempt, interval=0.01):
        cancelled(database, attempt)
        assert attempt.renew() is True
        with pytest.raises(JobCancelledError):
            attempt.checkpoint()


def test_a_job_that_has_ended_stays_as_it_is(database: Database, notes: Notes) -> None:
    job_id = enqueued(database, WriteNote())
    attempt = claimed(database, job_id)
    notes.do(attempt, WriteNote())

    assert cancelled(database, attempt) == Cancellation.ENDED_ALREADY
    row = job_row(database, job_id)
    assert (row.status, row.cancel_requested) == ("succeeded", False)
    assert len(notes.on(job_id)) == 1


def test_cancelling_twice_says_the_same_twice(database: Database) -> None:
    job_id = enqueued(database, WriteNote())
    for _ in range(2):
        with database.transaction(acting_for=SYSTEM) as tx:
            assert cancel_job(tx, job_id, acting_for=SYSTEM) == Cancellation.CANCELLED


def test_with_a_job_all_that_it_has_queued_is_cancelled(database: Database) -> None:
    with database.transaction(acting_for=SYSTEM) as tx:
        parent = enqueue(tx, WriteNote(about="all weather"))
        waiting = enqueue(tx, WriteNote(about="rain"), parent_id=parent)
        running = enqueue(tx, WriteNote(about="sun"), parent_id=parent)
        grandchild = enqueue(tx, WriteNote(about="drizzle"), parent_id=waiting)
        stranger = enqueue(tx, WriteNote(about="snow"))
    with claimed(database, parent).completion():
        pass
    attempt = claimed(database, running)

    with database.transaction(acting_for=SYSTEM) as tx:
        assert cancel_job(tx, parent, acting_for=SYSTEM) == Cancellation.ENDED_ALREADY

    assert job_row(database, waiting).status == "cancelled"
    assert job_row(database, grandchild).status == "cancelled"
    assert job_row(database, stranger).status == "queued"
    with pytest.raises(JobCancelledError):
        attempt.checkpoint()


def test_a_job_that_does_not_exist_cannot_be_cancelled(database: Database) -> None:
    with pytest.raises(NotFoundError), database.transaction(acting_for=SYSTEM) as tx:
        cancel_job(tx, uuid4(), acting_for=SYSTEM)


def test_of_completion_and_cancellation_exactly_one_wins(database: Database, notes: Notes) -> None:
    """Whoever is told `requested` may rely on it."""
    for round_number in range(8):
        job_id = enqueued(database, WriteNote(about=f"round {round_number}"))
        attempt = claimed(database, job_id)
        outcomes: list[object] = []

        def one(
            barrier: threading.Barrier, attempt: Attempt = attempt, outcomes: list[object] = outcomes
        ) -> None:
            if barrier.wait() == 0:
                outcomes.append(cancelled(database, attempt))
                return
            try:
                notes.do(attempt, WriteNote())
            except JobCancelledError as error:
                outcomes.append(type(error))
            else:
                outcomes.append("stored")

        at_once(2, one)
        assert set(outcomes) in (
            {Cancellation.REQUESTED, JobCancelledError},
            {Cancellation.ENDED_ALREADY, "stored"},
        )
        assert len(notes.on(job_id)) == int("stored" in outcomes)


def test_work_that_is_asked_for_while_it_is_being_cancelled_is_done(database: Database, notes: Notes) -> None:
    """Whoever asks after the cancellation is promised a result; the cancelled attempt will have none."""
    old = claimed(database, enqueued(database, WriteNote()))
    assert cancelled(database, old) == Cancellation.REQUESTED

    new = enqueued(database, WriteNote())

    assert new != old.job_id
    # Read in the order in which rows lie: whoever takes the first that looks alike takes the old one.
    set_from_now(database, new, available_at=timedelta(0))
    with database.transaction(acting_for=SYSTEM) as tx:
        for plan in ("indexscan", "bitmapscan"):
            tx.session.execute(text(f"SET LOCAL enable_{plan} = off"))
        assert enqueue(tx, WriteNote()) == new
    with pytest.raises(JobCancelledError):
        notes.do(old, WriteNote())
    assert run_job(database, new, WriteNote, notes.do)
    assert len(notes.on(new)) == 1


def test_children_that_are_queued_while_their_parent_is_being_cancelled_are_cancelled_too(
    database: Database,
) -> None:
    """The cancellation comes when the parent's end is as good as committed."""
    parent = claimed(database, enqueued(database, WriteNote(about="all weather")))
    children = []

    with ThreadPoolExecutor(1) as elsewhere:
        cancelling: list[Future[Cancellation]] = []

        def cancel_now() -> None:
            cancelling.append(elsewhere.submit(cancelled, database, parent))
            assert somebody_waits_for_a_lock(database)

        with parent.completion() as completion:
            children += [
                enqueue(completion.tx, WriteNote(about=f"day {day}"), parent_id=parent.job_id)
                for day in range(3)
            ]
            grandchild = enqueue(completion.tx, WriteNote(about="an hour"), parent_id=children[0])
            completion.tx.before_commit(cancel_now)
        assert cancelling[0].result(timeout=20) == Cancellation.ENDED_ALREADY

    assert [job_row(database, job).status for job in (*children, grandchild)] == ["cancelled"] * 4
