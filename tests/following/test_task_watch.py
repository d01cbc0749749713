"""The watch over a real PostgreSQL: one question for all, nobody held up, bounds on everything."""

import asyncio
import contextlib
import time
from datetime import timedelta
from itertools import pairwise
from typing import Literal
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conftest import Servers
from families import a_job, bring_to, put_off, succeed
from job_trials import WritePersonalNote, claimed
from spotify_insights.errors import NotFoundError, UnavailableError
from spotify_insights.jobs.job import JobStatus
from spotify_insights.runtime import Runtime
from spotify_insights.web import task_events, task_watch
from spotify_insights.web.task_watch import TaskWatch, TooManyListenersError
from watch_trials import Client, CountedReads, has_heard, run, until

Step = Literal["progress", "retry", "snooze", "beat"]


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


@given(
    steps=st.lists(st.sampled_from(["progress", "retry", "snooze", "beat"]), max_size=6),
    end=st.sampled_from([JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.DEAD]),
)
@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_happens_what_is_heard_happened_in_that_order_and_the_end_is_heard(
    empty: Servers, runtime: Runtime, steps: list[Step], end: JobStatus
) -> None:
    task_id = a_job(runtime, JobStatus.QUEUED)
    lived: list[tuple[str, int | None]] = [("PENDING", None)]

    def live() -> None:
        for number, step in enumerate(steps):
            attempt = claimed(runtime.database, task_id, WritePersonalNote)
            lived.append(("STARTED", None))
            if step == "progress":
                attempt.progress("on", done=number, total=6)
                lived.append(("STARTED", number))
            elif step == "beat":
                attempt.renew()
            # Given back without using up an attempt, so that any number of steps fits into one life.
            put_off(attempt, wait=timedelta(), consumes_attempt=step == "retry" and attempt.number == 1)
            lived.append(("RETRY" if attempt.number > 1 or step == "retry" else "PENDING", None))
        bring_to(runtime.database, task_id, end)
        lived.extend([("STARTED", None), ("SUCCESS" if end is JobStatus.SUCCEEDED else "FAILURE", None)])

    async def story(watch: TaskWatch, _reads: CountedReads) -> None:
        client = Client(watch, task_id)
        await until(has_heard(client, 1))
        await asyncio.to_thread(live)
        await client.served

        *told, last = client.events
        heard = [(e.data["status"], (e.data["progress"] or {"done": None})["done"]) for e in told]
        left = iter(lived)
        assert all(state in left for state in heard), (heard, lived)
        assert heard[-1] == lived[-1]
        assert last.data == {"reason": "ended"}
        assert all(before.id != after.id for before, after in pairwise(told))

    run(empty, story)
