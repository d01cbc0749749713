"""What the relay publishes, when it publishes again, and how it takes back the leases of the dead."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import update

from job_trials import (
    A_SECOND,
    AN_HOUR,
    Outbox,
    WriteNote,
    WritePersonalNote,
    at_once,
    claimed,
    enqueued,
    expire_lease,
    present,
    set_from_now,
)
from jobs_inline import job_row, queued_jobs
from makers import a_user
from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.database import Database
from spotify_insights.jobs.enqueue import enqueue
from spotify_insights.jobs.job import JobStatus
from spotify_insights.jobs.models import BackgroundJob
from spotify_insights.jobs.relay.publisher import BrokerUnreachableError, DueJob
from spotify_insights.jobs.relay.relay import Relay
from spotify_insights.runtime import Runtime


def enqueued_many(database: Database, number: int) -> list[UUID]:
    with database.transaction(acting_for=SYSTEM) as tx:
        return sorted(enqueue(tx, WriteNote(about=f"day {day}")) for day in range(number))


def test_due_jobs_are_published_once_each_with_its_task_and_queue(
    database: Database, runtime: Runtime
) -> None:
    system = enqueued(database, WriteNote())
    personal = enqueued(database, WritePersonalNote(user_id=a_user(runtime)))
    outbox = Outbox()
    relay = Relay(database, outbox)

    assert relay.publish_due() == 2
    assert relay.publish_due() == 0

    assert {job.id: job for job in outbox.jobs} == {
        system: DueJob(id=system, task_name="scheduled.write_note", queue="scheduled"),
        personal: DueJob(id=personal, task_name="spotify.write_personal_note", queue="spotify"),
    }


def test_a_job_of_the_future_is_published_when_its_time_has_come(database: Database) -> None:
    job_id = enqueued(database, WriteNote())
    set_from_now(database, job_id, available_at=AN_HOUR)
    outbox = Outbox()
    relay = Relay(database, outbox)
    assert relay.publish_due() == 0

    set_from_now(database, job_id, available_at=-A_SECOND)
    assert relay.publish_due() == 1
    assert outbox.ids == [job_id]


def test_running_and_ended_jobs_are_not_published(database: Database) -> None:
    running, ended = enqueued_many(database, 2)
    claimed(database, running)
    with claimed(database, ended).completion():
        pass

    assert Relay(database, Outbox()).publish_due() == 0


@pytest.mark.parametrize(
    "failure", [BrokerUnreachableError("The broker is away."), ZeroDivisionError()], ids=["away", "a bug"]
)
def test_jobs_that_the_broker_did_not_take_stay_due_at_once(database: Database, failure: Exception) -> None:
    jobs = enqueued_many(database, 3)
    outbox = Outbox(failure=failure)
    relay = Relay(database, outbox)

    with pytest.raises(type(failure)) as raised:
        relay.publish_due()
    assert raised.value is failure

    outbox.failure = None
    assert relay.publish_due() == 3
    assert outbox.ids == jobs
    assert {row.publishes for row in queued_jobs(database)} == {1}


@pytest.mark.parametrize("publishes", range(1, 11))
def test_patience_with_a_published_job_doubles_from_ten_seconds_to_twenty_minutes(
    database: Database, publishes: int
) -> None:
    patience = timedelta(seconds=min(10 * 2 ** (publishes - 1), 1280))
    job_id = enqueued(database, WriteNote())
    with database.transaction(acting_for=SYSTEM) as tx:
        tx.session.execute(update(BackgroundJob).values(publishes=publishes))
    outbox = Outbox()
    relay = Relay(database, outbox)

    set_from_now(database, job_id, published_at=5 * A_SECOND - patience)
    assert relay.publish_stale() == 0

    set_from_now(database, job_id, published_at=-5 * A_SECOND - patience)
    assert relay.publish_due() == 0
    assert relay.publish_stale() == 1
    assert outbox.ids == [job_id]
    assert job_row(database, job_id).publishes == publishes + 1
    assert relay.publish_stale() == 0


def test_a_job_that_is_tried_again_is_published_again_without_patience(database: Database) -> None:
    job_id = enqueued(database, WriteNote())
    outbox = Outbox()
    relay = Relay(database, outbox)
    relay.publish_due()
    claimed(database, job_id).again(
        wait=timedelta(0), error="Later.", error_code="temporary", consumes_attempt=True
    )

    assert relay.publish_due() == 1
    assert outbox.ids == [job_id, job_id]


def test_two_relays_at_once_publish_each_job_once(database: Database) -> None:
    jobs = enqueued_many(database, 600)
    outboxes = [Outbox(), Outbox()]
    unused = list(outboxes)

    def relay_everything(barrier: threading.Barrier) -> None:
        relay = Relay(database, unused.pop())
        barrier.wait()
        for _ in range(4):
            relay.publish_due()

    at_once(2, relay_everything)

    assert sorted(outboxes[0].ids + outboxes[1].ids) == jobs


def test_a_relay_passes_by_a_job_that_another_relay_is_taking(database: Database) -> None:
    taken, free = enqueued_many(database, 2)
    outbox = Outbox()

    with ThreadPoolExecutor(1) as pool, database.transaction(acting_for=SYSTEM) as other_relay:
        other_relay.session.get_one(BackgroundJob, taken, with_for_update=True)
        assert pool.submit(Relay(database, outbox).publish_due).result(timeout=10) == 1

    assert outbox.ids == [free]


def test_an_expired_lease_returns_its_job_to_the_queue(database: Database) -> None:
    job_id = enqueued(database, WriteNote())
    outbox = Outbox()
    relay = Relay(database, outbox)
    relay.publish_due()
    claimed(database, job_id)
    assert relay.expire_leases() == 0
    expire_lease(database, job_id)

    assert relay.expire_leases() == 1
    assert relay.expire_leases() == 0

    row = job_row(database, job_id)
    assert (row.status, row.attempts, row.lease_token) == ("queued", 1, None)
    assert (row.error, row.error_code) == (
        "The worker that ran this job stopped answering.",
        "lease_expired",
    )
    assert row.available_at <= present(database)
    assert relay.publish_due() == 1
    assert claimed(database, job_id).number == 2


def test_a_lease_that_expires_with_the_last_attempt_leaves_the_job_dead(database: Database) -> None:
    job_id = enqueued(database, WriteNote())
    for _ in range(WriteNote.max_attempts):
        claimed(database, job_id)
        expire_lease(database, job_id)
    relay = Relay(database, Outbox())

    assert relay.expire_leases() == 1

    row = job_row(database, job_id)
    assert (row.status, row.attempts, row.error_code) == ("dead", WriteNote.max_attempts, "lease_expired")
    assert row.finished_at is not None
    assert row.run_ms is not None
    assert relay.publish_due() == 0


def test_two_relays_at_once_expire_each_lease_once(database: Database) -> None:
    jobs = enqueued_many(database, 40)
    for job_id in jobs:
        claimed(database, job_id)
        expire_lease(database, job_id)

    def expire(barrier: threading.Barrier) -> int:
        barrier.wait()
        return Relay(database, Outbox()).expire_leases()

    assert sum(at_once(2, expire)) == len(jobs)
    assert [row.id for row in queued_jobs(database)] == jobs


def test_a_lease_under_renewal_is_passed_by_when_leases_expire(database: Database) -> None:
    renewed, abandoned = enqueued_many(database, 2)
    for job_id in (renewed, abandoned):
        claimed(database, job_id)
        expire_lease(database, job_id)

    with ThreadPoolExecutor(1) as pool, database.transaction(acting_for=SYSTEM) as renewal:
        renewal.session.get_one(BackgroundJob, renewed, with_for_update=True)
        assert pool.submit(Relay(database, Outbox()).expire_leases).result(timeout=10) == 1

    assert job_row(database, renewed).status == JobStatus.RUNNING
    assert job_row(database, abandoned).status == JobStatus.QUEUED
