"""No relay does anything for a while: neither the one by itself nor those in the API processes."""

import asyncio

from chaos.fault import Case, Fault


async def inject(case: Case) -> None:
    world = case.world
    async with world.relay_lock:
        world.pause_file.touch()
        try:
            await asyncio.sleep(case.rng.uniform(3.0, 7.0))
        finally:
            world.pause_file.unlink()


FAULT = Fault("no relay for a while", inject)
