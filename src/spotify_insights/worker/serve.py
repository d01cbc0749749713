"""Starting a worker or beat in this process."""

import os
import signal
import socket
from pathlib import Path
from typing import Any, Final, NoReturn

from celery.beat import Service

from spotify_insights.database.database import Database
from spotify_insights.errors import SetupError
from spotify_insights.jobs.job import Queue
from spotify_insights.observability import configure_logging
from spotify_insights.settings import Settings
from spotify_insights.worker.app import create_worker_app
from spotify_insights.worker.beat import LONGEST_SLEEP_SECONDS, create_beat

# `spotify` waits for other people's servers and `insights` for models; `scheduled` only fans out.
CONCURRENCY: Final = {Queue.SPOTIFY: 2, Queue.INSIGHTS: 2, Queue.SCHEDULED: 1}


def run_worker(*, queue: str, concurrency: int | None) -> None:
    """Work on one queue until SIGTERM, which lets running jobs finish first.

    Raises:
        SetupError: the queue is not one of ours, or a setting is wrong.
    """
    if queue not in set(Queue):
        raise SetupError(f"There is no queue {queue!r}. The queues are {', '.join(Queue)}.")
    settings = Settings.from_environment()
    configure_logging(settings.log_level, settings.log_format)
    app = create_worker_app(settings)
    app.Worker(
        queues=[queue],
        concurrency=concurrency or CONCURRENCY[Queue(queue)],
        hostname=f"{queue}@{socket.gethostname()}",
        quiet=True,
        pool="prefork",
        loglevel=settings.log_level,
        # Workers neither greet nor follow each other: nothing here depends on it, and it costs a second.
        without_gossip=True,
        without_mingle=True,
    ).start()


def run_beat() -> None:
    """Fire the schedule until SIGTERM.

    Raises:
        SetupError: a setting is wrong.
    """
    settings = Settings.from_environment()
    configure_logging(settings.log_level, settings.log_format)
    database = Database(
        settings.database_url.get_secret_value(), pool_size=1, application_name="spotify-insights beat"
    )
    app, scheduler = create_beat(settings, database)
    app.conf.beat_enable_remote_control = False
    beat = Service(app, scheduler_cls=scheduler, max_interval=LONGEST_SLEEP_SECONDS)

    def stop(*_: Any) -> NoReturn:
        # An exception ends beat's sleep; a flag would be read only after it.
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    ready_file = os.environ.get("READY_FILE")
    if ready_file:
        Path(ready_file).touch()
    beat.start()
    database.close()
