"""Messages stay in Redis until a worker can start them, and a worker that stops takes none along."""

import base64
import json

import pytest
import redis
from sqlalchemy import text

from job_trials import Notes, enqueued
from server_trials import eventually
from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.database import Database
from spotify_insights.jobs.job import JobStatus
from worker_trials import Act, Stage, running_relay

_WITH_STATUS = text("SELECT id::text FROM background_jobs WHERE status = :status")


def jobs_that_are(status: JobStatus, database: Database) -> set[str]:
    with database.transaction(acting_for=SYSTEM) as tx:
        return set(tx.session.scalars(_WITH_STATUS, {"status": status}))


def jobs_told_of(client: redis.Redis) -> set[str]:
    """The jobs that the messages in the queue are about."""
    messages = [json.loads(message) for message in client.lrange("spotify", 0, -1)]
    return {json.loads(base64.b64decode(message["body"]))[0][0] for message in messages}


@pytest.mark.slow
def test_a_busy_worker_leaves_waiting_jobs_to_others(stage: Stage, database: Database, notes: Notes) -> None:
    url = stage.settings.redis_url.get_secret_value()
    with stage.worker() as busy, redis.Redis.from_url(url) as client, running_relay(database, stage.settings):
        enqueued(database, Act(name="long", deeds=("hold",)))
        stage.begins("long")
        waiting = [enqueued(database, Act(name=f"waiting {number}")) for number in range(3)]
        assert eventually(lambda: client.llen("spotify") == len(waiting), within=5), busy.log
        # Whatever Celery would still do about them, it has had many turns of its event loop for it.
        enqueued(database, Act(name="one more"))
        assert eventually(lambda: client.llen("spotify") == len(waiting) + 1, within=5), busy.log
        with stage.worker() as free:
            assert eventually(lambda: all(notes.on(job_id) for job_id in waiting), within=10), free.log
        stage.release("long")
        assert busy.stops() == 0


@pytest.mark.slow
@pytest.mark.usefixtures("notes")
def test_a_worker_that_stops_leaves_every_message_where_the_next_finds_it(
    stage: Stage, database: Database
) -> None:
    url = stage.settings.redis_url.get_secret_value()
    for number in range(150):
        enqueued(database, Act(name=f"job {number}"))
    with redis.Redis.from_url(url) as client:
        with stage.worker(concurrency=2) as worker, running_relay(database, stage.settings):
            assert eventually(lambda: len(jobs_that_are(JobStatus.SUCCEEDED, database)) >= 20, within=20)
            assert worker.stops(within=15) == 0
        assert jobs_that_are(JobStatus.RUNNING, database) == set()
        waiting = jobs_that_are(JobStatus.QUEUED, database)
        assert waiting
        assert waiting - jobs_told_of(client) == set()
