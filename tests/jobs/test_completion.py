"""The end of an attempt: effects and outcome together, and only for the holder of the lease."""

from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from job_trials import Notes, WriteNote, claimed, enqueued, expire_lease, somebody_waits_for_a_lock
from jobs_inline import job_row
from spotify_insights.database.database import Database
from spotify_insights.errors import TemporaryError
from spotify_insights.jobs.attempt import Attempt, FencedError
from spotify_insights.jobs.claim import claim
from spotify_insights.jobs.job import JobStatus
from spotify_insights.jobs.run import run_job


def test_effects_and_success_are_stored_together(database: Database, notes: Notes) -> None:
    job_id = enqueued(database, WriteNote())
    attempt = claimed(database, job_id)

    with attempt.completion() as completion:
        notes.write(completion.tx, attempt)
        completion.result = {"lines": 3}
        assert notes.on(job_id) == []
        assert job_row(database, job_id).status == JobStatus.RUNNING

    assert notes.on(job_id) == [attempt.lease_token]
    row = job_row(database, job_id)
    assert (row.status, row.result, row.error, row.lease_token) == ("succeeded", {"lines": 3}, None, None)
    assert row.started_at is not None
    assert row.finished_at is not None
    assert row.run_ms is not None
    ran = (row.finished_at - row.started_at).total_seconds() * 1000
    assert row.run_ms == pytest.approx(ran, abs=2)


def test_a_zombie_stores_nothing_after_another_attempt_has_finished(database: Database, notes: Notes) -> None:
    job_id = enqueued(database, WriteNote())
    zombie = claimed(database, job_id)
    expire_lease(database, job_id)
    live = claimed(database, job_id)
    notes.do(live, WriteNote())

    with pytest.raises(FencedError):
        notes.do(zombie, WriteNote())

    assert notes.on(job_id) == [live.lease_token]
    assert job_row(database, job_id).status == JobStatus.SUCCEEDED


def test_a_zombie_stores_nothing_while_another_attempt_works(database: Database, notes: Notes) -> None:
    job_id = enqueued(database, WriteNote())
    zombie = claimed(database, job_id)
    expire_lease(database, job_id)
    live = claimed(database, job_id)

    with pytest.raises(FencedError):
        notes.do(zombie, WriteNote())
    assert notes.on(job_id) == []
    assert job_row(database, job_id).lease_token == live.lease_token

    notes.do(live, WriteNote())
    assert notes.on(job_id) == [live.lease_token]


def test_an_attempt_that_loses_its_lease_in_the_middle_of_storing_is_rolled_back(
    database: Database, notes: Notes
) -> None:
    job_id = enqueued(database, WriteNote())
    zombie = claimed(database, job_id)
    others: list[Attempt] = []

    def store_slowly() -> None:
        with zombie.completion() as completion:
            notes.write(completion.tx, zombie)
            expire_lease(database, job_id)
            others.append(claimed(database, job_id))

    with pytest.raises(FencedError):
        store_slowly()

    assert notes.on(job_id) == []
    [live] = others
    notes.do(live, WriteNote())
    assert notes.on(job_id) == [live.lease_token]


def test_an_expired_lease_that_nobody_took_still_lets_its_holder_finish(
    database: Database, notes: Notes
) -> None:
    job_id = enqueued(database, WriteNote())
    late = claimed(database, job_id)
    expire_lease(database, job_id)

    notes.do(late, WriteNote())

    assert notes.on(job_id) == [late.lease_token]
    assert job_row(database, job_id).status == JobStatus.SUCCEEDED


def test_a_claim_waits_for_a_completion_under_way_and_finds_nothing_to_do(
    database: Database, notes: Notes
) -> None:
    job_id = enqueued(database, WriteNote())
    late = claimed(database, job_id)
    expire_lease(database, job_id)
    rivals: list[Future[Attempt | None]] = []

    with ThreadPoolExecutor(1) as pool:

        def claim_meanwhile() -> None:
            rivals.append(pool.submit(claim, database, job_id, WriteNote))
            assert somebody_waits_for_a_lock(database)

        with late.completion() as completion:
            notes.write(completion.tx, late)
            completion.tx.before_commit(claim_meanwhile)
        assert rivals[0].result(timeout=10) is None

    assert notes.on(job_id) == [late.lease_token]


def test_success_is_recorded_once(database: Database, notes: Notes) -> None:
    job_id = enqueued(database, WriteNote())
    attempt = claimed(database, job_id)
    notes.do(attempt, WriteNote())

    with pytest.raises(FencedError):
        notes.do(attempt, WriteNote())

    assert notes.on(job_id) == [attempt.lease_token]


def test_a_zombie_can_neither_fail_nor_delay_the_job_of_another_attempt(database: Database) -> None:
    job_id = enqueued(database, WriteNote())
    zombie = claimed(database, job_id)
    expire_lease(database, job_id)
    live = claimed(database, job_id)

    with pytest.raises(FencedError):
        zombie.end(status=JobStatus.FAILED, error="It did not work.", error_code="permanent")
    with pytest.raises(FencedError):
        zombie.again(wait=WriteNote.time_limit, error="Later.", error_code="temporary", consumes_attempt=True)
    with pytest.raises(FencedError):
        zombie.renew()

    row = job_row(database, job_id)
    assert (row.status, row.lease_token, row.error) == ("running", live.lease_token, None)


def test_an_error_while_storing_rolls_everything_back_and_the_job_is_tried_again(
    database: Database, notes: Notes
) -> None:
    job_id = enqueued(database, WriteNote())

    def stumble(attempt: Attempt, _job: WriteNote) -> None:
        with attempt.completion() as completion:
            notes.write(completion.tx, attempt)
            raise TemporaryError("The pen is empty.")

    with pytest.raises(TemporaryError):
        run_job(database, job_id, WriteNote, stumble)

    assert notes.on(job_id) == []
    row = job_row(database, job_id)
    assert (row.status, row.attempts, row.error) == ("queued", 1, "The pen is empty.")
