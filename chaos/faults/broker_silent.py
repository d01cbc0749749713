"""The network swallows everything on the way to the broker and back: nobody refuses, nobody answers."""

import asyncio

from chaos.fault import Case, Fault


async def inject(case: Case) -> None:
    async with case.world.broker_lock:
        case.world.proxy.fall_silent()
        try:
            await asyncio.sleep(case.rng.uniform(2.0, 5.0))
        finally:
            case.world.proxy.speak()


FAULT = Fault("broker silent", inject)
