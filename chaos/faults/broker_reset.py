"""Every connection to the broker is reset."""

import asyncio

from chaos.fault import Case, Fault


async def inject(case: Case) -> None:
    async with case.world.broker_lock:
        for _ in range(case.rng.randint(1, 3)):
            case.world.proxy.reset()
            await asyncio.sleep(0.3)


FAULT = Fault("connections to the broker reset", inject)
