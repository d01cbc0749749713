"""The relay: hands committed jobs to the broker, takes back the leases of the dead, fires due slots, tidies.

Any number of relays may run; `SKIP LOCKED` lets each row be taken by one. A lost message, an emptied broker
or a relay that died half-way costs time and never a job, because rows stay due until a worker claims them.
"""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Final

from sqlalchemy import TextClause, text

from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.database import Database, Transaction, rows_changed
from spotify_insights.errors import UnavailableError
from spotify_insights.jobs.enqueue import RelayBell, relay_bell
from spotify_insights.jobs.relay import metrics
from spotify_insights.jobs.relay.expiry import bury_unbegun, expire_leases
from spotify_insights.jobs.relay.publisher import BrokerUnreachableError, DueJob, Publisher
from spotify_insights.jobs.slots import Schedule, fire_due
from spotify_insights.observability import get_logger

_log = get_logger(__name__)
BATCH: Final = 500
FORGET_BATCH: Final = 5000
STALE_EVERY_SECONDS: Final = 5.0
PAUSE_AFTER_BROKER_FAILURE_SECONDS: Final = 1.0
TIDY_EVERY_SECONDS: Final = 60.0
WATCH_EVERY_SECONDS: Final = 300.0

Purge = Callable[[Transaction], Mapping[str, int]]
"""Deletes one bounded batch of what is short-lived; how much of which."""


def _take(condition: str) -> TextClause:
    """The statement that marks one batch of due jobs as published.

    By `statement_timestamp()`, because a clock that changes from row to row cannot bound an index scan.
    """
    return text(f"""
    WITH due AS MATERIALIZED (
         SELECT id FROM background_jobs
          WHERE status = 'queued' AND available_at <= statement_timestamp() AND {condition}
          ORDER BY available_at
          LIMIT :batch
            FOR UPDATE SKIP LOCKED)
    UPDATE background_jobs job
       SET published_at = clock_timestamp(), publishes = publishes + 1
      FROM due WHERE job.id = due.id
 RETURNING job.id, job.task_name, job.queue, job.publishes
""")  # noqa: S608  # only the two constants below are put in


_TAKE_DUE: Final = _take("published_at IS NULL")
# Patience with a published job that nobody claimed grows from 10 s to about twenty minutes: a lost message is
# soon replaced, and a long backlog does not fill the broker with copies. A copy is harmless, for its claim
# finds nothing to do.
_TAKE_STALE: Final = _take(
    "published_at + interval '5 s' * power(2, least(publishes, 8)) < statement_timestamp()"
)

_GIVE_BACK: Final = text("""
    WITH refused AS MATERIALIZED (
         SELECT id FROM background_jobs WHERE id = ANY(:ids) AND status = 'queued'
          ORDER BY id
            FOR UPDATE)
    UPDATE background_jobs job
       SET published_at = NULL, publishes = greatest(publishes - 1, 0)
      FROM refused WHERE job.id = refused.id
""")

# A row that somebody holds is about to change anyway.
_FORGET_PUBLISHES: Final = text("""
    WITH told AS MATERIALIZED (
         SELECT id FROM background_jobs
          WHERE status = 'queued' AND published_at IS NOT NULL AND published_at < :before
          LIMIT :batch
            FOR UPDATE SKIP LOCKED)
    UPDATE background_jobs job
       SET published_at = NULL, publishes = 0
      FROM told WHERE job.id = told.id
""")
_PRESENT: Final = text("SELECT clock_timestamp()")


