"""One attempt at a job: held by a lease token, and ended by exactly one fenced statement.

Whoever holds the token may write; a process that lost its lease (frozen, partitioned, too slow) finds its
token gone and can change nothing any more. Every moment is `clock_timestamp()` of PostgreSQL.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, NoReturn
from uuid import UUID

from sqlalchemy import Row, text

from spotify_insights.database.actor import SYSTEM, Actor
from spotify_insights.database.database import Database, Transaction, rows_changed
from spotify_insights.errors import ProductError
from spotify_insights.jobs.job import Job, JobStatus

LEASE: Final = timedelta(seconds=60)

_RENEW: Final = text("""
    UPDATE background_jobs
       SET lease_expires_at = least(clock_timestamp() + :lease, deadline_at)
     WHERE id = :job_id AND lease_token = :lease_token AND status = 'running'
       AND clock_timestamp() < deadline_at
 RETURNING cancel_requested
""")

_PROGRESS: Final = text("""
    UPDATE background_jobs
       SET progress = CAST(:progress AS jsonb)
     WHERE id = :job_id AND lease_token = :lease_token AND status = 'running'
 RETURNING cancel_requested
""")

_STANDING: Final = text("""
    SELECT cancel_requested FROM background_jobs
     WHERE id = :job_id AND lease_token = :lease_token AND status = 'running'
""")

# Shared: who wants to end or cancel the job waits until the step is stored.
_STANDING_STILL: Final = text(f"{_STANDING.text} FOR SHARE")

_SUCCEED: Final = text("""
    UPDATE background_jobs
       SET status = 'succeeded', result = CAST(:result AS jsonb), progress = NULL,
           lease_token = NULL, lease_expires_at = NULL,
           finished_at = clock_timestamp(),
           run_ms = extract(epoch FROM clock_timestamp() - started_at) * 1000
     WHERE id = :job_id AND lease_token = :lease_token AND status = 'running' AND NOT cancel_requested
""")

_END: Final = text("""
    UPDATE background_jobs
       SET status = :status, error = :error, error_code = :error_code, progress = NULL,
           lease_token = NULL, lease_expires_at = NULL,
           finished_at = clock_timestamp(),
           run_ms = extract(epoch FROM clock_timestamp() - started_at) * 1000
     WHERE id = :job_id AND lease_token = :lease_token AND status = 'running'
""")

# Put off once too often, or beyond the moment after which it may not begin: dead, for the reason given.
_AGAIN: Final = text("""
    WITH decided AS (
         SELECT id, CASE WHEN cancel_requested THEN 'cancelled'
                         WHEN :given_back = 1 AND snoozes >= :max_snoozes THEN 'dead'
                         WHEN clock_timestamp() + :wait > expires_at THEN 'dead'
                         ELSE 'queued' END AS status
           FROM background_jobs
          WHERE id = :job_id AND lease_token = :lease_token AND status = 'running'
            FOR UPDATE)
    UPDATE background_jobs job
       SET status = decided.status, error = :error, error_code = :error_code, progress = NULL,
           available_at = clock_timestamp() + :wait,
           published_at = NULL, publishes = 0,
           attempts = attempts - :given_back, snoozes = snoozes + :given_back,
           lease_token = NULL, lease_expires_at = NULL,
           finished_at = CASE WHEN decided.status <> 'queued' THEN clock_timestamp() END,
           run_ms = CASE WHEN decided.status <> 'queued'
                         THEN extract(epoch FROM clock_timestamp() - started_at) * 1000 END
      FROM decided WHERE job.id = decided.id
 RETURNING job.status
