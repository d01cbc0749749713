"""The job table against a model: whatever happens, in whatever order, no effect twice and no job lost."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import pytest
from hypothesis import Phase
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select, text
from typing_extensions import override

from job_trials import A_SECOND, AN_HOUR, Notes, Outbox, WriteNote, enqueued, set_from_now
from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.database import Database
from spotify_insights.errors import PermanentError, ProductError, SnoozeError, TemporaryError
from spotify_insights.jobs.attempt import Attempt, FencedError, claim
from spotify_insights.jobs.enqueue import enqueue
from spotify_insights.jobs.job import ACTIVE, JobStatus
from spotify_insights.jobs.models import BackgroundJob
from spotify_insights.jobs.relay import BrokerUnreachableError, Relay
from spotify_insights.jobs.run import run_job

PERMANENT: Final = PermanentError("It never works.")
TEMPORARY: Final = TemporaryError("It does not work now.")
SNOOZE: Final = SnoozeError("Not now.", wait=AN_HOUR)


@dataclass
class Expected:
    """A job as it ought to be."""

    about: str
    status: JobStatus = JobStatus.QUEUED
    attempts: int = 0
    snoozes: int = 0
    is_due: bool = True
    is_published: bool = False
    holder: UUID | None = None
    lease_has_expired: bool = False
    notes: list[UUID] = field(default_factory=list)

    @property
    def may_be_claimed(self) -> bool:
        if self.attempts == WriteNote.max_attempts:
            return False
        if self.status == JobStatus.RUNNING:
            return self.lease_has_expired
        return self.status == JobStatus.QUEUED and self.is_due

    def begin(self, holder: UUID) -> None:
        self.status, self.holder, self.lease_has_expired = JobStatus.RUNNING, holder, False
        self.attempts += 1

    def end(self, status: JobStatus) -> None:
        self.status, self.holder = status, None

    def return_to_queue(self, *, is_due: bool) -> None:
        self.end(JobStatus.QUEUED)
        self.is_due, self.is_published = is_due, False

    def fail_temporarily(self, *, is_due: bool) -> None:
        if self.attempts == WriteNote.max_attempts:
            self.end(JobStatus.DEAD)
        else:
            self.return_to_queue(is_due=is_due)


class JobTable(RuleBasedStateMachine):
    """Requests, workers (some of them zombies), the relay and the passing of time, in any order."""

    jobs = Bundle("jobs")
    attempts = Bundle("attempts")

    def __init__(self, database: Database, notes: Notes) -> None:
        super().__init__()
        self.database, self.notes = database, notes
        self.outbox = Outbox()
        self.relay = Relay(database, self.outbox)
        self.expected: dict[UUID, Expected] = {}
        self.alter("DELETE FROM background_jobs")
        self.alter("DELETE FROM notes")

    @rule(target=jobs, about=st.sampled_from(["rain", "sun"]))
    def enqueue(self, about: str) -> UUID:
        return self.requested(about)

    def requested(self, about: str) -> UUID:
        job_id = enqueued(self.database, WriteNote(about=about))
        active = [
            known for known, job in self.expected.items() if job.about == about and job.status in ACTIVE
        ]
        if active:
            assert [job_id] == active
        else:
            assert job_id not in self.expected
            self.expected[job_id] = Expected(about)
        return job_id

    @rule(about=st.sampled_from(["rain", "sun"]))
    def enqueue_and_roll_back(self, about: str) -> None:
        with suppress(ZeroDivisionError), self.database.transaction(acting_for=SYSTEM) as tx:
            enqueue(tx, WriteNote(about=about))
            raise ZeroDivisionError

    @rule(target=attempts, job_id=jobs)
    def claim(self, job_id: UUID) -> Any:
        attempt = claim(self.database, job_id, WriteNote)
        job = self.expected[job_id]
        assert (attempt is not None) == job.may_be_claimed
        if attempt is None:
            return multiple()
        job.begin(attempt.lease_token)
        assert attempt.number == job.attempts
        return attempt

    @rule(attempt=attempts)
    def finish(self, attempt: Attempt) -> None:
        job = self.expected[attempt.job_id]
        if job.holder != attempt.lease_token:
            with pytest.raises(FencedError):
                self.notes.do(attempt, WriteNote())
            return
        self.notes.do(attempt, WriteNote())
        job.notes.append(attempt.lease_token)
        job.end(JobStatus.SUCCEEDED)

    @rule(attempt=attempts)
    def fail(self, attempt: Attempt) -> None:
        job = self.expected[attempt.job_id]
        if job.holder != attempt.lease_token:
            with pytest.raises(FencedError):
                attempt.end(status=JobStatus.FAILED, error="It never works.", error_code="permanent")
            return
        attempt.end(status=JobStatus.FAILED, error="It never works.", error_code="permanent")
        job.end(JobStatus.FAILED)

    @rule(about=st.sampled_from(["rain", "sun"]), error=st.sampled_from([None, PERMANENT, TEMPORARY, SNOOZE]))
    def run(self, about: str, error: ProductError | None) -> None:
        job_id = self.requested(about)
        job = self.expected[job_id]

        def handler(attempt: Attempt, work: WriteNote) -> None:
            job.begin(attempt.lease_token)
            if error is not None:
                raise error
            self.notes.do(attempt, work)
            job.notes.append(attempt.lease_token)

        if not job.may_be_claimed:
            assert run_job(self.database, job_id, WriteNote, handler) is False
        elif error is None:
            assert run_job(self.database, job_id, WriteNote, handler)
            job.end(JobStatus.SUCCEEDED)
        else:
            with pytest.raises(type(error)):
                run_job(self.database, job_id, WriteNote, handler)
            self.expect_failure(job_id, job, error)

    def expect_failure(self, job_id: UUID, job: Expected, error: ProductError) -> None:
        if error is PERMANENT:
            job.end(JobStatus.FAILED)
        elif error is SNOOZE:
            job.attempts -= 1
            job.snoozes += 1
            job.return_to_queue(is_due=False)
        else:
            # The wait is random: from here on it is an hour.
            set_from_now(self.database, job_id, available_at=AN_HOUR)
            job.fail_temporarily(is_due=False)

    @rule(job_id=jobs)
    def let_a_lease_expire(self, job_id: UUID) -> None:
        job = self.expected[job_id]
        if job.status == JobStatus.RUNNING:
            set_from_now(self.database, job_id, lease_expires_at=-A_SECOND)
            job.lease_has_expired = True

    @rule(target=attempts, attempt=attempts)
    def take_over(self, attempt: Attempt) -> Any:
        """The worker freezes for longer than its lease, and another one takes the job."""
        self.let_a_lease_expire(attempt.job_id)
        return self.claim(attempt.job_id)

    @rule(about=st.sampled_from(["rain", "sun"]), ending=st.sampled_from([finish, fail]))
    def zombie_wakes(self, about: str, ending: Callable[["JobTable", Attempt], None]) -> None:
        """As `take_over`; then the frozen worker goes on as if nothing had been."""
        job_id = self.requested(about)
        self.wait_until_every_job_is_due()
        self.let_a_lease_expire(job_id)
        frozen = self.claim(job_id)
        if isinstance(frozen, Attempt):
            self.take_over(frozen)
            ending(self, frozen)

    @rule()
    def relay_expires_leases(self) -> None:
        expired = [job for job in self.with_status(JobStatus.RUNNING).values() if job.lease_has_expired]
        assert self.relay.expire_leases() == len(expired)
        for job in expired:
            job.fail_temporarily(is_due=True)

    @rule()
    def relay_publishes(self) -> None:
        due = self.due()
        assert self.relay.publish_due() == len(due)
        assert self.outbox.emptied() == sorted(due)
        for job in due.values():
            job.is_published = True

    @rule()
    def relay_meets_a_broker_that_is_away(self) -> None:
        self.outbox.failure = BrokerUnreachableError("The broker is away.")
        if self.due():
            with pytest.raises(BrokerUnreachableError):
                self.relay.publish_due()
        else:
            assert self.relay.publish_due() == 0
        self.outbox.failure = None

    @rule()
    def wait_until_every_job_is_due(self) -> None:
        self.alter("UPDATE background_jobs SET available_at = clock_timestamp() WHERE status = 'queued'")
        for job in self.with_status(JobStatus.QUEUED).values():
            job.is_due = True

    @rule()
    def wait_until_patience_ends(self) -> None:
        self.alter("UPDATE background_jobs SET published_at = published_at - interval '1 day'")
        for job in self.expected.values():
            job.is_published = False

    @invariant()
    def the_table_is_as_expected(self) -> None:
        with self.database.transaction(acting_for=SYSTEM) as tx:
            stored = {
                row.id: (row.status, row.attempts, row.snoozes, row.lease_token)
                for row in tx.session.scalars(select(BackgroundJob))
            }
            notes = tx.session.execute(text("SELECT job_id, lease_token FROM notes")).all()
        assert stored == {
            job_id: (job.status, job.attempts, job.snoozes, job.holder)
            for job_id, job in self.expected.items()
        }
        assert sorted(tuple(note) for note in notes) == sorted(
            (job_id, note) for job_id, job in self.expected.items() for note in job.notes
        )

    @invariant()
    def no_work_is_done_twice(self) -> None:
        for job in self.expected.values():
            assert len(job.notes) == int(job.status == JobStatus.SUCCEEDED)

    @override
    def teardown(self) -> None:
        """Nothing is lost: when all workers have vanished, time alone brings every job to its end."""
        self.alter("UPDATE background_jobs SET lease_expires_at = '-infinity' WHERE status = 'running'")
        self.relay.expire_leases()
        self.wait_until_every_job_is_due()
        self.wait_until_patience_ends()
        self.outbox.emptied()
        self.relay.publish_due()
        for job_id in self.outbox.emptied():
            assert run_job(self.database, job_id, WriteNote, self.notes.do)
        with self.database.transaction(acting_for=SYSTEM) as tx:
            ends = {row.id: row.status for row in tx.session.scalars(select(BackgroundJob))}
        assert ends.keys() == self.expected.keys()
        assert not set(ends.values()) & set(ACTIVE)
        for job_id, status in ends.items():
            assert len(self.notes.on(job_id)) == int(status == JobStatus.SUCCEEDED)

    def due(self) -> dict[UUID, Expected]:
        waiting = self.with_status(JobStatus.QUEUED)
        return {job_id: job for job_id, job in waiting.items() if job.is_due and not job.is_published}

    def with_status(self, status: JobStatus) -> dict[UUID, Expected]:
        return {job_id: job for job_id, job in self.expected.items() if job.status == status}

    def alter(self, statement: str) -> None:
        with self.database.transaction(acting_for=SYSTEM) as tx:
            tx.session.execute(text(statement))


def test_no_order_of_events_loses_a_job_or_does_it_twice(database: Database, notes: Notes) -> None:
    class HereJobTable(JobTable):
        def __init__(self) -> None:
            super().__init__(database, notes)

    # All phases but `explain`, which would take minutes after a failure.
    phases = (Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink)
    run_state_machine_as_test(
        HereJobTable, settings=hypothesis_settings(max_examples=30, stateful_step_count=40, phases=phases)
    )