class Relay:
    """One relay: `run` it in a thread, or call its steps yourself.

    Args:
        purge: deletes a batch of what is short-lived, about once a minute.
        watch: looks for trouble now and then, as the monitor's job does, which cannot tell of its own queue.
    """

    def __init__(
        self,
        database: Database,
        publisher: Publisher,
        *,
        schedule: Schedule | None = None,
        purge: Purge | None = None,
        watch: Callable[[], object] | None = None,
        bell: RelayBell = relay_bell,
    ) -> None:
        self._database = database
        self._publisher = publisher
        self._schedule = schedule or {}
        self._purge = purge
        self._watch = watch
        self._bell = bell
        self._stopping = threading.Event()
        self._broker_failed = False
        # A broker that is new to us may well be new altogether.
        self._broker_is_known = False
        self._must_forget = False
        self._keep_house_at = self._stale_at = self._tidy_at = time.monotonic()
        self._watch_at = time.monotonic() + WATCH_EVERY_SECONDS

    def publish_due(self) -> int:
        """Publish one batch of due jobs; the number taken. On a broker failure they stay due at once.

        Raises:
            BrokerUnreachableError: the broker did not take them.
            UnavailableError: the database did not answer.
        """
        return self._publish(_TAKE_DUE)

    def publish_stale(self) -> int:
        """Publish one batch of jobs again that nobody has claimed for longer than patience allows.

        Raises: as `publish_due`.
        """
        return self._publish(_TAKE_STALE)

    def expire_leases(self) -> int:
        """Queue again, or end, every running job whose lease has run out; the number of them."""
        with self._database.transaction(acting_for=SYSTEM) as tx:
            became = expire_leases(tx.session)
        for status, number in became.items():
            metrics.LEASES_EXPIRED.labels(status.value).inc(number)
        return became.total()

    def fire_due_slots(self) -> list[str]:
        """Fire what the schedule holds due, whether a beat runs or not; the names of what was fired."""
        fired = fire_due(self._database, self._schedule) if self._schedule else []
        for name in fired:
            metrics.SLOTS_FIRED.labels(name).inc()
        return fired

    def forget_publishes(self) -> None:
        """Make every queued job due for publishing: what was sent to a broker that failed may be gone."""
        with self._database.transaction(acting_for=SYSTEM) as tx:
            before = tx.session.scalar(_PRESENT)
        forgotten = FORGET_BATCH
        while forgotten == FORGET_BATCH:
            with self._database.transaction(acting_for=SYSTEM) as tx:
                given = {"before": before, "batch": FORGET_BATCH}
                forgotten = rows_changed(tx.session, _FORGET_PUBLISHES, given)

    def tidy(self) -> None:
        """Bury jobs that could not begin in time, and delete one batch of what is short-lived."""
        with self._database.transaction(acting_for=SYSTEM) as tx:
            bury_unbegun(tx.session)
        if self._purge is not None:
            with self._database.transaction(acting_for=SYSTEM) as tx:
                self._purge(tx)

    def run(self, *, poll_seconds: float = 1.0) -> None:
        """Relay until `stop`: woken by the bell, and every `poll_seconds` for everything else."""
        while not self._stopping.is_set():
            if time.monotonic() >= self._keep_house_at:
                self._keep_house_at = time.monotonic() + poll_seconds
                for chore in (
                    self.expire_leases,
                    self.fire_due_slots,
                    self._tidy_now_and_then,
                    self._watch_now_and_then,
                    self._check_broker,
                    self._publish_stale_now_and_then,
                ):
                    self._guarded(chore)
            if not self._broker_failed:
                self._guarded(self._publish_all)
            if self._broker_failed:
                # Not by the bell: requests that keep coming must not make us hammer a broker that is down.
                self._stopping.wait(PAUSE_AFTER_BROKER_FAILURE_SECONDS)
                self._keep_house_at = time.monotonic()
            else:
                self._bell.wait(max(0.0, self._keep_house_at - time.monotonic()))

    def stop(self) -> None:
        """End `run` after its present round."""
        self._stopping.set()
        self._bell.ring()

    def _publish(self, take: TextClause) -> int:
        with self._database.transaction(acting_for=SYSTEM) as tx:
            rows = tx.session.execute(take, {"batch": BATCH}).all()
        if not rows:
            return 0
        try:
            self._publisher.publish(
                [DueJob(id=row.id, task_name=row.task_name, queue=row.queue) for row in rows]
            )
        except BaseException:
            with self._database.transaction(acting_for=SYSTEM) as tx:
                tx.session.execute(_GIVE_BACK, {"ids": [row.id for row in rows]})
            raise
        for row in rows:
            metrics.PUBLISHED.labels(row.queue).inc()
            if row.publishes > 1:
                metrics.REPUBLISHED.labels(row.queue).inc()
        return len(rows)

    def _publish_all(self) -> None:
        """Publish what is due until the next chores: a backlog must not starve them."""
        while self.publish_due() == BATCH and time.monotonic() < self._keep_house_at:
            if self._stopping.is_set():
                return

    def _publish_stale_now_and_then(self) -> None:
        if not self._broker_failed and time.monotonic() >= self._stale_at:
            self._stale_at = time.monotonic() + STALE_EVERY_SECONDS
            self.publish_stale()

    def _tidy_now_and_then(self) -> None:
        if time.monotonic() >= self._tidy_at:
            self._tidy_at = time.monotonic() + TIDY_EVERY_SECONDS
            self.tidy()

    def _watch_now_and_then(self) -> None:
        if self._watch is not None and time.monotonic() >= self._watch_at:
            self._watch_at = time.monotonic() + WATCH_EVERY_SECONDS
            self._watch()

    def _check_broker(self) -> None:
        """Notice a broker that is away, and one that came back without what it held."""
        remembers = self._publisher.remembers()
        self._must_forget = self._must_forget or self._broker_failed or not remembers
        if self._must_forget:
            self.forget_publishes()
        if not remembers:
            # Not before the jobs are due again: nobody else would notice that they have to be.
            self._publisher.remember()
            if self._broker_is_known:
                _log.warning("broker_lost_its_messages")
                metrics.BROKER_LOSSES.inc()
        self._broker_is_known, self._broker_failed, self._must_forget = True, False, False

    def _guarded(self, step: Callable[[], object]) -> None:
        """Run one step of a round; a relay that ended with it would strand every job."""
        try:
            step()
        except BrokerUnreachableError as error:
            metrics.BROKER_FAILURES.inc()
            if not self._broker_failed:
                _log.warning("broker_unreachable", error=error.message)
            self._broker_failed = True
        except UnavailableError:
            _log.warning("relay_without_database")
        except Exception:  # noqa: BLE001  # whatever it was, the next round may do better
            _log.exception("relay_step_failed")
