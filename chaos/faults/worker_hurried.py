"""A worker is told to stop and then to hurry: no job gets any grace."""

import asyncio
import signal

from chaos.fault import Case, Fault
from chaos.faults.striking import a_worker


async def inject(case: Case) -> None:
    async with a_worker(case) as worker:
        starts = worker.starts
        worker.send(signal.SIGTERM)
        await asyncio.sleep(case.rng.uniform(0.1, 0.5))
        worker.send(signal.SIGQUIT)
        await case.world.started_again(worker, starts=starts)


FAULT = Fault("worker told to hurry", inject)
