"""Every connection to PostgreSQL is ended, in whatever transaction it is."""

import asyncio

from chaos.fault import Case, Fault
from chaos.world import World
from spotify_insights.embedded.cluster import ROLE


def _end_all(world: World) -> None:
    with world.superuser() as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", (ROLE,)
        )


async def inject(case: Case) -> None:
    async with case.world.database_lock:
        for _ in range(case.rng.randint(1, 3)):
            await asyncio.to_thread(_end_all, case.world)
            await asyncio.sleep(0.2)


FAULT = Fault("connections to the database ended", inject)
