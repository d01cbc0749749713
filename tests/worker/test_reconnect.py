"""Redis goes and comes back in many ways; a worker works again soon after, and nobody has to start it."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import psutil
import pytest
import redis
from pydantic import SecretStr

from bad_network import passage_to
from job_trials import Notes, enqueued
from server_trials import eventually
from spotify_insights.database.database import Database
from spotify_insights.embedded.data_folder import DataFolder
from spotify_insights.embedded.valkey import EmbeddedValkey
from spotify_insights.jobs.celery_app import create_celery
from worker_trials import Act, Stage, running_relay


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[EmbeddedValkey]:
    """A Redis of the test's own, which keeps nothing when it stops."""
    with DataFolder(tmp_path / "redis") as folder:
        server = EmbeddedValkey(folder, durable=False)
        server.start()
        yield server
        server.stop()


@pytest.fixture
def stage(stage: Stage, valkey: EmbeddedValkey) -> Stage:
    return at(stage, valkey.url)


def at(stage: Stage, redis_url: str) -> Stage:
    return Stage(stage.settings.model_copy(update={"redis_url": SecretStr(redis_url)}), stage.folder)


def done(database: Database, notes: Notes, name: str, *, within: float) -> float:
    """How many seconds a new job took."""
    began = time.monotonic()
    job_id = enqueued(database, Act(name=name))
    assert eventually(lambda: bool(notes.on(job_id)), within=within), f"{name} was not done in {within} s"
    return time.monotonic() - began


def changes(file: Path, *, within: float = 30) -> bool:
    """Whether the file is touched soon."""
    seen = file.stat().st_mtime
    return eventually(lambda: file.stat().st_mtime > seen, within=within)


def test_a_worker_goes_on_after_redis_was_started_again_without_its_data(
    stage: Stage, database: Database, notes: Notes, valkey: EmbeddedValkey
) -> None:
    with stage.worker() as worker, running_relay(database, stage.settings):
        done(database, notes, "before", within=10)
        processes = {process.pid for process in worker.pool}
        valkey.stop()
        assert eventually(lambda: "redis_unreachable" in worker.log, within=10)
        valkey.start()
        done(database, notes, "after", within=10)
        assert {process.pid for process in worker.pool} == processes, worker.log


@pytest.mark.slow
def test_a_question_that_came_just_before_redis_went_does_not_keep_a_worker_from_looking_for_it(
    stage: Stage, database: Database, notes: Notes, valkey: EmbeddedValkey
) -> None:
    """It used to try for six seconds to answer, deaf to everything else."""
    with stage.worker() as worker, running_relay(database, stage.settings):
        # A worker that has nothing to do would notice first that it cannot ask for work.
        job_id = enqueued(database, Act(name="running", deeds=("hold",)))
        stage.begins("running")
        worker.process.send_signal(signal.SIGSTOP)
        with create_celery(stage.settings.redis_url.get_secret_value()) as app:
            app.control.inspect(timeout=0.1).ping()
        valkey.stop()
        worker.process.send_signal(signal.SIGCONT)
        assert eventually(lambda: "redis_unreachable" in worker.log, within=4), worker.log
        valkey.start()
        stage.release("running")
        assert eventually(lambda: bool(notes.on(job_id)), within=10), worker.log
        done(database, notes, "after", within=10)


@pytest.mark.slow
def test_a_job_that_runs_while_redis_is_away_ends_as_if_nothing_were(
    stage: Stage, database: Database, notes: Notes, valkey: EmbeddedValkey
) -> None:
    with stage.worker() as worker, running_relay(database, stage.settings):
        job_id = enqueued(database, Act(name="running", deeds=("hold",)))
        stage.begins("running")
        valkey.stop()
        assert eventually(lambda: "redis_unreachable" in worker.log, within=10)
        stage.release("running")
        assert eventually(lambda: bool(notes.on(job_id)), within=5), worker.log
        valkey.start()
        done(database, notes, "after", within=10)


@pytest.mark.slow
def test_a_worker_that_waits_for_redis_shows_life_and_stops_when_told(
    stage: Stage, valkey: EmbeddedValkey
) -> None:
    sign_of_life = stage.folder / "alive"
    with stage.worker(LIVENESS_FILE=str(sign_of_life)) as worker:
        assert sign_of_life.exists()
        valkey.stop()
        assert eventually(lambda: "redis_unreachable" in worker.log, within=10)
        assert changes(sign_of_life, within=5)
        assert worker.stops(within=10) == 0, worker.log


