"""A worker's clock is wrong by an hour. Nothing may begin early or late because of that."""

import asyncio
import signal

from chaos.fault import Case, Fault
from chaos.faults.striking import a_worker

_AN_HOUR = 3600.0


async def inject(case: Case) -> None:
    async with a_worker(case) as worker:
        case.world.shift_clock(worker, case.rng.choice((-_AN_HOUR, _AN_HOUR)))
        starts = worker.starts
        worker.send(signal.SIGTERM)
        await case.world.started_again(worker, starts=starts)
        case.mend()
        await case.clients.insist(on=case.queue, seconds=0.2)
        await asyncio.sleep(case.rng.uniform(1.0, 3.0))


FAULT = Fault("clock of a worker wrong by an hour", inject)
