"""A worker whose jobs do as the test tells them. It notes what there is in its main process at each fork."""

import gc
import json
import os
import sys
import threading
from pathlib import Path

import psycopg

from spotify_insights.jobs.job import Queue
from spotify_insights.observability import configure_logging
from spotify_insights.settings import Settings
from spotify_insights.worker.app import create_worker_app
from spotify_insights.worker.serve import work
from worker_trials import FOLDER, TRIAL_JOBS, Acts

_MAIN = os.getpid()


def note_fork() -> None:
    if os.getpid() != _MAIN:
        return
    there = {
        "threads": threading.active_count(),
        "connections": sum(
            isinstance(each, psycopg.Connection) and not each.closed for each in gc.get_objects()
        ),
    }
    with (Path(os.environ[FOLDER]) / "forks").open("a") as forks:
        forks.write(json.dumps(there) + "\n")


os.register_at_fork(before=note_fork)
settings = Settings.from_environment()
configure_logging(settings.log_level, settings.log_format)
app = create_worker_app(settings, job_types=TRIAL_JOBS, handlers=lambda _runtime: Acts())
work(app, settings, queue=Queue.SPOTIFY, concurrency=int(sys.argv[1]))
