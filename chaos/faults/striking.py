"""Choosing a worker for a fault, with the jobs that it holds at this moment."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from chaos import records
from chaos.child import Child
from chaos.fault import Case
from spotify_insights.jobs.job import Queue

_TRIES = 30


@asynccontextmanager
async def a_worker(case: Case, *, with_a_second: bool = False) -> AsyncIterator[Child]:
    """A worker in the middle of something, if one is found soon enough; the jobs that it holds are struck.

    Args:
        with_a_second: one whose queue has another worker now.
    """
    async with case.world.borrowed(case.world.workers, case.rng, with_a_second=with_a_second) as worker:
        case.queue = Queue(worker.work)
        for _ in range(_TRIES):
            held = await asyncio.to_thread(records.running_on, case.world.database_url, worker.pid)
            case.struck.update(held)
            if held:
                break
            await asyncio.sleep(0.1)
        yield worker
