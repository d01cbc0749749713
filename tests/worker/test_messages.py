"""Messages stay in Redis until a worker can start them, and a worker that stops takes none along."""

import pytest
import redis
from sqlalchemy import text

from job_trials import Notes, enqueued
from server_trials import eventually
from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.database import Database
from worker_trials import Act, Stage, running_relay

_DONE = text("SELECT count(*) FROM background_jobs WHERE status = 'succeeded'")


def done(database: Database) -> int:
    with database.transaction(acting_for=SYSTEM) as tx:
        return int(tx.session.execute(_DONE).scalar_one())


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
        assert not client.exists("unacked")


@pytest.mark.usefixtures("notes")
def test_a_worker_that_stops_leaves_every_message_where_the_next_finds_it(
    stage: Stage, database: Database
) -> None:
    url = stage.settings.redis_url.get_secret_value()
    with running_relay(database, stage.settings), redis.Redis.from_url(url) as client:
        jobs = 200
        with stage.worker(concurrency=2) as worker:
            for number in range(jobs):
                enqueued(database, Act(name=f"job {number}"))
            assert eventually(lambda: done(database) >= 20, within=20), worker.log
            assert worker.stops() == 0, worker.log
        assert eventually(lambda: client.llen("spotify") == jobs - done(database), within=5)
        assert 0 < done(database) < jobs
