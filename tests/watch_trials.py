"""The watch of tasks in this process: hot reads that are counted, and clients whose hands can be held."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from psycopg.rows import TupleRow
from starlette.types import Message
from typing_extensions import override

from conftest import Servers
from event_streams import Event, parsed
from spotify_insights.database.actor import Actor
from spotify_insights.database.hot_read import HotRead
from spotify_insights.web.hot_reads import HotReads
from spotify_insights.web.task_events import TaskEvents
from spotify_insights.web.task_watch import TaskWatch


class CountedReads(HotReads):
    """Hot reads that know how many statements they ran, and that can be made to fail."""

    statements = 0
    problem: Exception | None = None

    @override
    async def rows(self, read: HotRead, *, acting_for: Actor) -> list[TupleRow]:
        self.statements += 1
        if self.problem is not None:
            raise self.problem
        return await super().rows(read, acting_for=acting_for)


class Client:
    """One client of the ASGI application: `takes` what is sent, as long as it is set."""

    def __init__(self, watch: TaskWatch, task_id: UUID, *, last_event_id: str | None = None) -> None:
        self.status: int | None = None
        self.sent = b""
        self.chunks = 0
        self.takes = asyncio.Event()
        self.takes.set()
        self._left = asyncio.Event()
        response = TaskEvents(watch, task_id, last_event_id=last_event_id)
        self.served = asyncio.create_task(response({"type": "http"}, self._receive, self._send))

    async def _receive(self) -> Message:
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        await self.takes.wait()
        if message["type"] == "http.response.start":
            self.status = message["status"]
        else:
            self.sent += message["body"]
            self.chunks += 1

    def leave(self) -> None:
        self._left.set()

    @property
    def events(self) -> list[Event]:
        return list(parsed(self.sent.decode().split("\n")))

    @property
    def states(self) -> list[str]:
        return [event.data["status"] for event in self.events if event.name == "task"]


@asynccontextmanager
async def watching(servers: Servers) -> AsyncIterator[tuple[TaskWatch, CountedReads]]:
    reads = CountedReads(servers.database_url, servers.redis_url, pool_size=2)
    await reads.open()
    watch = TaskWatch(reads)
    yield watch, reads
    await watch.close()
    await reads.close()


def run(servers: Servers, story: Callable[[TaskWatch, CountedReads], Coroutine[Any, Any, None]]) -> None:
    async def whole() -> None:
        async with watching(servers) as (watch, reads), asyncio.timeout(30):
            await story(watch, reads)

    asyncio.run(whole())


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110  # what is waited for has no event to tell it
        await asyncio.sleep(0.01)


def has_heard(client: Client, states: int) -> Callable[[], bool]:
    return lambda: len(client.states) >= states
