"""Asking for work: the job row is written in the caller's transaction and published after it."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from spotify_insights.database.database import Transaction
from spotify_insights.database.table import new_id
from spotify_insights.jobs.job import ACTIVE, Job, JobStatus
from spotify_insights.jobs.models import BackgroundJob

_ACTIVE: Final = tuple(status.value for status in ACTIVE)
# Written out, because psycopg prepares a statement that runs often and PostgreSQL then plans it once for all
# parameters: with parameters in this place it would no longer recognise the index.
_INDEX_OF_ACTIVE: Final = text("status IN ('queued', 'running') AND NOT cancel_requested")


class RelayBell:
    """Wakes the relay of this process after a commit; elsewhere the relay's own poll finds the row."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def ring(self) -> None:
        """There is something to publish."""
        self._event.set()

    def wait(self, seconds: float) -> None:
        """Return when rung, or after `seconds`."""
        self._event.wait(seconds)
        self._event.clear()


relay_bell = RelayBell()


def enqueue(
    tx: Transaction,
    job: Job,
    *,
    parent_id: UUID | None = None,
    delay: timedelta = timedelta(0),
    requested_by: UUID | None = None,
    if_new: Callable[[], None] | None = None,
) -> UUID:
    """Store `job` as queued and return its id; an active job that does the same work is joined instead.

    One whose cancellation was asked for is not joined: it will store nothing.

    Args:
        parent_id: the job that asks for it, whose progress then counts this one.
        delay: how long the job waits before it is due. A job that is joined keeps its own time and parent.
        requested_by: who may follow it besides its owner.
        if_new: what else belongs to a job that is not joined; an error of its own undoes the transaction.

    Nothing is sent to the broker here: the relay publishes what is committed, so a rolled-back request
    leaves no trace and a lost broker delays the work instead of losing it.
    """
    while True:
        inserted: UUID | None = tx.session.scalar(
            insert(BackgroundJob)
            .values(
                _columns(job, parent_id)
                | {"available_at": func.clock_timestamp() + delay, "requested_by": requested_by}
            )
            .on_conflict_do_nothing(
                index_elements=["task_name", "owner_id", "deduplication_key"],
                index_where=_INDEX_OF_ACTIVE,
            )
            .returning(BackgroundJob.id)
        )
        if inserted is not None:
            if if_new is not None:
                if_new()
            tx.at_end(relay_bell.ring)
            return inserted
        active = _active_job(tx.session, job)
        if active is not None:
            return active
        # The job that stood in the way ended between the two statements: the next insert succeeds.


def record_finished(tx: Transaction, job: Job, *, result: dict[str, Any]) -> UUID:
    """Store `job` as already done with `result`: for requests whose answer exists."""
    moment = func.clock_timestamp()
    return tx.session.scalars(
        insert(BackgroundJob)
        .values(
            _columns(job, None)
            | {
                "status": JobStatus.SUCCEEDED,
                "result": result,
                "started_at": moment,
                "finished_at": moment,
                "run_ms": 0,
            }
        )
        .returning(BackgroundJob.id)
    ).one()


def _columns(job: Job, parent_id: UUID | None) -> dict[str, Any]:
    return {
        "id": new_id(),
        "task_name": job.task_name,
        "queue": job.queue,
        "owner_id": job.owner_id,
        "parent_id": parent_id,
        "deduplication_key": job.deduplication_key,
        "arguments": job.arguments,
        "max_attempts": job.max_attempts,
        "expires_at": func.clock_timestamp() + job.expires_after,
    }


def _active_job(session: Session, job: Job) -> UUID | None:
    return session.scalar(
        select(BackgroundJob.id).where(
            BackgroundJob.task_name == job.task_name,
            BackgroundJob.owner_id.is_not_distinct_from(job.owner_id),
            BackgroundJob.deduplication_key == job.deduplication_key,
            BackgroundJob.status.in_(_ACTIVE),
            ~BackgroundJob.cancel_requested,
        )
    )
