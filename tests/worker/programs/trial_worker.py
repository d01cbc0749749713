"""A worker whose jobs do as the test tells them. It notes what there is in its main process at each fork."""

import json
import logging
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any
from weakref import WeakSet

import psutil
import psycopg

from spotify_insights.jobs.job import Queue
from spotify_insights.observability import configure_logging
from spotify_insights.settings import Settings
from spotify_insights.worker.app import create_worker_app
from spotify_insights.worker.life import life_watch
from spotify_insights.worker.serve import work
from worker_trials import FOLDER, TRIAL_JOBS, Acts

_MAIN = os.getpid()
_connections: WeakSet[psycopg.Connection[Any]] = WeakSet()
_connect = psycopg.connect


def connect(*arguments: Any, **options: Any) -> psycopg.Connection[Any]:
    connection = _connect(*arguments, **options)
    _connections.add(connection)
    return connection


def note_fork() -> None:
    if os.getpid() != _MAIN:
        return
    open_ones = [connection for connection in _connections if not connection.closed]
    there = {"threads": threading.active_count(), "connections": len(open_ones)}
    with (Path(os.environ[FOLDER]) / "forks").open("a") as forks:
        forks.write(json.dumps(there) + "\n")


def hang(*_: object) -> None:
    """Wait for the pool to end, as a read without a limit from one of its processes does."""
    if os.environ.get("HOLD_THE_LOG"):
        for handler in logging.getLogger().handlers:
            handler.acquire()
    psutil.wait_procs(psutil.Process().children())


psycopg.connect = connect
os.register_at_fork(before=note_fork)
signal.signal(signal.SIGUSR2, hang)
if look_every := os.environ.get("LOOK_EVERY_SECONDS"):
    life_watch.look_every_seconds = float(look_every)
    life_watch.looks_without_life = 12
settings = Settings.from_environment()
configure_logging(settings.log_level, settings.log_format)
app = create_worker_app(settings, job_types=TRIAL_JOBS, handlers=lambda _runtime: Acts())
if interval := os.environ.get("HEALTH_CHECK_SECONDS"):
    app.conf.broker_transport_options["health_check_interval"] = int(interval)
work(app, settings, queue=Queue.SPOTIFY, concurrency=int(sys.argv[1]))
