"""A worker dies with everything it holds, as by the OOM killer or a machine that is gone."""

import signal

from chaos.fault import Case, Fault
from chaos.faults.striking import a_worker


async def inject(case: Case) -> None:
    async with a_worker(case) as worker:
        starts = worker.starts
        worker.send(signal.SIGKILL)
        case.mend()
        await case.world.started_again(worker, starts=starts)


FAULT = Fault("worker killed", inject)
