"""Starting a worker or beat in this process."""

import os
import secrets
import signal
import socket
from pathlib import Path
from typing import Any, Final, NoReturn

from celery import Celery
from celery.beat import Service
from prometheus_client import start_http_server

from spotify_insights.database.database import Database
from spotify_insights.database.role import DatabaseRole
from spotify_insights.errors import SetupError
from spotify_insights.installation.check_ring import check_ring
from spotify_insights.installation.secrets import InstallationSecrets
from spotify_insights.jobs.job import Queue
from spotify_insights.observability import configure_logging
from spotify_insights.runtime import Runtime
from spotify_insights.security.key_source import key_source_of
from spotify_insights.security.sealing import Sealer
from spotify_insights.settings import Settings
from spotify_insights.worker.app import create_worker_app
from spotify_insights.worker.beat import LONGEST_SLEEP_SECONDS, create_beat

# `spotify` waits for other people's servers and `insights` for models; `scheduled` only fans out.
CONCURRENCY: Final = {Queue.SPOTIFY: 2, Queue.INSIGHTS: 2, Queue.SCHEDULED: 1}


def run_worker(*, queue: str, concurrency: int | None) -> NoReturn:
    """Work on one queue until SIGTERM, which lets running jobs finish first; ends the process.

    Raises:
        SetupError: the queue is not one of ours, a setting is wrong, or the key ring does not open what is
            stored.
    """
    if queue not in set(Queue):
        raise SetupError(f"There is no queue {queue!r}. The queues are {', '.join(Queue)}.")
    settings = Settings.from_environment()
    configure_logging(settings.log_level, settings.log_format)
    _check_ring(settings)
    work(create_worker_app(settings), settings, queue=Queue(queue), concurrency=concurrency)


def _check_ring(settings: Settings) -> None:
    """Once for all pool processes. The connection is closed before the first of them is forked."""
    database = Database(
        settings.database_url.get_secret_value(),
        role=DatabaseRole.WORKER,
        pool_size=1,
        application_name="spotify-insights worker",
    )
    try:
        check_ring(InstallationSecrets(database, Sealer(key_source_of(settings))))
    finally:
        database.close()


def work(app: Celery, settings: Settings, *, queue: Queue, concurrency: int | None = None) -> NoReturn:
    """Run the main process of a worker until it is told to stop, and end with its exit code."""
    worker = app.Worker(
        queues=[queue.value],
        concurrency=concurrency or CONCURRENCY[queue],
        hostname=_new_name(queue),
        quiet=True,
        pool="prefork",
        loglevel=settings.log_level,
        # Workers neither greet nor follow each other: nothing here depends on it, and it costs a second.
        without_gossip=True,
        without_mingle=True,
    )
    worker.start()
    raise SystemExit(worker.exitcode or 0)


def _new_name(queue: Queue) -> str:
    """A name that no worker ever had. Containers reuse the names of hosts and the numbers of processes."""
    return f"{queue}@{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"


def run_beat() -> None:
    """Fire the schedule until SIGTERM.

    Raises:
        SetupError: a setting is wrong.
    """
    settings = Settings.from_environment()
    configure_logging(settings.log_level, settings.log_format)
    database = Database(
        settings.database_url.get_secret_value(),
        role=DatabaseRole.RELAY,
        pool_size=1,
        application_name="spotify-insights beat",
    )
    app, scheduler = create_beat(settings, database)
    app.conf.beat_enable_remote_control = False
    beat = Service(app, scheduler_cls=scheduler, max_interval=LONGEST_SLEEP_SECONDS)

    def stop(*_: Any) -> NoReturn:
        # An exception ends beat's sleep; a flag would be read only after it.
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    _announce_ready()
    beat.start()
    database.close()


def run_relay(*, metrics_host: str, metrics_port: int | None) -> None:
    """Relay jobs to the broker until SIGTERM, as every API process does besides.

    Args:
        metrics_port: where to tell Prometheus what this relay did; None tells nobody.

    Raises:
        SetupError: a setting is wrong, or the port is taken.
    """
    settings = Settings.from_environment()
    configure_logging(settings.log_level, settings.log_format)
    runtime = Runtime.from_settings(settings, role=DatabaseRole.RELAY, process="spotify-insights relay")
    relay = runtime.create_relay()
    if metrics_port is not None:
        _serve_metrics(metrics_host, metrics_port)

    def stop(*_: Any) -> None:
        relay.stop()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    _announce_ready()
    relay.run(poll_seconds=settings.relay_poll_seconds)
    runtime.close()


def _serve_metrics(host: str, port: int) -> None:
    try:
        start_http_server(port, addr=host)
    except OSError as error:
        raise SetupError(
            f"The metrics cannot be served on {host}:{port}: {error.strerror}. Choose another --metrics-port."
        ) from None


def _announce_ready() -> None:
    ready_file = os.environ.get("READY_FILE")
    if ready_file:
        Path(ready_file).touch()
