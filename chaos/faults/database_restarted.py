"""PostgreSQL stops at once, without a word to anybody, and recovers."""

import signal

from chaos.fault import Case, Fault


async def inject(case: Case) -> None:
    world = case.world
    async with world.database_lock:
        await world.restart(world.postgres, signal.SIGQUIT, down_seconds=case.rng.uniform(0.0, 2.0))


FAULT = Fault("database restarted at once", inject)
