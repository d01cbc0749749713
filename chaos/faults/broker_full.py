"""The broker's memory is used up: it refuses every write."""

import asyncio

from chaos.fault import Case, Fault


async def inject(case: Case) -> None:
    async with case.world.broker_lock, case.world.broker() as broker:
        await broker.config_set("maxmemory", "1")
        try:
            await asyncio.sleep(case.rng.uniform(2.0, 4.0))
        finally:
            await broker.config_set("maxmemory", "0")


FAULT = Fault("broker out of memory", inject)
