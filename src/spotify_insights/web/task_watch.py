"""Telling every listener of this process what becomes of their tasks, with one question for all of them.

The watch polls and uses no LISTEN/NOTIFY: every NOTIFY makes the commits of the whole database queue for one
lock, and what is sent while a connection is broken is lost, so a poll would be needed all the same.
"""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from fastapi.sse import format_sse_event

from spotify_insights.database.actor import SYSTEM
from spotify_insights.errors import NotFoundError, ProductError, UnavailableError
from spotify_insights.jobs.queries import changed_tasks
from spotify_insights.observability import get_logger
from spotify_insights.web.hot_reads import HotReads, digest_of

_log = get_logger(__name__)
TICK_SECONDS: Final = 0.5
MOST_LISTENERS: Final = 5000
# Work on many changes at once gives way to other requests after so many.
_AT_A_STRETCH: Final = 100

NO_SUCH_TASK: Final = "There is no such task."


class TooManyListenersError(UnavailableError):
    """This process follows as many tasks as it may."""

    code = "too_many_listeners"


class Ending(StrEnum):
    """Why a listener hears no more."""

    DELETED = "deleted"
    LEFT = "left"
    STOPPING = "stopping"


@dataclass(frozen=True)
class TaskState:
    """A task at one moment, ready to be sent. All listeners of the task share it."""

    digest: str
    event: bytes
    over: bool

    @classmethod
    def of(cls, document: str, *, over: bool) -> "TaskState":
        digest = digest_of(document.encode())
        return cls(digest, format_sse_event(event="task", data_str=document, id=digest), over=over)


class Listener:
    """One client's place at the watch. It remembers the last state alone, however slowly it is asked."""

    def __init__(self, task_id: UUID) -> None:
        self.task_id = task_id
        self.ending: Ending | None = None
        self.first: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._state: TaskState | None = None
        self._news = asyncio.Event()

    @property
    def state(self) -> TaskState:
        """The last state it was told."""
        if self._state is None:
            raise RuntimeError("This listener was never admitted.")
        return self._state

    async def news(self, *, within: float) -> bool:
        """Whether there is a new state, or an ending, before so many seconds are over."""
        try:
            async with asyncio.timeout(within):
                await self._news.wait()
        except TimeoutError:
            return False
        self._news.clear()
        return True

    def tell(self, state: TaskState) -> None:
        """The task has changed."""
        self._state = state
        self._news.set()

    def end(self, ending: Ending) -> None:
        """There is nothing more to hear; of several reasons the first counts."""
        self.ending = self.ending or ending
        self._news.set()

    def admit(self, state: TaskState) -> None:
        """The first question about its task is answered."""
        self._state = state
        if not self.first.done():
            self.first.set_result(None)

    def refuse(self, problem: ProductError) -> None:
        """The first question about its task cannot be answered, or with a refusal only."""
        if not self.first.done():
            self.first.set_exception(problem)


@dataclass(eq=False)
class _WatchedTask:
    stamp: str | None = None
    state: TaskState | None = None
    listeners: set[Listener] = field(default_factory=set)


