"""The relay at work in its thread."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import cast
from uuid import UUID

import pytest
from sqlalchemy import text
from typing_extensions import override

from job_trials import Outbox, WriteNote, claimed, enqueued, expire_lease
from jobs_inline import job_row
from server_trials import eventually
from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.database import Database, Transaction
from spotify_insights.errors import UnavailableError
from spotify_insights.jobs.enqueue import RelayBell, enqueue
from spotify_insights.jobs.relay.publisher import BrokerUnreachableError, DueJob
from spotify_insights.jobs.relay.relay import BATCH, Relay
from spotify_insights.jobs.slots import Scheduled

BY_THE_BELL_ALONE = 600.0
OFTEN = 0.02
# Less than the 10 s after which a relay publishes again what it has published.
SOON = 9.0


@dataclass
class Office:
    """A relay that runs in a thread, its bell and its broker."""

    database: Database
    outbox: Outbox = field(default_factory=Outbox)
    bell: RelayBell = field(default_factory=RelayBell)

    @contextmanager
    def running(self, *, poll_seconds: float) -> Iterator[threading.Thread]:
        relay = Relay(self.database, self.outbox, bell=self.bell)
        thread = threading.Thread(target=relay.run, kwargs={"poll_seconds": poll_seconds})
        thread.start()
        try:
            yield thread
        finally:
            relay.stop()
            thread.join(10)
        assert not thread.is_alive()

    def publishes(self, *jobs: UUID) -> bool:
        """Whether, soon, messages about exactly these jobs are there."""
        return eventually(lambda: self.outbox.ids == sorted(jobs), within=SOON)


def test_the_bell_wakes_the_relay_and_stop_ends_it(database: Database) -> None:
    office = Office(database)
    first = enqueued(database, WriteNote(about="rain"))
    with office.running(poll_seconds=BY_THE_BELL_ALONE):
        assert office.publishes(first)
        second = enqueued(database, WriteNote(about="sun"))
        office.bell.ring()
        assert office.publishes(first, second)


def test_a_poll_finds_what_other_processes_have_queued_and_left_behind(database: Database) -> None:
    office = Office(database)
    with office.running(poll_seconds=OFTEN):
        job_id = enqueued(database, WriteNote())
        assert office.publishes(job_id)
        claimed(database, job_id)
        expire_lease(database, job_id)
        assert office.publishes(job_id, job_id)


def test_a_broker_that_comes_back_is_told_of_every_waiting_job_anew(database: Database) -> None:
    office = Office(database)
    with office.running(poll_seconds=OFTEN):
        told_before = enqueued(database, WriteNote(about="rain"))
        assert office.publishes(told_before)

        office.outbox.failure = BrokerUnreachableError("The broker is away.")
        meanwhile = enqueued(database, WriteNote(about="sun"))
        assert eventually(lambda: office.outbox.refusals > 0)
        # It comes back with nothing of what it was told.
        office.outbox.jobs.clear()
        office.outbox.failure = None
        assert office.publishes(told_before, meanwhile)


def test_a_fault_of_the_relay_itself_costs_one_round(database: Database) -> None:
    office = Office(database)
    office.outbox.failure = ZeroDivisionError()
    job_id = enqueued(database, WriteNote())
    with office.running(poll_seconds=OFTEN) as thread:
        assert eventually(lambda: office.outbox.refusals >= 2)
        assert thread.is_alive()
        office.outbox.failure = None
        assert office.publishes(job_id)


def test_a_broker_that_lost_everything_between_two_messages_is_told_anew(database: Database) -> None:
    """It restarted so quickly that no message met it away."""
    office = Office(database)
    with office.running(poll_seconds=OFTEN):
        job_id = enqueued(database, WriteNote())
        assert office.publishes(job_id)

        office.outbox.lose_everything()
        assert office.publishes(job_id)


def test_a_fault_of_one_chore_does_not_keep_the_others_from_being_done(database: Database) -> None:
    office = Office(database)
    relay = Relay(database, office.outbox, bell=office.bell, schedule={"nothing": cast("Scheduled", None)})
    thread = threading.Thread(target=relay.run, kwargs={"poll_seconds": OFTEN})
    thread.start()
    try:
        job_id = enqueued(database, WriteNote())
        assert office.publishes(job_id)
        claimed(database, job_id)
        expire_lease(database, job_id)
        assert office.publishes(job_id, job_id)
    finally:
        relay.stop()
        thread.join(10)


def test_the_relay_deletes_what_is_short_lived(database: Database) -> None:
    purged = threading.Event()

    def purge(_tx: Transaction) -> dict[str, int]:
        purged.set()
        return {}

    relay = Relay(database, Outbox(), purge=purge)
    thread = threading.Thread(target=relay.run, kwargs={"poll_seconds": OFTEN})
    thread.start()
    try:
        assert purged.wait(SOON)
    finally:
        relay.stop()
        thread.join(10)


def test_the_relay_looks_for_trouble_itself(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spotify_insights.jobs.relay.relay.WATCH_EVERY_SECONDS", OFTEN)
    looked = threading.Event()
    relay = Relay(database, Outbox(), watch=looked.set)
    thread = threading.Thread(target=relay.run, kwargs={"poll_seconds": OFTEN})
    thread.start()
    try:
        assert looked.wait(SOON)
    finally:
        relay.stop()
        thread.join(10)


def test_a_broker_that_lost_everything_is_told_anew_also_if_the_database_fails_at_first(
    database: Database,
) -> None:
    class Forgetful(Relay):
        failures = 2

        @override
        def forget_publishes(self) -> None:
            if self.failures:
                self.failures -= 1
                raise UnavailableError("The database does not answer.")
            super().forget_publishes()

    office = Office(database)
    relay = Forgetful(database, office.outbox, bell=office.bell)
    job_id = enqueued(database, WriteNote())
    assert relay.publish_due() == 1
    office.outbox.lose_everything()
    thread = threading.Thread(target=relay.run, kwargs={"poll_seconds": OFTEN})
    thread.start()
    try:
        assert office.publishes(job_id)
    finally:
        relay.stop()
        thread.join(10)
    assert relay.failures == 0


def test_a_backlog_that_never_ends_does_not_keep_leases_from_being_taken_back(database: Database) -> None:
    attempt = claimed(database, enqueued(database, WriteNote(about="rain")))
    with database.transaction(acting_for=SYSTEM) as tx:
        for number in range(BATCH):
            enqueue(tx, WriteNote(about=f"day {number}"))

    class Endless(Outbox):
        @override
        def publish(self, jobs: Sequence[DueJob]) -> None:
            with database.transaction(acting_for=SYSTEM) as tx:
                tx.session.execute(text("UPDATE background_jobs SET published_at = NULL"))

    relay = Relay(database, Endless())
    thread = threading.Thread(target=relay.run, kwargs={"poll_seconds": OFTEN})
    thread.start()
    try:
        expire_lease(database, attempt.job_id)
        assert eventually(lambda: job_row(database, attempt.job_id).status == "queued", within=SOON)
    finally:
        relay.stop()
        thread.join(10)
