"""The watch over a real PostgreSQL: one question for all, nobody held up, bounds on everything."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest
from psycopg.rows import TupleRow
from starlette.types import Message
from typing_extensions import override

from conftest import Servers
from event_streams import Event, parsed
from families import a_job, bring_to, succeed
from job_trials import WritePersonalNote, claimed
from spotify_insights.database.actor import Actor
from spotify_insights.database.hot_read import HotRead
from spotify_insights.errors import NotFoundError, UnavailableError
from spotify_insights.jobs.job import JobStatus
from spotify_insights.runtime import Runtime
from spotify_insights.web import task_events, task_watch
from spotify_insights.web.hot_reads import HotReads
from spotify_insights.web.task_events import TaskEvents
from spotify_insights.web.task_watch import TaskWatch, TooManyListenersError


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


@pytest.fixture(autouse=True)
def quick_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task_watch, "TICK_SECONDS", 0.1)


def test_many_listeners_cost_one_statement_at_a_time_and_none_costs_nothing(
    empty: Servers, runtime: Runtime
) -> None:
    tasks = [a_job(runtime, JobStatus.QUEUED) for _ in range(20)]

    async def story(watch: TaskWatch, reads: CountedReads) -> None:
        clients = [Client(watch, task_id) for task_id in tasks * 10]
        await until(lambda: all(client.chunks > 1 for client in clients))
        # Two hundred arrived at once: some with the first question, the others with the next.
        assert reads.statements < 20

        before, begun = reads.statements, time.monotonic()
        await until(lambda: reads.statements >= before + 3)
        assert time.monotonic() - begun > 2 * task_watch.TICK_SECONDS

        for client in clients:
            client.leave()
        await asyncio.gather(*(client.served for client in clients))
        assert watch.listeners == 0
        await until(lambda: watch._watching is None)
        nobody = reads.statements
        await asyncio.sleep(2 * task_watch.TICK_SECONDS)
        assert reads.statements == nobody

        # And it begins anew with the next one.
        again = Client(watch, tasks[0])
        await until(lambda: again.states == ["PENDING"])

    run(empty, story)


def test_who_takes_nothing_holds_nobody_up_and_gets_the_last_state_alone(
    empty: Servers, runtime: Runtime
) -> None:
    task_id = a_job(runtime, JobStatus.QUEUED)
    steps = 8

    async def story(watch: TaskWatch, _reads: CountedReads) -> None:
        slow, quick = Client(watch, task_id), Client(watch, task_id)
        await until(lambda: slow.states == quick.states == ["PENDING"])
        slow.takes.clear()

        attempt = await asyncio.to_thread(claimed, runtime.database, task_id, WritePersonalNote)
        await until(lambda: quick.states == ["PENDING", "STARTED"])
        for step in range(steps):
            await asyncio.to_thread(attempt.progress, f"{step}", done=step, total=steps)
            await until(has_heard(quick, step + 3))
        await asyncio.to_thread(succeed, attempt)
        await quick.served
        assert slow.states == ["PENDING"]

        slow.takes.set()
        await slow.served
        # At most the one that was on its way when it stopped taking, and the last.
        assert slow.states in (["PENDING", "SUCCESS"], ["PENDING", "STARTED", "SUCCESS"])
        assert slow.events[-1].data == quick.events[-1].data == {"reason": "ended"}

    run(empty, story)


def test_who_never_takes_anything_is_given_up(
    empty: Servers, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task_events, "PATIENCE_SECONDS", 0.1)
    task_id = a_job(runtime, JobStatus.QUEUED)

    async def story(watch: TaskWatch, _reads: CountedReads) -> None:
        stuck = Client(watch, task_id)
        await until(lambda: stuck.states == ["PENDING"])
        stuck.takes.clear()
        await asyncio.to_thread(bring_to, runtime.database, task_id, JobStatus.RUNNING)

        await stuck.served
        assert watch.listeners == 0

    run(empty, story)


def test_a_quiet_stream_is_kept_alive_and_ends_in_time(
    empty: Servers, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task_events, "KEEP_ALIVE_SECONDS", 0.05)
    monkeypatch.setattr(task_events, "LONGEST_STREAM_SECONDS", 0.5)
    task_id = a_job(runtime, JobStatus.QUEUED)

    async def story(watch: TaskWatch, _reads: CountedReads) -> None:
        client = Client(watch, task_id)
        await client.served

        assert client.sent.count(b"\n: ping\n\n") >= 3
        # No event tells of an end, so the client comes again.
        assert [event.name for event in client.events] == ["task"]

    run(empty, story)


def test_there_is_room_for_so_many_and_then_a_refusal(
    empty: Servers, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task_watch, "MOST_LISTENERS", 3)
    task_id = a_job(runtime, JobStatus.QUEUED)

    async def story(watch: TaskWatch, _reads: CountedReads) -> None:
        clients = [Client(watch, task_id) for _ in range(3)]
        await until(lambda: all(client.states for client in clients))
        refused = Client(watch, task_id)
        with pytest.raises(TooManyListenersError):
            await refused.served

        clients[0].leave()
        await clients[0].served
        admitted = Client(watch, task_id)
        await until(lambda: admitted.states == ["PENDING"])

    run(empty, story)


def test_places_are_given_back_whatever_ends_the_wait(empty: Servers, runtime: Runtime) -> None:
    task_id = a_job(runtime, JobStatus.QUEUED)

    async def story(watch: TaskWatch, reads: CountedReads) -> None:
        with pytest.raises(NotFoundError):
            await Client(watch, uuid4()).served
        reads.problem = UnavailableError("The database is away.")
        with pytest.raises(UnavailableError):
            await Client(watch, task_id).served
        reads.problem = None
        for patience in range(30):
            client = Client(watch, task_id)
            for _ in range(patience):
                await asyncio.sleep(0)
            client.served.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await client.served
        assert watch.listeners == 0

    run(empty, story)


@pytest.mark.parametrize("problem", [UnavailableError("The database is away."), ValueError("a defect")])
def test_a_database_that_is_away_ends_no_stream(empty: Servers, runtime: Runtime, problem: Exception) -> None:
    task_id = a_job(runtime, JobStatus.QUEUED)

    async def story(watch: TaskWatch, reads: CountedReads) -> None:
        client = Client(watch, task_id)
        await until(lambda: client.states == ["PENDING"])
        reads.problem = problem
        asked = reads.statements
        await until(lambda: reads.statements >= asked + 2)
        newcomer = Client(watch, task_id)
        with pytest.raises(UnavailableError):
            await newcomer.served
        await asyncio.to_thread(bring_to, runtime.database, task_id, JobStatus.SUCCEEDED)
        assert client.states == ["PENDING"]

        reads.problem = None
        await client.served
        assert client.states == ["PENDING", "SUCCESS"]

    run(empty, story)


def test_stopping_ends_every_stream_without_an_end_and_takes_nobody_more(
    empty: Servers, runtime: Runtime
) -> None:
    tasks = [a_job(runtime, JobStatus.QUEUED) for _ in range(3)]

    async def story(watch: TaskWatch, _reads: CountedReads) -> None:
        clients = [Client(watch, task_id) for task_id in tasks]
        await until(lambda: all(client.states for client in clients))
        waiting = Client(watch, tasks[0])
        await asyncio.sleep(0)

        watch.stop()

        await asyncio.gather(*(client.served for client in clients))
        assert [[event.name for event in client.events] for client in clients] == [["task"]] * 3
        for late in (waiting, Client(watch, tasks[0])):
            with pytest.raises(UnavailableError):
                await late.served

    run(empty, story)


def test_nobody_is_told_an_older_state_than_what_was_true_on_arrival(
    empty: Servers, runtime: Runtime
) -> None:
    task_id = a_job(runtime, JobStatus.QUEUED)

    async def story(watch: TaskWatch, _reads: CountedReads) -> None:
        first = Client(watch, task_id)
        await until(lambda: first.states == ["PENDING"])
        attempt = await asyncio.to_thread(claimed, runtime.database, task_id, WritePersonalNote)
        for step in range(20):
            await asyncio.to_thread(attempt.progress, "on", done=step, total=20)
            newcomer = Client(watch, task_id)
            await until(has_heard(newcomer, 1))
            # What the watch knew from its last round would be an older step.
            assert newcomer.events[0].data["progress"]["done"] == step
            newcomer.leave()
            await newcomer.served

    run(empty, story)
