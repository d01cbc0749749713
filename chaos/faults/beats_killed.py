"""Both beats die; for a while nobody, or only one of them, keeps the time."""

import asyncio
import signal

from chaos.fault import Case, Fault


async def inject(case: Case) -> None:
    for beat in case.world.beats:
        beat.kept_down = True
        beat.send(signal.SIGKILL)
    try:
        await asyncio.sleep(case.rng.uniform(2.0, 10.0))
    finally:
        for beat in case.world.beats:
            beat.kept_down = False


FAULT = Fault("no beat for a while", inject)
