"""The broker dies and comes back empty: every message is gone."""

import asyncio
import os
import signal

from chaos.fault import Case, Fault


async def inject(case: Case) -> None:
    world = case.world
    async with world.broker_lock:
        os.kill(world.valkey.pid, signal.SIGKILL)
        await world.ended(world.valkey)
        await asyncio.sleep(case.rng.uniform(0.0, 3.0))
        world.empty_broker_files()
        world.valkey.launch()
        await world.ready(world.valkey)


FAULT = Fault("broker killed, back empty", inject)
