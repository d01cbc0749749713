"""PostgreSQL stands still for a while: connections stay, and nobody answers."""

import asyncio
import signal
from contextlib import suppress

import psutil

from chaos.fault import Case, Fault


async def inject(case: Case) -> None:
    async with case.world.database_lock:
        server = psutil.Process(case.world.postgres.pid)
        # The server first, so that it starts no further process.
        frozen = []
        try:
            for process in (server, *server.children(recursive=True)):
                with suppress(psutil.NoSuchProcess):
                    process.send_signal(signal.SIGSTOP)
                    frozen.append(process)
            await asyncio.sleep(case.rng.uniform(1.0, 3.0))
        finally:
            for process in reversed(frozen):
                with suppress(psutil.NoSuchProcess):
                    process.send_signal(signal.SIGCONT)


FAULT = Fault("database frozen", inject)
