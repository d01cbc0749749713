"""A worker stands still for longer than its leases and then goes on, as a virtual machine that was moved.

What it comes back with belongs to others by then: it is a zombie, and may not store anything.
"""

import asyncio
import signal

from chaos.fault import Case, Fault
from chaos.faults.striking import a_worker


async def inject(case: Case) -> None:
    async with a_worker(case, with_a_second=True) as worker:
        worker.send_all(signal.SIGSTOP)
        try:
            # The leases run out; a relay and another worker have had time to finish the jobs.
            await asyncio.sleep(case.world.setting.lease_seconds + case.rng.uniform(1.5, 4.0))
        finally:
            worker.send_all(signal.SIGCONT)


FAULT = Fault("worker frozen beyond its lease", inject)
