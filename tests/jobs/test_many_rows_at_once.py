"""Orders that change many jobs at once do not run into each other."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

import pytest

from job_trials import Outbox, WriteNote
from jobs_inline import queued_jobs
from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.database import Database
from spotify_insights.jobs.attempt import FencedError
from spotify_insights.jobs.cancel import cancel_job
from spotify_insights.jobs.claim import claim
from spotify_insights.jobs.enqueue import enqueue
from spotify_insights.jobs.give_back import Reason, give_back
from spotify_insights.jobs.job import JobStatus
from spotify_insights.jobs.relay.relay import Relay
from spotify_insights.jobs.requeue import requeue_jobs

CHILDREN: Final = 200
SECONDS: Final = 15
WORKER: Final = "spotify@here"


@dataclass
class Operators:
    """Everybody who changes many jobs, each again and again."""

    database: Database
    parents: list[UUID]
    chance: random.Random

    def cancel(self) -> None:
        with self.database.transaction(acting_for=SYSTEM) as tx:
            cancel_job(tx, self.chance.choice(self.parents), acting_for=SYSTEM)
        time.sleep(0.05)  # jobs must live long enough to be claimed

    def requeue(self) -> None:
        with self.database.transaction(acting_for=SYSTEM) as tx:
            requeue_jobs(tx, status=JobStatus.CANCELLED, limit=2000)

    def work(self) -> None:
        waiting = queued_jobs(self.database)
        for row in self.chance.sample(waiting, min(5, len(waiting))):
            attempt = claim(self.database, row.id, WriteNote, worker=WORKER)
            if attempt is not None and self.chance.random() < 0.5:
                with suppress(FencedError):
                    attempt.again(
                        wait=timedelta(0), error="Not now.", error_code="later", consumes_attempt=False
                    )

    def give_all_back(self) -> None:
        give_back(self.database, worker=WORKER, reason=Reason.WORKER_STOPPED)
        time.sleep(0.02)  # as above


@pytest.mark.slow
def test_nobody_is_undone_for_the_order_in_which_rows_are_locked(database: Database) -> None:
    with database.transaction(acting_for=SYSTEM) as tx:
        parents = [enqueue(tx, WriteNote(about=f"family {family}")) for family in range(3)]
        for parent in parents:
            for number in range(CHILDREN):
                enqueue(tx, WriteNote(about=f"{parent} {number}"), parent_id=parent)
    people, relay = Operators(database, parents, random.Random(1)), Relay(database, Outbox())  # noqa: S311  # no secret
    done: Counter[str] = Counter()
    failed: list[Exception] = []
    ends_at = time.monotonic() + SECONDS

    def repeat(order: Callable[[], object]) -> None:
        while time.monotonic() < ends_at:
            try:
                order()
            except Exception as error:  # noqa: BLE001  # whatever it is, the test shows it
                failed.append(error)
            else:
                done[getattr(order, "__name__", "")] += 1

    orders = (people.cancel, people.requeue, people.requeue, people.work, people.work, people.give_all_back)
    chores = (relay.publish_due, relay.forget_publishes, relay.expire_leases)
    threads = [threading.Thread(target=repeat, args=(order,)) for order in (*orders, *chores)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [(type(error), error.__cause__) for error in failed] == []
    assert len(done) == len({*orders, *chores})