""")


class FencedError(ProductError):
    """The lease was lost: somebody else owns the job now, and nothing of this attempt was stored."""

    code = "fenced"

    def __init__(self) -> None:
        super().__init__("The lease of this job was lost; another attempt takes over.")


class JobCancelledError(ProductError):
    """Somebody asked for this job to be cancelled while it ran; nothing of this attempt was stored."""

    code = "cancelled"

    def __init__(self) -> None:
        super().__init__("The job was cancelled.")


@dataclass
class Completion:
    """The transaction that ends a job: put every effect into `tx` and the outcome into `result`."""

    tx: Transaction
    result: dict[str, Any]


@dataclass
class Attempt:
    """A claimed job. The token is the right to finish it."""

    database: Database
    job_id: UUID
    job: Job
    lease_token: UUID
    number: int
    max_attempts: int
    lease: timedelta = LEASE
    completed: bool = field(default=False, init=False)

    @property
    def actor(self) -> Actor:
        """On whose behalf this job works."""
        return Actor.listener(self.job.owner_id) if self.job.owner_id else SYSTEM

    @contextmanager
    def completion(self) -> Iterator[Completion]:
        """All effects of the job and its success in one transaction, guarded by the lease token.

        Raises:
            FencedError: the lease is gone; everything in the block is rolled back.
            JobCancelledError: a cancellation was asked for; everything in the block is rolled back.
        """
        with self.database.transaction(acting_for=self.actor) as tx:
            completion = Completion(tx=tx, result={})
            yield completion
            tx.session.flush()
            result = {"result": json.dumps(completion.result)}
            if rows_changed(tx.session, _SUCCEED, self._holder | result) != 1:
                self._refuse(tx.session.execute(_STANDING, self._holder).one_or_none())
        self.completed = True

    @contextmanager
    def step(self) -> Iterator[Transaction]:
        """One of several transactions of a long job: stored only while the job is ours and somebody wants it.

        Whoever cancels the job waits for the end of the step; after that no further one stores anything. It
        has to be short, because the heartbeat waits, too.

        Raises: as `checkpoint`; the block is not entered.
        """
        with self.database.transaction(acting_for=SYSTEM) as tx:
            self._go_on(tx.session.execute(_STANDING_STILL, self._holder).one_or_none())
            yield tx

    def checkpoint(self) -> None:
        """Stop here if nobody wants the rest any more; to be called between slow steps.

        Raises:
            FencedError: the lease is gone.
            JobCancelledError: a cancellation was asked for.
        """
        with self.database.transaction(acting_for=SYSTEM) as tx:
            standing = tx.session.execute(_STANDING, self._holder).one_or_none()
        self._go_on(standing)

    def progress(self, step: str, *, done: int, total: int) -> None:
        """Tell followers that `done` of `total` are through and `step` is next; a checkpoint, too.

        Raises: as `checkpoint`.
        """
        progress = {"progress": json.dumps({"step": step, "done": done, "total": total})}
        with self.database.transaction(acting_for=SYSTEM) as tx:
            standing = tx.session.execute(_PROGRESS, self._holder | progress).one_or_none()
        self._go_on(standing)

    def renew(self) -> bool:
        """Extend the lease, never beyond the deadline; say whether a cancellation was asked for.

        Raises:
            FencedError: the lease is gone or the deadline has passed.
        """
        with self.database.transaction(acting_for=SYSTEM) as tx:
            renewed = tx.session.execute(_RENEW, self._holder | {"lease": self.lease}).one_or_none()
        if renewed is None:
            raise FencedError
        return bool(renewed.cancel_requested)

    def end(self, status: JobStatus, *, error: str, error_code: str) -> None:
        """Record an end without success: `failed`, `dead` or `cancelled`.

        Raises:
            FencedError: the lease is gone.
        """
        ending = {"status": status.value, "error": error, "error_code": error_code}
        with self.database.transaction(acting_for=SYSTEM) as tx:
            if rows_changed(tx.session, _END, self._holder | ending) != 1:
                raise FencedError

    def again(self, *, wait: timedelta, error: str, error_code: str, consumes_attempt: bool) -> JobStatus:
        """Put the job back into its queue, due after `wait`; what became of it.

        Returns:
            `queued`; or `dead` where it was put off too often or would begin too late, or `cancelled` where
            that was asked for.

        Raises:
            FencedError: the lease is gone.
        """
        putting_back = {
            "wait": wait,
            "error": error,
            "error_code": error_code,
            "given_back": 0 if consumes_attempt else 1,
            "max_snoozes": self.job.max_snoozes,
        }
        with self.database.transaction(acting_for=SYSTEM) as tx:
            status = tx.session.scalar(_AGAIN, self._holder | putting_back)
            if status is None:
                raise FencedError
        return JobStatus(status)

    @property
    def _holder(self) -> dict[str, Any]:
        return {"job_id": self.job_id, "lease_token": self.lease_token}

    def _go_on(self, standing: Row[Any] | None) -> None:
        if standing is None or standing.cancel_requested:
            self._refuse(standing)

    def _refuse(self, standing: Row[Any] | None) -> NoReturn:
        raise FencedError if standing is None else JobCancelledError
