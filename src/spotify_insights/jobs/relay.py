"""The relay: hands committed jobs to the broker and takes back the leases of the dead.

Any number of relays may run; `SKIP LOCKED` lets each row be taken by one. A lost message, an emptied broker
or a relay that died half-way costs time and never a job, because rows stay due until a worker claims them.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol
from uuid import UUID

from celery import Celery
from kombu.exceptions import KombuError
from kombu.pools import producers
from redis.exceptions import RedisError
from sqlalchemy import text

from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.database import Database
from spotify_insights.errors import TemporaryError, UnavailableError
from spotify_insights.jobs.enqueue import RelayBell, relay_bell
from spotify_insights.observability import get_logger

_log = get_logger(__name__)
BATCH: Final = 500
PAUSE_AFTER_BROKER_FAILURE_SECONDS: Final = 1.0

# Patience with a published job that nobody claimed grows from 30 s to about half an hour: a long backlog must
# not fill the broker with copies, and a copy is harmless because its claim finds nothing to do.
_TAKE_DUE: Final = text("""
    UPDATE background_jobs SET published_at = clock_timestamp(), publishes = publishes + 1
     WHERE id IN (
           SELECT id FROM background_jobs
            WHERE status = 'queued' AND available_at <= clock_timestamp() AND NOT cancel_requested
              AND (published_at IS NULL
                   OR published_at + interval '15 s' * power(2, least(publishes, 7)) < clock_timestamp())
            ORDER BY available_at
            LIMIT :batch
              FOR UPDATE SKIP LOCKED)
 RETURNING id, task_name, queue
""")

_GIVE_BACK: Final = text("""
    UPDATE background_jobs SET published_at = NULL, publishes = greatest(publishes - 1, 0)
     WHERE id = ANY(:ids) AND status = 'queued'
""")

_FORGET_PUBLISHES: Final = text("""
    UPDATE background_jobs SET published_at = NULL, publishes = 0
     WHERE status = 'queued' AND published_at IS NOT NULL
""")

_EXPIRE_LEASES: Final = text("""
    WITH expired AS (
         SELECT id FROM background_jobs
          WHERE status = 'running' AND lease_expires_at < clock_timestamp()
          LIMIT :batch
            FOR UPDATE SKIP LOCKED)
    UPDATE background_jobs
       SET status = CASE WHEN attempts >= max_attempts THEN 'dead' ELSE 'queued' END,
           finished_at = CASE WHEN attempts >= max_attempts THEN clock_timestamp() END,
           error = 'The worker that ran this job stopped answering.',
           error_code = 'lease_expired',
           available_at = clock_timestamp(), published_at = NULL, publishes = 0,
           lease_token = NULL, lease_expires_at = NULL
     WHERE id IN (SELECT id FROM expired)
 RETURNING id, status
""")


@dataclass(frozen=True)
class DueJob:
    """What the broker is told about a job."""

    id: UUID
    task_name: str
    queue: str


class BrokerUnreachableError(TemporaryError):
    """The broker did not take the messages."""

    code = "broker_unreachable"


class Publisher(Protocol):
    """Sends nudges.

    Raises:
        BrokerUnreachableError: the broker did not take all of them; some may have arrived.
    """

    def publish(self, jobs: Sequence[DueJob]) -> None: ...


class CeleryPublisher:
    """Publishes over one pooled Celery connection; a broker that is down is reported at once."""

    def __init__(self, app: Celery) -> None:
        self._app = app
        # Left to itself kombu sleeps between several tries to connect; the relay comes again anyway.
        self._producers = producers[app.connection_for_write(transport_options={"max_retries": 0})]

    def publish(self, jobs: Sequence[DueJob]) -> None:
        """Send one message per job, its only argument the job's id."""
        try:
            with self._producers.acquire(block=True, timeout=5) as producer:
                for job in jobs:
                    self._app.send_task(
                        job.task_name, args=[str(job.id)], queue=job.queue, producer=producer, retry=False
                    )
        except (KombuError, RedisError, OSError) as error:
            raise BrokerUnreachableError(
                f"The broker does not take messages ({type(error).__name__}); jobs wait in the database."
            ) from error


class Relay:
    """One relay; `run` it in a thread, or call `publish_due` and `expire_leases` yourself."""

    def __init__(self, database: Database, publisher: Publisher, *, bell: RelayBell = relay_bell) -> None:
        self._database = database
        self._publisher = publisher
        self._bell = bell
        self._stopping = threading.Event()
        self._broker_failed = False

    def publish_due(self) -> int:
        """Publish one batch of due jobs; the number taken. On a broker failure they stay due at once.

        Raises:
            BrokerUnreachableError: the broker did not take them.
            UnavailableError: the database did not answer.
        """
        with self._database.transaction(acting_for=SYSTEM) as tx:
            rows = tx.session.execute(_TAKE_DUE, {"batch": BATCH}).all()
        jobs = [DueJob(id=row.id, task_name=row.task_name, queue=row.queue) for row in rows]
        if not jobs:
            return 0
        try:
            self._publisher.publish(jobs)
        except BaseException:
            with self._database.transaction(acting_for=SYSTEM) as tx:
                tx.session.execute(_GIVE_BACK, {"ids": [job.id for job in jobs]})
            raise
        return len(jobs)

    def expire_leases(self) -> int:
        """Queue again (or declare dead) every running job whose lease has run out; the number of them."""
        with self._database.transaction(acting_for=SYSTEM) as tx:
            rows: Sequence[Any] = tx.session.execute(_EXPIRE_LEASES, {"batch": BATCH}).all()
        for row in rows:
            _log.warning("lease_expired", job_id=str(row.id), now=row.status)
        return len(rows)

    def forget_publishes(self) -> None:
        """Make every queued job due for publishing: what was sent to a broker that failed may be gone."""
        with self._database.transaction(acting_for=SYSTEM) as tx:
            tx.session.execute(_FORGET_PUBLISHES)

    def run(self, *, poll_seconds: float = 1.0) -> None:
        """Relay until `stop`: woken by the bell, and every `poll_seconds` for rows of other processes."""
        while not self._stopping.is_set():
            wait = poll_seconds
            try:
                self.expire_leases()
                if self._broker_failed:
                    self.forget_publishes()
                while self.publish_due() == BATCH and not self._stopping.is_set():
                    pass
                self._broker_failed = False
            except BrokerUnreachableError as error:
                if not self._broker_failed:
                    _log.warning("broker_unreachable", error=error.message)
                self._broker_failed = True
                wait = max(poll_seconds, PAUSE_AFTER_BROKER_FAILURE_SECONDS)
            except UnavailableError:
                _log.warning("relay_without_database")
            except Exception:  # noqa: BLE001  # a relay that ends would strand every job
                _log.exception("relay_round_failed")
            self._bell.wait(wait)

    def stop(self) -> None:
        """End `run` after its present round."""
        self._stopping.set()
        self._bell.ring()
