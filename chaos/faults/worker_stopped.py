"""A worker is told to stop, as by a deployment; jobs that outlast the grace period are given back."""

import signal

from chaos.fault import Case, Fault
from chaos.faults.striking import a_worker


async def inject(case: Case) -> None:
    async with a_worker(case) as worker:
        starts = worker.starts
        worker.send(signal.SIGTERM)
        await case.world.started_again(worker, starts=starts)


FAULT = Fault("worker told to stop", inject)
