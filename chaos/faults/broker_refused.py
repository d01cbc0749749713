"""Nobody listens where the broker was."""

import asyncio

from chaos.fault import Case, Fault


async def inject(case: Case) -> None:
    async with case.world.broker_lock:
        await case.world.proxy.close()
        try:
            await asyncio.sleep(case.rng.uniform(1.0, 4.0))
        finally:
            await case.world.proxy.open()


FAULT = Fault("broker refuses connections", inject)
