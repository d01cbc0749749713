"""One attempt at a job: claimed with a lease token, and ended by exactly one fenced statement.

Whoever holds the token may write; a process that lost its lease (frozen, partitioned, too slow) finds its
token gone and can change nothing any more. Every moment is `clock_timestamp()` of PostgreSQL.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import Executable, text
from sqlalchemy.orm import Session

from spotify_insights.database.actor import SYSTEM, Actor
from spotify_insights.database.database import Database, Transaction, rows_changed
from spotify_insights.errors import ProductError
from spotify_insights.jobs.job import Job

LEASE: Final = timedelta(seconds=60)

_CLAIM: Final = text("""
    UPDATE background_jobs
       SET status = 'running',
           attempts = attempts + 1,
           lease_token = :lease_token,
           lease_expires_at = clock_timestamp() + least(:lease, :time_limit),
           deadline_at = clock_timestamp() + :time_limit,
           started_at = clock_timestamp(),
           error = NULL, error_code = NULL
     WHERE id = :job_id AND task_name = :task_name
       AND attempts < max_attempts
       AND NOT cancel_requested
       AND ((status = 'queued' AND available_at <= clock_timestamp())
            OR (status = 'running' AND lease_expires_at < clock_timestamp()))
 RETURNING owner_id, arguments, attempts, max_attempts
""")

_RENEW: Final = text("""
    UPDATE background_jobs
       SET lease_expires_at = least(clock_timestamp() + :lease, deadline_at)
     WHERE id = :job_id AND lease_token = :lease_token AND status = 'running'
       AND clock_timestamp() < deadline_at
 RETURNING cancel_requested
""")

_SUCCEED: Final = text("""
    UPDATE background_jobs
       SET status = 'succeeded', result = CAST(:result AS jsonb), progress = NULL,
           lease_token = NULL, lease_expires_at = NULL,
           finished_at = clock_timestamp(),
           run_ms = extract(epoch FROM clock_timestamp() - started_at) * 1000
     WHERE id = :job_id AND lease_token = :lease_token AND status = 'running'
""")

_FAIL: Final = text("""
    UPDATE background_jobs
       SET status = :status, error = :error, error_code = :error_code,
           lease_token = NULL, lease_expires_at = NULL,
           finished_at = clock_timestamp(),
           run_ms = extract(epoch FROM clock_timestamp() - started_at) * 1000
     WHERE id = :job_id AND lease_token = :lease_token AND status = 'running'
""")

_AGAIN: Final = text("""
    UPDATE background_jobs
       SET status = 'queued', error = :error, error_code = :error_code,
           available_at = clock_timestamp() + :wait,
           published_at = NULL, publishes = 0,
           attempts = attempts - :given_back, snoozes = snoozes + :given_back,
           lease_token = NULL, lease_expires_at = NULL
     WHERE id = :job_id AND lease_token = :lease_token AND status = 'running'
""")


class FencedError(ProductError):
    """The lease was lost: somebody else owns the job now, and nothing of this attempt was stored."""

    code = "fenced"

    def __init__(self) -> None:
        super().__init__("The lease of this job was lost; another attempt takes over.")


@dataclass
class Completion:
    """The transaction that ends a job: put every effect into `tx` and the outcome into `result`."""

    tx: Transaction
    result: dict[str, Any]


@dataclass(frozen=True)
class Attempt:
    """A claimed job. The token is the right to finish it."""

    database: Database
    job_id: UUID
    job: Job
    lease_token: UUID
    number: int
    max_attempts: int

    @property
    def actor(self) -> Actor:
        """On whose behalf this job works."""
        return Actor.listener(self.job.owner_id) if self.job.owner_id else SYSTEM

    @contextmanager
    def completion(self) -> Iterator[Completion]:
        """All effects of the job and its success in one transaction, guarded by the lease token.

        Raises:
            FencedError: the lease is gone; everything in the block is rolled back.
        """
        with self.database.transaction(acting_for=self.actor) as tx:
            completion = Completion(tx=tx, result={})
            yield completion
            tx.session.flush()
            self._fenced(tx.session, _SUCCEED, result=json.dumps(completion.result))

    def renew(self) -> bool:
        """Extend the lease, never beyond the deadline; say whether a cancellation was asked for.

        Raises:
            FencedError: the lease is gone or the deadline has passed.
        """
        with self.database.transaction(acting_for=SYSTEM) as tx:
            renewed = tx.session.execute(_RENEW, self._holder | {"lease": LEASE}).one_or_none()
            if renewed is None:
                raise FencedError
            return bool(renewed.cancel_requested)

    def end(self, *, status: str, error: str, error_code: str) -> None:
        """Record the final failure (`failed` or `dead`)."""
        with self.database.transaction(acting_for=SYSTEM) as tx:
            self._fenced(tx.session, _FAIL, status=status, error=error, error_code=error_code)

    def again(self, *, wait: timedelta, error: str, error_code: str, consumes_attempt: bool) -> None:
        """Put the job back into its queue, due after `wait`."""
        given_back = 0 if consumes_attempt else 1
        with self.database.transaction(acting_for=SYSTEM) as tx:
            self._fenced(
                tx.session, _AGAIN, wait=wait, error=error, error_code=error_code, given_back=given_back
            )

    @property
    def _holder(self) -> dict[str, UUID]:
        return {"job_id": self.job_id, "lease_token": self.lease_token}

    def _fenced(self, session: Session, statement: Executable, **parameters: Any) -> None:
        if rows_changed(session, statement, {**self._holder, **parameters}) != 1:
            raise FencedError


def claim(database: Database, job_id: UUID, job_type: type[Job]) -> Attempt | None:
    """Take the job for one attempt; None where there is nothing to do (done, held, not yet due, unknown).

    Messages may come twice, late, or for rows that are long gone: each of these is a None.
    """
    lease_token = uuid4()
    with database.transaction(acting_for=SYSTEM) as tx:
        row = tx.session.execute(
            _CLAIM,
            {
                "job_id": job_id,
                "task_name": job_type.task_name,
                "lease_token": lease_token,
                "lease": LEASE,
                "time_limit": job_type.time_limit,
            },
        ).one_or_none()
    if row is None:
        return None
    return Attempt(
        database=database,
        job_id=job_id,
        job=job_type.model_validate(row.arguments),
        lease_token=lease_token,
        number=row.attempts,
        max_attempts=row.max_attempts,
    )
