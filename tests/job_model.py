"""Jobs as they ought to be after whatever happened to them, and the comparison with the job table."""

from dataclasses import dataclass, field
from uuid import UUID

from hypothesis.stateful import RuleBasedStateMachine, invariant
from sqlalchemy import select, text

from job_trials import Notes, Outbox, WriteNote
from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.database import Database
from spotify_insights.jobs.job import ACTIVE, JobStatus
from spotify_insights.jobs.models import BackgroundJob
from spotify_insights.jobs.relay.relay import Relay


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
    cancel_requested: bool = False
    notes: list[UUID] = field(default_factory=list)

    @property
    def may_be_claimed(self) -> bool:
        if self.attempts == WriteNote.max_attempts or self.cancel_requested:
            return False
        if self.status == JobStatus.RUNNING:
            return self.lease_has_expired
        return self.status == JobStatus.QUEUED and self.is_due

    @property
    def stands_for_its_work(self) -> bool:
        """Whether a request for the same work joins it."""
        return self.status in ACTIVE and not self.cancel_requested

    def begin(self, holder: UUID) -> None:
        self.status, self.holder, self.lease_has_expired = JobStatus.RUNNING, holder, False
        self.attempts += 1

    def end(self, status: JobStatus) -> None:
        self.status, self.holder = status, None

    def return_to_queue(self, *, is_due: bool) -> None:
        self.end(JobStatus.QUEUED)
        self.is_due, self.is_published = is_due, False

    def begin_afresh(self) -> None:
        self.attempts = self.snoozes = 0
        self.cancel_requested = False
        self.return_to_queue(is_due=True)

    def fail_temporarily(self, *, is_due: bool) -> None:
        if self.cancel_requested:
            self.end(JobStatus.CANCELLED)
        elif self.attempts == WriteNote.max_attempts:
            self.end(JobStatus.DEAD)
        else:
            self.return_to_queue(is_due=is_due)


class JobBooks(RuleBasedStateMachine):
    """What every job ought to be, kept beside the table and compared with it after each step."""

    def __init__(self, database: Database, notes: Notes) -> None:
        super().__init__()
        self.database, self.notes = database, notes
        self.outbox = Outbox()
        self.relay = Relay(database, self.outbox)
        self.expected: dict[UUID, Expected] = {}
        self.alter("DELETE FROM background_jobs")
        self.alter("DELETE FROM notes")

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

    def due(self) -> dict[UUID, Expected]:
        waiting = self.with_status(JobStatus.QUEUED)
        return {job_id: job for job_id, job in waiting.items() if job.is_due and not job.is_published}

    def with_status(self, status: JobStatus) -> dict[UUID, Expected]:
        return {job_id: job for job_id, job in self.expected.items() if job.status == status}

    def alter(self, statement: str) -> None:
        with self.database.transaction(acting_for=SYSTEM) as tx:
            tx.session.execute(text(statement))
