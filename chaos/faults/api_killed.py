"""An API process dies in the middle of requests."""

import signal

from chaos.fault import Case, Fault


async def inject(case: Case) -> None:
    world = case.world
    async with world.borrowed(world.apis, case.rng) as api:
        starts = api.starts
        api.send(signal.SIGKILL)
        case.mend()
        await world.started_again(api, starts=starts)


FAULT = Fault("API killed", inject)