@pytest.mark.slow
def test_a_full_redis_ends_no_worker(
    stage: Stage, database: Database, notes: Notes, valkey: EmbeddedValkey
) -> None:
    with (
        stage.worker() as worker,
        running_relay(database, stage.settings),
        redis.Redis.from_url(valkey.url) as client,
    ):
        enqueued(database, Act(name="running", deeds=("hold",)))
        stage.begins("running")
        waiting = enqueued(database, Act(name="waiting"))
        assert eventually(lambda: client.llen("spotify") == 1, within=5)
        client.config_set("maxmemory", "1")
        # Taking a message out needs no memory.
        stage.release("running")
        assert eventually(lambda: bool(notes.on(waiting)), within=5), worker.log
        job_id = enqueued(database, Act(name="meanwhile"))
        # A lost connection makes the worker announce itself again, and Redis refuses that.
        client.client_kill_filter(_type="normal", skipme=True)
        assert eventually(lambda: "OutOfMemoryError" in worker.log, within=10), worker.log
        client.config_set("maxmemory", "0")
        assert eventually(lambda: bool(notes.on(job_id)), within=15), worker.log
        assert worker.process.poll() is None


@pytest.mark.slow
def test_after_a_long_absence_of_redis_a_job_runs_within_seconds(
    stage: Stage, database: Database, notes: Notes, valkey: EmbeddedValkey
) -> None:
    with stage.worker() as worker, running_relay(database, stage.settings):
        done(database, notes, "before", within=10)
        valkey.stop()
        # Long enough that a pause which grows by two seconds each time would have reached a quarter minute.
        time.sleep(44)
        job_id = enqueued(database, Act(name="meanwhile"))
        valkey.start()
        assert eventually(lambda: bool(notes.on(job_id)), within=8), worker.log


@pytest.mark.slow
def test_a_connection_that_died_without_a_word_is_noticed_within_half_a_minute(
    stage: Stage, database: Database, notes: Notes, valkey: EmbeddedValkey
) -> None:
    socket_file = Path(unquote(urlsplit(valkey.url).path))
    with passage_to(socket_file) as passage:
        remote = at(stage, f"redis://127.0.0.1:{passage.port}/0")
        with (
            remote.worker() as worker,
            running_relay(database, stage.settings),
            redis.Redis.from_url(valkey.url) as client,
        ):
            done(database, notes, "before", within=10)
            passage.freeze()
            passage.heal()
            # What Redis answers to the question that was under way is lost; the relay would send it again.
            assert eventually(lambda: client.info("clients")["blocked_clients"] == 0, within=5)
            done(database, notes, "after", within=29)
            assert worker.process.poll() is None


@pytest.mark.slow
def test_a_process_that_was_forked_later_keeps_no_lost_connection_half_alive(
    stage: Stage, database: Database, notes: Notes, valkey: EmbeddedValkey
) -> None:
    """It used to: the main process then waited on the new connection for what the old one had to say."""
    socket_file = Path(unquote(urlsplit(valkey.url).path))
    with passage_to(socket_file) as passage:
        remote = at(stage, f"redis://127.0.0.1:{passage.port}/0")
        with (
            remote.worker(HEALTH_CHECK_SECONDS="1") as worker,
            running_relay(database, stage.settings),
            redis.Redis.from_url(valkey.url) as client,
        ):
            replaced = enqueued(database, Act(name="before", deeds=("die", "work")))
            assert eventually(lambda: bool(notes.on(replaced)), within=10), worker.log
            passage.freeze()
            passage.heal()
            assert eventually(lambda: worker.log.count("dropping stale connection") >= 2, within=40), (
                worker.log
            )
            assert eventually(lambda: client.info("clients")["blocked_clients"] == 1, within=5)
            for number in range(3):
                done(database, notes, f"after {number}", within=5)
            assert "Connection to broker lost" not in worker.log


@pytest.mark.slow
def test_a_network_that_swallows_everything_for_a_minute_delays_jobs_and_no_more(
    stage: Stage, database: Database, notes: Notes, valkey: EmbeddedValkey
) -> None:
    socket_file = Path(unquote(urlsplit(valkey.url).path))
    with passage_to(socket_file) as passage:
        remote = at(stage, f"redis://127.0.0.1:{passage.port}/0")
        sign_of_life = stage.folder / "alive"
        with (
            remote.worker(LIVENESS_FILE=str(sign_of_life)) as worker,
            running_relay(database, stage.settings),
        ):
            done(database, notes, "before", within=10)
            passage.freeze()
            # Meanwhile the worker looks after everything else.
            ends = time.monotonic() + 60
            while time.monotonic() < ends:
                assert changes(sign_of_life), worker.log
            passage.heal()
            done(database, notes, "after", within=30)
            assert psutil.Process(worker.process.pid).num_threads() == 1, worker.log


@pytest.mark.slow
def test_reconnections_leave_nothing_open_behind(
    stage: Stage, database: Database, notes: Notes, valkey: EmbeddedValkey
) -> None:
    with (
        stage.worker() as worker,
        running_relay(database, stage.settings),
        redis.Redis.from_url(valkey.url) as client,
    ):
        done(database, notes, "before", within=10)
        main = psutil.Process(worker.process.pid)
        files = main.num_fds()
        for number in range(5):
            client.client_kill_filter(_type="normal", skipme=True)
            done(database, notes, f"after {number}", within=10)
        assert main.num_fds() <= files + 2
