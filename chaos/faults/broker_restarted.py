"""The broker dies and comes back with what it had written to disk a moment ago."""

import signal

from chaos.fault import Case, Fault


async def inject(case: Case) -> None:
    world = case.world
    async with world.broker_lock:
        await world.restart(world.valkey, signal.SIGKILL, down_seconds=case.rng.uniform(0.0, 2.0))


FAULT = Fault("broker killed, back with its data", inject)
