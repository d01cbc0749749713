"""For tests of jobs: work whose effect can be counted, a hand on the database's clock, a broker."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar, TypeVar
from uuid import UUID

import psycopg
from sqlalchemy import DateTime, func, select, text, update
from typing_extensions import override

from server_trials import eventually
from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.database import Database, Transaction
from spotify_insights.jobs.attempt import Attempt
from spotify_insights.jobs.claim import claim
from spotify_insights.jobs.enqueue import enqueue
from spotify_insights.jobs.job import Job, Queue
from spotify_insights.jobs.models import BackgroundJob
from spotify_insights.jobs.relay.publisher import DueJob

T = TypeVar("T")

A_SECOND = timedelta(seconds=1)
AN_HOUR = timedelta(hours=1)


class WriteNote(Job):
    """Work of the installation itself: it has no owner."""

    task_name: ClassVar[str] = "scheduled.write_note"
    queue: ClassVar[Queue] = Queue.SCHEDULED
    max_attempts: ClassVar[int] = 3
    about: str = "the weather"


class WritePersonalNote(WriteNote):
    """Work for one listener."""

    task_name: ClassVar[str] = "spotify.write_personal_note"
    queue: ClassVar[Queue] = Queue.SPOTIFY
    user_id: UUID

    @property
    @override
    def owner_id(self) -> UUID | None:
        return self.user_id


@dataclass(frozen=True)
class Notes:
    """The effect of these jobs: a table in which every attempt that did the work leaves its lease token."""

    database: Database

    def write(self, tx: Transaction, attempt: Attempt) -> None:
        tx.session.execute(
            text("INSERT INTO notes (job_id, lease_token) VALUES (:job_id, :lease_token)"),
            {"job_id": attempt.job_id, "lease_token": attempt.lease_token},
        )

    def do(self, attempt: Attempt, _job: WriteNote) -> None:
        """The handler of both kinds of job."""
        with attempt.completion() as completion:
            self.write(completion.tx, attempt)

    def on(self, job_id: UUID) -> list[UUID]:
        """The tokens of the attempts whose work on this job is stored."""
        with self.database.transaction(acting_for=SYSTEM) as tx:
            statement = text("SELECT lease_token FROM notes WHERE job_id = :job_id ORDER BY number")
            return list(tx.session.scalars(statement, {"job_id": job_id}))


@dataclass
class Outbox:
    """A broker that keeps the messages it is given; while `failure` is set it raises that instead."""

    jobs: list[DueJob] = field(default_factory=list)
    failure: Exception | None = None
    refusals: int = 0
    has_memory: bool = True

    def publish(self, jobs: Sequence[DueJob]) -> None:
        if self.failure is not None:
            self.refusals += 1
            raise self.failure
        self.jobs.extend(jobs)

    def remembers(self) -> bool:
        if self.failure is not None:
            self.refusals += 1
            raise self.failure
        return self.has_memory

    def remember(self) -> None:
        self.has_memory = True

    def lose_everything(self) -> None:
        """As a broker that restarts without its data."""
        self.jobs.clear()
        self.has_memory = False

    @property
    def ids(self) -> list[UUID]:
        """Whom the messages are about; the order of one batch says nothing."""
        return sorted(job.id for job in self.jobs)

    def emptied(self) -> list[UUID]:
        """As `ids`; forgets them."""
        ids = self.ids
        self.jobs.clear()
        return ids


def enqueued(database: Database, job: Job) -> UUID:
    with database.transaction(acting_for=SYSTEM) as tx:
        return enqueue(tx, job)


def claimed(database: Database, job_id: UUID, job_type: type[Job] = WriteNote) -> Attempt:
    attempt = claim(database, job_id, job_type)
    assert attempt is not None
    return attempt


def set_from_now(database: Database, job_id: UUID, **moments: timedelta) -> None:
    """Put each of these columns of the job at the database's present plus so much."""
    present = func.clock_timestamp(type_=DateTime(timezone=True))
    values = {column: present + distance for column, distance in moments.items()}
    with database.transaction(acting_for=SYSTEM) as tx:
        tx.session.execute(update(BackgroundJob).where(BackgroundJob.id == job_id).values(values))


def expire_lease(database: Database, job_id: UUID) -> None:
    set_from_now(database, job_id, lease_expires_at=-A_SECOND)


def present(database: Database) -> datetime:
    """What time it is for the database."""
    with database.transaction(acting_for=SYSTEM) as tx:
        moment: datetime = tx.session.execute(select(func.clock_timestamp())).scalar_one()
        return moment


def at_once(times: int, action: Callable[[threading.Barrier], T]) -> list[T]:
    """Run `action` in that many threads; it waits at the barrier for the others when it is prepared."""
    barrier = threading.Barrier(times, timeout=20)
    with ThreadPoolExecutor(times) as pool:
        return [future.result(timeout=30) for future in [pool.submit(action, barrier) for _ in range(times)]]


def somebody_waits_for_a_lock(database: Database, *, within: float = 30.0) -> bool:
    """Whether, soon (seconds), a statement in this database waits for another transaction to end."""
    # Of whom the roles of the product are told less.
    waiting = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )

    def seen() -> bool:
        with psycopg.connect(database.url) as connection:
            row = connection.execute(waiting).fetchone()
        return row is not None and bool(row[0])

    return eventually(seen, within=within)
