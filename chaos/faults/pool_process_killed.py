"""One pool process of a worker dies in the middle of a job."""

import signal
from contextlib import suppress

import psutil

from chaos.fault import Case, Fault
from chaos.faults.striking import a_worker


async def inject(case: Case) -> None:
    async with a_worker(case) as worker:
        with suppress(psutil.NoSuchProcess):
            pool = psutil.Process(worker.pid).children()
            if pool:
                case.rng.choice(pool).send_signal(signal.SIGKILL)


FAULT = Fault("pool process killed", inject)
