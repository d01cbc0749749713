"""What a Celery worker process loads: every task, and one runtime per pool process.

Nothing that holds a connection or a thread is made before the pool forks.
"""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

from celery import Celery
from celery.signals import worker_process_init, worker_process_shutdown, worker_ready

from spotify_insights.embedded.parent_death import die_with_parent
from spotify_insights.jobs.celery_app import create_celery
from spotify_insights.jobs.job import Job
from spotify_insights.jobs.run import run_job
from spotify_insights.observability import configure_logging, get_logger
from spotify_insights.runtime import Runtime
from spotify_insights.settings import Settings
from spotify_insights.worker.tasks import JOB_TYPES, Handlers

_log = get_logger(__name__)


class PoolProcess:
    """The parts of one pool process, from its first moment to its last."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._runtime: Runtime | None = None
        self._handlers: Handlers | None = None

    def start(self, **_: Any) -> None:
        die_with_parent(signal.SIGKILL)
        configure_logging(self._settings.log_level, self._settings.log_format)
        self._runtime = Runtime.from_settings(self._settings, process="spotify-insights worker")
        self._handlers = Handlers.of(self._runtime)

    def stop(self, **_: Any) -> None:
        if self._runtime is not None:
            self._runtime.close()

    def run(self, job_id: str, job_type: type[Job]) -> None:
        """Do the job if there is something to do. A failed attempt raises after it was recorded."""
        if self._runtime is None or self._handlers is None:
            raise RuntimeError("This process was not started as a member of a worker pool.")
        run_job(self._runtime.database, UUID(job_id), job_type, self._handlers[job_type])


def create_worker_app(settings: Settings) -> Celery:
    """The Celery application of a worker, with one task for each kind of job."""
    app = create_celery(settings.redis_url.get_secret_value())
    process = PoolProcess(settings)
    for job_type in JOB_TYPES:
        app.task(name=job_type.task_name)(_task(process, job_type))
    # Weak references would let the bound methods vanish at once.
    worker_process_init.connect(process.start, weak=False)
    worker_process_shutdown.connect(process.stop, weak=False)
    worker_ready.connect(_announce, weak=False)
    return app


def _task(process: PoolProcess, job_type: type[Job]) -> Callable[[str], None]:
    def task(job_id: str) -> None:
        process.run(job_id, job_type)

    return task


def _announce(**_: Any) -> None:
    ready_file = os.environ.get("READY_FILE")
    if ready_file:
        Path(ready_file).touch()
