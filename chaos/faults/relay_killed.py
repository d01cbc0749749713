"""The relay that runs by itself dies, perhaps between marking jobs and publishing them."""

import signal

from chaos.fault import Case, Fault


async def inject(case: Case) -> None:
    world = case.world
    async with world.borrowed(world.relays, case.rng) as relay:
        starts = relay.starts
        relay.send(signal.SIGKILL)
        case.mend()
        await world.started_again(relay, starts=starts)


FAULT = Fault("relay killed", inject)
