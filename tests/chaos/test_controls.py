"""Each wall of the protocol taken away in the same few steps: without it the suite finds a broken promise.

`dev.py chaos --controls` is the long version: it leaves it to load and faults to bring such steps about.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import psycopg
import pytest
from typing_extensions import override

from chaos import records
from chaos.controls import BREAKS
from chaos.jobs import SpotifyWork, do
from chaos.ledger import Ledger
from chaos.mutations import Without, taken_away
from chaos.verdict import Finding, judge
from conftest import Servers
from fresh_database import fresh_database
from job_trials import Outbox, claimed, enqueued, expire_lease
from server_trials import eventually
from spotify_insights.database.database import Database
from spotify_insights.database.upgrade import upgrade_database
from spotify_insights.jobs.attempt import Attempt, FencedError
from spotify_insights.jobs.claim import claim
from spotify_insights.jobs.enqueue import RelayBell
from spotify_insights.jobs.relay.publisher import DueJob
from spotify_insights.jobs.relay.relay import Relay

WORK: Final = SpotifyWork(name="the same")
ROUNDS = 20
NOTES = "chaos_starts, chaos_effects, chaos_cancellations, chaos_breaches"


class CountingBell(RelayBell):
    """Counts how often a relay has come to the end of a round."""

    rounds = 0

    @override
    def wait(self, seconds: float) -> None:
        self.rounds += 1
        super().wait(seconds)


@pytest.fixture(scope="module")
def watched_url(servers: Servers) -> Iterator[str]:
    """A database in which the suite writes down what happens."""
    with fresh_database(servers.database_url) as url:
        upgrade_database(url)
        records.prepare(url)
        yield url


@pytest.fixture
def watched(watched_url: str) -> Iterator[Database]:
    with psycopg.connect(watched_url) as connection:
        connection.execute(f"TRUNCATE background_jobs, {NOTES} CASCADE".encode())
    database = Database(watched_url, application_name="controls")
    yield database
    database.close()


def carried_out(attempt: Attempt) -> None:
    do(attempt, WORK)


def a_zombie_comes_back(database: Database) -> set[UUID]:
    """It stood still beyond its lease, and another attempt has done the work."""
    job_id = enqueued(database, WORK)
    zombie = claimed(database, job_id, SpotifyWork)
    expire_lease(database, job_id)
    carried_out(claimed(database, job_id, SpotifyWork))
    with contextlib.suppress(FencedError):
        carried_out(zombie)
    return {job_id}


def a_message_is_lost(database: Database) -> set[UUID]:
    """A request tells the broker itself, the broker forgets it, and relays have many rounds to notice."""
    job_id, outbox, bell = enqueued(database, WORK), Outbox(), CountingBell()
    outbox.publish([DueJob(job_id, WORK.task_name, WORK.queue)])
    outbox.lose_everything()
    relay = Relay(database, outbox, bell=bell)
    thread = threading.Thread(target=relay.run, kwargs={"poll_seconds": 0.01})
    thread.start()
    try:
        assert eventually(lambda: bell.rounds >= ROUNDS)
    finally:
        relay.stop()
        thread.join(10)
    for told in outbox.jobs:
        carried_out(claimed(database, told.id, SpotifyWork))
    return {job_id}


def two_ask_for_the_same(database: Database) -> set[UUID]:
    """The second asks while the first one's job waits; what there is then is done."""
    tasks = {enqueued(database, WORK), enqueued(database, WORK)}
    with psycopg.connect(database.url) as connection:
        # So long ago that no account can take the two for one after the other.
        connection.execute("UPDATE background_jobs SET queued_at = queued_at - interval '5 s'")
    for job_id in tasks:
        carried_out(claimed(database, job_id, SpotifyWork))
    return tasks


def a_message_arrives_twice(database: Database) -> set[UUID]:
    """The second finds a job that runs, and whose lease is alive."""
    job_id = enqueued(database, WORK)
    first = claimed(database, job_id, SpotifyWork)
    carried_out(claim(database, job_id, SpotifyWork) or first)
    return {job_id}


STORIES: Final[dict[Without, Callable[[Database], set[UUID]]]] = {
    Without.FENCE: a_zombie_comes_back,
    Without.RELAY: a_message_is_lost,
    Without.UNIQUE_INDEX: two_ask_for_the_same,
    Without.LEASE_CHECK: a_message_arrives_twice,
}


@contextlib.contextmanager
def without_its_index(url: str) -> Iterator[None]:
    """What a process of the suite cannot take away by itself."""
    query = "SELECT indexdef FROM pg_indexes WHERE indexname = 'uq_background_jobs_active'"
    with psycopg.connect(url) as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    records.drop_unique_index(url)
    try:
        yield
    finally:
        with psycopg.connect(url) as connection:
            connection.execute("TRUNCATE background_jobs CASCADE")
            connection.execute(row[0])


def findings_after(story: Callable[[Database], set[UUID]], database: Database) -> set[Finding]:
    ledger, moment = Ledger(), datetime.now(UTC)
    for task_id in story(database):
        ledger.accept(task_id, asked_at=0.0)
    # No moment of the schedule lies between the two.
    return set(judge(records.read_records(database.url), ledger, began=moment, ended=moment).findings)


@pytest.mark.parametrize("without", Without)
def test_with_every_wall_in_its_place_nothing_is_found(without: Without, watched: Database) -> None:
    assert findings_after(STORIES[without], watched) == set()


@pytest.mark.parametrize("without", Without)
def test_without_one_wall_the_same_steps_break_the_promise_that_it_guards(
    without: Without, watched: Database
) -> None:
    with contextlib.ExitStack() as gone:
        if without is Without.UNIQUE_INDEX:
            gone.enter_context(without_its_index(watched.url))
        gone.enter_context(taken_away(without))
        found = findings_after(STORIES[without], watched)

    assert BREAKS[without] in found
