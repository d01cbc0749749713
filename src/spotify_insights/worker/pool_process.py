"""A pool process: everything that holds a connection or a thread is made here, after the fork."""

import os
import signal
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final, Protocol
from uuid import UUID

import billiard.pool
from celery.signals import worker_process_init, worker_process_shutdown

from spotify_insights.database.role import DatabaseRole
from spotify_insights.embedded.parent_death import die_with_parent
from spotify_insights.jobs.give_back import process_name
from spotify_insights.jobs.job import Job
from spotify_insights.jobs.run import Handler, run_job
from spotify_insights.memory import share_freed_memory
from spotify_insights.runtime import Runtime
from spotify_insights.settings import Settings

# In tenths of a second. A process that ends waits until the main process has counted all its results, and a
# main process that stops may have ceased to read them: left alone, that is half a minute. Ours are in the
# database anyway.
_WAIT_UNTIL_RESULTS_ARE_READ: Final = 10


class HandlerOf(Protocol):
    """Who does which kind of job."""

    def __getitem__(self, job_type: type[Job], /) -> Handler: ...


HandlersFactory = Callable[[Runtime], HandlerOf]


class AttemptFailedError(Exception):
    """All that Celery, its events and Flower learn of an attempt that failed; the job row has the rest.

    Celery would repeat the message of any other error wherever it goes, and ends the whole worker over a
    MemoryError.
    """


class PoolProcess:
    """The parts of one pool process, from its first moment to its last."""

    def __init__(self, settings: Settings, handlers: HandlersFactory) -> None:
        self._settings = settings
        self._handlers_of = handlers
        self._worker = ""
        self._runtime: Runtime | None = None
        self._handlers: HandlerOf | None = None

    def connect(self) -> None:
        """Listen to Celery's signals. Weak references would let the bound methods vanish at once."""
        worker_process_init.connect(self.start, weak=False)
        worker_process_shutdown.connect(self.stop, weak=False)

    def start(self, *, sender: str, **_: Any) -> None:
        """Make the parts. `sender` is the name of the worker, which is the main process's."""
        die_with_parent(signal.SIGKILL)
        share_freed_memory()
        # Some service managers send SIGTERM to every process; the main process alone decides who stops when.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        billiard.pool.GUARANTEE_MESSAGE_CONSUMPTION_RETRY_LIMIT = _WAIT_UNTIL_RESULTS_ARE_READ
        self._worker = process_name(sender, os.getpid())
        self._runtime = Runtime.from_settings(
            self._settings, role=DatabaseRole.WORKER, process="spotify-insights worker"
        )
        self._handlers = self._handlers_of(self._runtime)

    def stop(self, **_: Any) -> None:
        if self._runtime is not None:
            self._runtime.close()

    def run(self, job_id: str, job_type: type[Job]) -> None:
        """Do the job if there is something to do.

        Raises:
            AttemptFailedError: the attempt failed; that is recorded already.
        """
        if self._runtime is None or self._handlers is None:
            raise RuntimeError("This process was not started as a member of a worker pool.")
        try:
            run_job(
                self._runtime.database,
                UUID(job_id),
                job_type,
                self._handlers[job_type],
                worker=self._worker,
                lease=timedelta(seconds=self._settings.job_lease_seconds),
            )
        except Exception as error:  # noqa: BLE001  # it was logged and recorded; here it is only translated
            raise AttemptFailedError(getattr(error, "code", type(error).__name__)) from None