class TaskWatch:
    """All listeners of one process. Belongs to one event loop.

    All questions are asked one after the other, so nobody is ever told an older state after a newer one.
    """

    def __init__(self, reads: HotReads) -> None:
        self._reads = reads
        self._tasks: dict[UUID, _WatchedTask] = {}
        self._newcomers: list[Listener] = []
        self._called = asyncio.Event()
        self._watching: asyncio.Task[None] | None = None
        self._database_is_away = False
        self._stopped = False
        self.listeners = 0

    @asynccontextmanager
    async def listening(self, task_id: UUID) -> AsyncGenerator[Listener]:
        """A listener that knows the task's present state, read after it asked, and hears of every change.

        Raises:
            NotFoundError: there is no such task.
            TooManyListenersError: MOST_LISTENERS are there already.
            UnavailableError: the database does not answer, or this process is about to stop.
        """
        if self._stopped:
            raise _stopping()
        if self.listeners >= MOST_LISTENERS:
            raise TooManyListenersError(
                "So many clients follow tasks here that no more can. Poll the task, or try again in a while."
            )
        listener = Listener(task_id)
        self._tasks.setdefault(task_id, _WatchedTask()).listeners.add(listener)
        self._newcomers.append(listener)
        self.listeners += 1
        self._called.set()
        if self._watching is None:
            self._watching = asyncio.create_task(self._watch(), name="task watch")
        try:
            await listener.first
            yield listener
        finally:
            self._forget(listener)

    def stop(self) -> None:
        """End every listener and take no more, so that nothing waits for their streams."""
        self._stopped = True
        for watched in self._tasks.values():
            for listener in watched.listeners:
                listener.end(Ending.STOPPING)
                listener.refuse(_stopping())

    async def close(self) -> None:
        """As `stop`; returns when nothing is asked any more."""
        self.stop()
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.wait([self._watching])

    async def _watch(self) -> None:
        """Ask about all tasks every TICK_SECONDS while there are any, about those of newcomers at once."""
        next_tick = time.monotonic()
        while self._tasks:
            newcomers, self._newcomers = self._newcomers, []
            self._called.clear()
            asked = self._tasks
            if time.monotonic() < next_tick:
                new = {listener.task_id for listener in newcomers}
                asked = {task_id: watched for task_id, watched in self._tasks.items() if task_id in new}
            else:
                next_tick = time.monotonic() + TICK_SECONDS
            await self._ask(asked, newcomers)
            try:
                async with asyncio.timeout(max(next_tick - time.monotonic(), 0)):
                    await self._called.wait()
            except TimeoutError:
                pass
        self._watching = None

    async def _ask(self, asked: dict[UUID, _WatchedTask], newcomers: list[Listener]) -> None:
        question = changed_tasks({task_id: watched.stamp for task_id, watched in asked.items()})
        try:
            rows = await self._reads.rows(question, acting_for=SYSTEM)
            await self._take_in(rows)
        except UnavailableError as problem:
            if not self._database_is_away:
                _log.warning("task_watch_without_database")
            self._database_is_away = True
            # Those who came meanwhile would only wait for the same answer.
            for listener in [*newcomers, *self._newcomers]:
                listener.refuse(problem)
            self._newcomers.clear()
        except Exception:  # noqa: BLE001  # a watch that ends would leave every listener without news
            _log.exception("task_watch_failed")
            for listener in newcomers:
                listener.refuse(UnavailableError("The task cannot be followed just now. Poll it instead."))
        else:
            self._database_is_away = False
            for listener in newcomers:
                self._admit(listener)

    async def _take_in(self, rows: list[Any]) -> None:
        for number, (task_id, stamp, document, over) in enumerate(rows, start=1):
            if number % _AT_A_STRETCH == 0:
                await asyncio.sleep(0)
            watched = self._tasks.get(task_id)
            if watched is None:
                continue
            if document is None:
                for listener in watched.listeners:
                    listener.end(Ending.DELETED)
                continue
            watched.stamp = stamp
            state = TaskState.of(document, over=over)
            # A heartbeat changes the row and nothing that a client sees.
            if watched.state != state:
                watched.state = state
                for listener in watched.listeners:
                    listener.tell(state)

    def _admit(self, listener: Listener) -> None:
        watched = self._tasks.get(listener.task_id)
        if listener.ending is Ending.DELETED:
            listener.refuse(NotFoundError(NO_SUCH_TASK))
        elif watched is not None and watched.state is not None:
            listener.admit(watched.state)

    def _forget(self, listener: Listener) -> None:
        self.listeners -= 1
        watched = self._tasks[listener.task_id]
        watched.listeners.discard(listener)
        if not watched.listeners:
            del self._tasks[listener.task_id]


def _stopping() -> UnavailableError:
    return UnavailableError("This process is about to stop. Try again in a few seconds.")
