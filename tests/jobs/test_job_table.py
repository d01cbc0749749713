"""The job table against a model: whatever happens, in whatever order, no effect twice and no job lost."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final
from uuid import UUID

import pytest
from hypothesis import Phase
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    multiple,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select
from typing_extensions import override

from job_model import Expected, JobBooks
from job_trials import A_SECOND, AN_HOUR, Notes, WriteNote, enqueued, set_from_now
from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.database import Database
from spotify_insights.errors import ConflictError, PermanentError, ProductError, SnoozeError, TemporaryError
from spotify_insights.jobs.attempt import Attempt, FencedError, JobCancelledError
from spotify_insights.jobs.cancel import Cancellation, cancel_job
from spotify_insights.jobs.claim import claim
from spotify_insights.jobs.enqueue import enqueue
from spotify_insights.jobs.job import ACTIVE, JobStatus
from spotify_insights.jobs.models import BackgroundJob
from spotify_insights.jobs.relay.publisher import BrokerUnreachableError
from spotify_insights.jobs.requeue import UNSUCCESSFUL, requeue_job
from spotify_insights.jobs.run import run_job

PERMANENT: Final = PermanentError("It never works.")
TEMPORARY: Final = TemporaryError("It does not work now.")
SNOOZE: Final = SnoozeError("Not now.", wait=AN_HOUR)


class JobTable(JobBooks):
    """Requests, workers (some of them zombies), the relay and the passing of time, in any order."""

    jobs = Bundle("jobs")
    attempts = Bundle("attempts")

    @rule(target=jobs, about=st.sampled_from(["rain", "sun"]))
    def enqueue(self, about: str) -> UUID:
        return self.requested(about)

    def requested(self, about: str) -> UUID:
        job_id = enqueued(self.database, WriteNote(about=about))
        active = [
            known for known, job in self.expected.items() if job.about == about and job.stands_for_its_work
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
        if job.cancel_requested:
            with pytest.raises(JobCancelledError):
                self.notes.do(attempt, WriteNote())
            return
        self.notes.do(attempt, WriteNote())
        job.notes.append(attempt.lease_token)
        job.end(JobStatus.SUCCEEDED)

    @rule(attempt=attempts)
    def reach_a_checkpoint(self, attempt: Attempt) -> None:
        job = self.expected[attempt.job_id]
        if job.holder != attempt.lease_token:
            with pytest.raises(FencedError):
                attempt.checkpoint()
        elif job.cancel_requested:
            with pytest.raises(JobCancelledError):
                attempt.progress("writing", done=1, total=2)
        else:
            attempt.progress("writing", done=1, total=2)

    @rule(attempt=attempts, consumes_attempt=st.booleans())
    def put_back(self, attempt: Attempt, *, consumes_attempt: bool) -> None:
        job = self.expected[attempt.job_id]

        def again() -> JobStatus:
            return attempt.again(
                wait=AN_HOUR, error="Not now.", error_code="later", consumes_attempt=consumes_attempt
            )

        if job.holder != attempt.lease_token:
            with pytest.raises(FencedError):
                again()
            return
        became = again()
        job.attempts -= int(not consumes_attempt)
        job.snoozes += int(not consumes_attempt)
        if job.cancel_requested:
            job.end(JobStatus.CANCELLED)
        else:
            job.return_to_queue(is_due=False)
        assert became == job.status

    @rule(job_id=jobs)
    def cancel(self, job_id: UUID) -> None:
        job = self.expected[job_id]
        with self.database.transaction(acting_for=SYSTEM) as tx:
            met = cancel_job(tx, job_id, acting_for=SYSTEM)
        match job.status:
            case JobStatus.QUEUED:
                assert met == Cancellation.CANCELLED
                job.cancel_requested = True
                job.end(JobStatus.CANCELLED)
            case JobStatus.RUNNING:
                assert met == Cancellation.REQUESTED
                job.cancel_requested = True
            case JobStatus.CANCELLED:
                assert met == Cancellation.CANCELLED
            case _:
                assert met == Cancellation.ENDED_ALREADY

    @rule(job_id=jobs)
    def requeue(self, job_id: UUID) -> None:
        job = self.expected[job_id]
        twin_is_active = any(
            other.about == job.about and other.stands_for_its_work for other in self.expected.values()
        )
        with self.database.transaction(acting_for=SYSTEM) as tx:
            if job.status not in UNSUCCESSFUL or twin_is_active:
                with pytest.raises(ConflictError):
                    requeue_job(tx, job_id)
            else:
                requeue_job(tx, job_id)
                job.begin_afresh()

    @rule(attempt=attempts)
    def fail(self, attempt: Attempt) -> None:
        job = self.expected[attempt.job_id]
        if job.holder != attempt.lease_token:
            with pytest.raises(FencedError):
                attempt.end(JobStatus.FAILED, error="It never works.", error_code="permanent")
            return
        attempt.end(JobStatus.FAILED, error="It never works.", error_code="permanent")
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
        assert self.publish() == len(due)
        assert self.outbox.emptied() == sorted(due)
        for job in due.values():
            job.is_published = True

    def publish(self) -> int:
        return self.relay.publish_due() + self.relay.publish_stale()

    @rule()
    def relay_meets_a_broker_that_is_away(self) -> None:
        self.outbox.failure = BrokerUnreachableError("The broker is away.")
        if self.due():
            with pytest.raises(BrokerUnreachableError):
                self.publish()
        else:
            assert self.publish() == 0
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

    @override
    def teardown(self) -> None:
        """Nothing is lost: when all workers have vanished, time alone brings every job to its end."""
        self.alter("UPDATE background_jobs SET lease_expires_at = '-infinity' WHERE status = 'running'")
        self.relay.expire_leases()
        self.wait_until_every_job_is_due()
        self.wait_until_patience_ends()
        self.outbox.emptied()
        self.publish()
        for job_id in self.outbox.emptied():
            assert run_job(self.database, job_id, WriteNote, self.notes.do)
        with self.database.transaction(acting_for=SYSTEM) as tx:
            ends = {row.id: row.status for row in tx.session.scalars(select(BackgroundJob))}
        assert ends.keys() == self.expected.keys()
        assert not set(ends.values()) & set(ACTIVE)
        for job_id, status in ends.items():
            assert len(self.notes.on(job_id)) == int(status == JobStatus.SUCCEEDED)


def test_no_order_of_events_loses_a_job_or_does_it_twice(database: Database, notes: Notes) -> None:
    class HereJobTable(JobTable):
        def __init__(self) -> None:
            super().__init__(database, notes)

    # All phases but `explain`, which would take minutes after a failure.
    phases = (Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink)
    run_state_machine_as_test(
        HereJobTable, settings=hypothesis_settings(max_examples=30, stateful_step_count=40, phases=phases)
    )
