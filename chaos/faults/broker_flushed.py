"""Somebody empties the broker."""

from chaos.fault import Case, Fault


async def inject(case: Case) -> None:
    async with case.world.broker_lock, case.world.broker() as broker:
        await broker.flushall()


FAULT = Fault("broker flushed", inject)
