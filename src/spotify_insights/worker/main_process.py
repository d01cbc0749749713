"""The main process of a worker: it watches its pool processes and gives back the jobs they leave behind.

It holds no connection to the database: pool processes are forked from it at any time. The few statements it
has to send go through a connection of their own that is closed right after.
"""

import gc
import os
import signal
import threading
from collections.abc import Callable
from typing import Any, Final, NoReturn
from uuid import UUID
from weakref import WeakValueDictionary

from billiard.exceptions import TimeLimitExceeded, WorkerLostError
from billiard.util import get_logger as pool_logger
from celery import Celery
from celery.apps.worker import Worker
from celery.bootsteps import StartStopStep
from celery.signals import (
    celeryd_init,
    setup_logging,
    task_failure,
    worker_before_create_process,
    worker_ready,
    worker_shutdown,
    worker_shutting_down,
)
from celery.worker.request import Request
from typing_extensions import override

from spotify_insights.database.database import Database
from spotify_insights.database.role import DatabaseRole
from spotify_insights.errors import UnavailableError
from spotify_insights.jobs.give_back import Reason, give_back, process_name
from spotify_insights.observability import configure_logging, get_logger
from spotify_insights.settings import Settings
from spotify_insights.worker.life import life_watch

_log = get_logger(__name__)
Requests = WeakValueDictionary[str, Request]
"""What the pool works on, by the message's id."""

# Giving back takes six seconds at most where PostgreSQL answers at all.
_ENDING_HAS_SECONDS: Final = 10.0
_HURRYING: Final = (signal.SIGINT, signal.SIGQUIT)


