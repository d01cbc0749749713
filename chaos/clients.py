"""Clients that ask for work all the time, and keep to what they are told."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Any, Final, Self
from uuid import UUID

import httpx2

from chaos import records
from chaos.jobs import Trouble
from chaos.ledger import Ledger
from spotify_insights.jobs.job import Queue

CLIENTS: Final = 6
Work = dict[str, Any]
"""The fields of a request that matter; the others are as they mostly are."""

_TIMEOUT_SECONDS: Final = 6.0
_TRIES: Final = 12
# Beyond this many unfinished jobs clients wait, so that a slow machine is not buried.
_ENOUGH: Final = 120
# As the workers are: one works on the queue `scheduled`, two on each of the others.
_QUEUES: Final = (Queue.SPOTIFY, Queue.SPOTIFY, Queue.INSIGHTS, Queue.INSIGHTS, Queue.SCHEDULED)
_SHARES: Final = {
    "plain": 50,
    "with a key": 22,
    "the same as others": 12,
    "troubled": 7,
    "with children": 3,
    "delayed": 3,
    "cancelled": 3,
    "wanted after all": 4,
}


@dataclass
class Clients:
    """Everybody who uses the API during a run."""

    api_url: str
    rng: Random
    ledger: Ledger = field(default_factory=Ledger)
    _numbers: Iterator[int] = field(default_factory=count)
    _unfinished: int = 0

    async def __aenter__(self) -> Self:
        limits = httpx2.Limits(max_connections=200, max_keepalive_connections=CLIENTS)
        self._http = httpx2.AsyncClient(base_url=self.api_url, timeout=_TIMEOUT_SECONDS, limits=limits)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def keep_asking(self, database_url: str, *, per_second: float, until: float) -> None:
        """Ask for work until that moment of the monotonic clock; requests under way are ended in peace."""
        watch = asyncio.create_task(self._watch_backlog(database_url))
        try:
            await asyncio.gather(*(self._one_client(per_second / CLIENTS, until) for _ in range(CLIENTS)))
        finally:
            watch.cancel()

    async def ask(self, *, key: str | None = None, delay: float = 0.0, **work: Any) -> UUID | None:
        """Ask once; the task, or None where no promise was made (whether or not the work is done then)."""
        body = {"name": f"work-{next(self._numbers)}", "on": self.any_queue(), "delay": delay, **work}
        headers = {} if key is None else {"Idempotency-Key": key}
        began = time.monotonic()
        try:
            answer = await self._http.post("/api/chaos/jobs", json=body, headers=headers)
        except httpx2.HTTPError as error:
            self.ledger.answers[type(error).__name__] += 1
            return None
        self.ledger.answers[str(answer.status_code)] += 1
        if answer.status_code != 202:
            return None
        self.ledger.answered_after.append(time.monotonic() - began)
        task_id = UUID(answer.json()["task_id"])
        replayed = answer.headers.get("Idempotency-Replayed") == "true"
        self.ledger.accept(task_id, asked_at=began, key=key, delay=delay, replayed=replayed)
        return task_id

    async def insist(self, **work: Any) -> UUID | None:
        """Ask with a key, again and again until there is an answer; None where there never was one."""
        key = f"key-{next(self._numbers)}"
        work = {"name": f"keyed-{key}", "on": self.any_queue(), **work}
        for _ in range(_TRIES):
            if (task_id := await self.ask(key=key, **work)) is not None:
                if self.rng.random() < 0.2:
                    await self.ask(key=key, **work)
                return task_id
            await asyncio.sleep(self.rng.uniform(0.2, 1.0))
        return None

    async def cancel(self, task_id: UUID) -> bool:
        """Cancel a task, and note what that means for it; whether it was in time."""
        try:
            answer = await self._http.post(f"/api/chaos/jobs/{task_id}/cancellation")
        except httpx2.HTTPError:
            self.ledger.maybe_cancelled.add(task_id)
            return False
        if answer.status_code != 200:
            self.ledger.maybe_cancelled.add(task_id)
            return False
        if answer.json()["cancellation"] == "ended_already":
            return False
        self.ledger.cancel(task_id)
        return True

    async def _one_client(self, per_second: float, until: float) -> None:
        while True:
            await asyncio.sleep(self.rng.expovariate(per_second))
            if time.monotonic() >= until:
                return
            if self._unfinished < _ENOUGH:
                await self._do(self.rng.choices(list(_SHARES), list(_SHARES.values()))[0])

    async def _do(self, what: str) -> None:
        rng = self.rng
        match what:
            case "with a key":
                await self.insist(**self._effort())
            case "the same as others":
                same = f"same-{int(time.monotonic() / 4)}"
                work: Work = {"name": same, "seconds": 1.5, "on": Queue.SPOTIFY}
                await asyncio.gather(*(self.ask(**work) for _ in range(3)))
            case "troubled":
                kinds = (Trouble.RATE_LIMITED, Trouble.UPSTREAM, Trouble.CRASH, Trouble.REFUSED)
                await self.ask(trouble=rng.choice(kinds), seconds=0.1)
            case "with children":
                await self.ask(children=rng.randint(1, 4), seconds=0.2)
            case "delayed":
                await self.ask(delay=rng.uniform(1.0, 4.0))
            case "cancelled":
                task_id = await self.ask(seconds=rng.uniform(0.5, 3.0), delay=rng.choice((0.0, 2.0)))
                await asyncio.sleep(rng.uniform(0.0, 1.0))
                if task_id is not None:
                    await self.cancel(task_id)
            case "wanted after all":
                await self._cancel_and_want_it_after_all()
            case _:
                await self.ask(**self._effort())

    async def _cancel_and_want_it_after_all(self) -> None:
        """Ask for work, cancel it while it runs, and ask for the same again before it has noticed."""
        work: Work = {
            "name": f"second-thoughts-{next(self._numbers)}",
            "on": self.any_queue(),
            "seconds": self.rng.uniform(2.5, 4.0),
            "hasty": True,
        }
        task_id = await self.ask(**work)
        await asyncio.sleep(self.rng.uniform(0.5, 1.5))
        if task_id is not None and await self.cancel(task_id):
            await self.ask(**work)

    def _effort(self) -> Work:
        """Mostly short work, sometimes some that lasts long enough to be struck in the middle."""
        longest = self.rng.choices((0.3, 1.5, 5.0), (70, 20, 10))[0]
        return {"seconds": self.rng.uniform(longest / 5, longest), "hasty": self.rng.random() < 0.5}

    def any_queue(self) -> Queue:
        """A queue by chance."""
        return self.rng.choice(_QUEUES)

    async def _watch_backlog(self, database_url: str) -> None:
        while True:
            try:
                self._unfinished = await asyncio.to_thread(records.unfinished, database_url)
            except Exception:  # noqa: BLE001  # the database may be away, in any way
                self._unfinished = 0
            await asyncio.sleep(1)
