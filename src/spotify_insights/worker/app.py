"""The Celery application of a worker: one task for each kind of job.

Nothing that holds a connection or a thread is made before the pool forks.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from celery import Celery
from celery.signals import worker_ready

from spotify_insights.jobs.celery_app import create_celery
from spotify_insights.jobs.job import Job
from spotify_insights.settings import Settings
from spotify_insights.worker.consumer import PatientConsumer
from spotify_insights.worker.events import PromptEvents
from spotify_insights.worker.main_process import MainProcess
from spotify_insights.worker.pool_process import AttemptFailedError, HandlersFactory, PoolProcess
from spotify_insights.worker.tasks import JOB_TYPES, Handlers

# What an attempt that runs into its limit has to record that.
_SECONDS_TO_RECORD_IT: Final = 10


def create_worker_app(
    settings: Settings,
    *,
    job_types: Sequence[type[Job]] = JOB_TYPES,
    handlers: HandlersFactory = Handlers.of,
) -> Celery:
    """The application of a worker that does these kinds of jobs.

    Args:
        handlers: who does which; called in each pool process, with its own parts.
    """
    app = create_celery(settings.redis_url.get_secret_value())
    app.conf.worker_consumer = PatientConsumer
    app.events_cls = f"{PromptEvents.__module__}:{PromptEvents.__name__}"
    process = PoolProcess(settings, handlers)
    for job_type in job_types:
        soft, hard = time_limits(job_type)
        app.task(
            name=job_type.task_name,
            soft_time_limit=soft,
            time_limit=hard,
            # Expected, so that Celery's log has a line of it and no traceback: ours has been written.
            throws=(AttemptFailedError,),
            # Of this application alone: Celery would hand it to every other one in this process.
            shared=False,
        )(_task(process, job_type))
    process.connect()
    MainProcess(settings).connect(app)
    worker_ready.connect(_announce, weak=False)
    return app


def time_limits(job_type: type[Job]) -> tuple[int, int]:
    """After how many seconds an attempt is told to stop, and after how many its process is ended.

    Both are before its lease can no longer be renewed, so that nobody else begins while it still runs.
    """
    limit = int(job_type.time_limit.total_seconds())
    hard = limit - (2 if limit >= 20 else 1)
    return hard - max(1, min(_SECONDS_TO_RECORD_IT, hard // 4)), hard


def _task(process: PoolProcess, job_type: type[Job]) -> Callable[[str], None]:
    def task(job_id: str) -> None:
        process.run(job_id, job_type)

    return task


def _announce(**_: Any) -> None:
    ready_file = os.environ.get("READY_FILE")
    if ready_file:
        Path(ready_file).touch()