class MainProcess:
    """What the main process does beside Celery's own work.

    SIGTERM (or the first SIGINT) lets running jobs finish for the grace period of the settings. What still
    runs then is ended and given back without having used an attempt; SIGQUIT or another SIGINT does so at
    once. Celery's own answer to those would leave the jobs to their leases.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._worker: Worker | None = None
        self._name = ""
        self._pid = 0
        self._requests: Requests = WeakValueDictionary()
        self._is_frozen = False
        self._stop_began = False
        self._grace_is_over = threading.Event()

    def connect(self, app: Celery) -> None:
        """Listen to Celery's signals. Weak references would let the bound methods vanish at once."""
        app.steps["worker"].add(_ending_in_time(self._begin_stop))
        app.Task.Request = _noted_in(self._requests)  # type: ignore[assignment]  # a class does, too
        setup_logging.connect(self._set_up_logging, weak=False)
        celeryd_init.connect(self._begin, weak=False)
        worker_before_create_process.connect(self._before_fork, weak=False)
        worker_ready.connect(self._when_ready, weak=False)
        task_failure.connect(self._on_failure, weak=False)
        worker_shutting_down.connect(self._begin_stop, weak=False)
        worker_shutdown.connect(self._end, weak=False)

    def _set_up_logging(self, **_: Any) -> None:
        """Somebody listens, so Celery leaves the logs alone. Pool processes inherit them."""
        configure_logging(self._settings.log_level, self._settings.log_format)
        # The pool would write its words past the log of this service.
        pool_logger().propagate = True

    def _begin(self, *, sender: str, instance: Worker, **_: Any) -> None:
        self._name, self._worker, self._pid = sender, instance, os.getpid()

    def _before_fork(self, **_: Any) -> None:
        """Keep the collector of every process off what they share: by looking at it, it would copy it.

        Measured, a pool process that has collected five times has 6 MB of its own instead of 46.
        """
        if not self._is_frozen:
            self._is_frozen = True
            gc.collect()
            gc.freeze()

    def _when_ready(self, **_: Any) -> None:
        if self._stop_began:
            return
        signal.signal(signal.SIGQUIT, self._hurry)
        life_watch.begin(self._when_stalled)

    def _on_failure(self, *, exception: BaseException, task_id: str, args: list[str], **_: Any) -> None:
        """A process that died in mid-task is noticed here; a job that merely failed recorded that itself.

        The job is given back for the process that died alone. It may have recorded the end of its attempt
        before, and another process of this pool be at the next one.
        """
        reason = _reason(exception)
        if reason is None or os.getpid() != self._pid or self._grace_is_over.is_set():
            return
        request = self._requests.get(task_id)
        if request is not None and request.worker_pid is not None:
            self._give_back(reason, UUID(args[0]), holder=process_name(self._name, int(request.worker_pid)))

    def _begin_stop(self, **_: Any) -> None:
        """Called in the handler of a signal, by which Celery stops consuming and waits for running tasks."""
        if self._stop_began:
            return
        self._stop_began = True
        # From now on it waits for its pool, and shows no life.
        life_watch.stop()
        for number in _HURRYING:
            signal.signal(number, self._hurry)
        threading.Thread(target=self._end_after_grace, name="grace", daemon=True).start()

    def _hurry(self, *_: Any) -> None:
        self._grace_is_over.set()
        self._begin_stop()

    def _end_after_grace(self) -> None:
        grace = self._settings.worker_grace_seconds
        _log.info("worker_stopping", worker=self._name, grace_seconds=grace)
        self._grace_is_over.wait(grace)
        exit_code = (self._worker.exitcode if self._worker else None) or 0
        # What brought the worker down may be the job itself: then it costs an attempt.
        self._end_pool(Reason.PROCESS_LOST if exit_code else Reason.WORKER_STOPPED)
        _log.warning("worker_stopped_after_grace", worker=self._name)
        os._exit(exit_code)

    def _when_stalled(self, where: str) -> NoReturn:
        """End this process, in a signal handler that it does not leave.

        What it hangs on may pass with the end of its pool: it must not come back to life and take another
        job. And it may hold a lock that this end needs as well, such as that of a log nobody reads.
        """
        ending = threading.Thread(target=self._end_stalled, args=(where,), name="stalled", daemon=True)
        try:
            ending.start()
            ending.join(_ENDING_HAS_SECONDS)
        finally:
            # The pool dies with it.
            os._exit(os.EX_SOFTWARE)

    def _end_stalled(self, where: str) -> None:
        self._end_pool(Reason.WORKER_STOPPED)
        _log.error("worker_stalled", worker=self._name, where=where)

    def _end_pool(self, reason: Reason) -> None:
        """End the pool, and give back what it still worked on, so that another may begin."""
        self._grace_is_over.set()
        # Ended first, so that no job is worked on by two for a moment.
        for pid in self._pool_processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self._give_back(reason)

    def _end(self, **_: Any) -> None:
        """Every pool process has ended: whatever is still held by our name has nobody."""
        if os.getpid() == self._pid:
            self._give_back(Reason.WORKER_STOPPED)

    def _pool_processes(self) -> list[int]:
        pool: Any = self._worker.pool if self._worker else None
        try:
            return list(pool.info["processes"])
        except AttributeError:
            return []  # there is none yet, or it has ended at this moment

    def _give_back(self, reason: Reason, job_id: UUID | None = None, *, holder: str | None = None) -> None:
        database = Database(
            self._settings.database_url.get_secret_value(),
            role=DatabaseRole.WORKER,
            pool_size=1,
            application_name="spotify-insights worker main",
        )
        try:
            give_back(database, worker=holder or self._name, reason=reason, job_id=job_id)
        except UnavailableError:
            # Their leases expire, and a relay queues them again.
            _log.warning("jobs_not_given_back", worker=self._name)
        finally:
            database.close()


def _ending_in_time(begin_stop: Callable[[], None]) -> type[StartStopStep]:
    """A step that is asked to stop before the pool is, also where no signal came.

    After an error of its own, such as a message from its pool that cannot be read, Celery stops by itself
    and may then wait for the pool for ever: a worker that is there and works on nothing.
    """

    class EndInTime(StartStopStep):
        requires = ("celery.worker.components:Pool",)

        @override
        def stop(self, parent: Any) -> None:
            begin_stop()

    return EndInTime


def _noted_in(requests: Requests) -> type[Request]:
    """Celery's requests, each of them noted when a process of the pool has taken it.

    Celery tells who failed, and not in which process.
    """

    class NotedRequest(Request):
        @override
        def on_accepted(self, pid: Any, time_accepted: float) -> None:
            requests[self.id] = self
            super().on_accepted(pid, time_accepted)

    return NotedRequest


def _reason(exception: BaseException) -> Reason | None:
    if isinstance(exception, TimeLimitExceeded):
        return Reason.TIME_LIMIT
    return Reason.PROCESS_LOST if isinstance(exception, WorkerLostError) else None
