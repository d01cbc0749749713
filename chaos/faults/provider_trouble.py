"""The provider limits us, fails, or refuses, for several jobs at once."""

import asyncio

from chaos.clients import Work
from chaos.fault import Case, Fault
from chaos.jobs import Trouble


async def inject(case: Case) -> None:
    rng = case.rng
    jobs: list[Work] = [
        {"trouble": Trouble.RATE_LIMITED, "times": rng.randint(1, 5)},
        {"trouble": Trouble.RATE_LIMITED, "times": rng.randint(1, 5)},
        {"trouble": Trouble.UPSTREAM, "times": rng.randint(1, 3)},
        {"trouble": Trouble.REFUSED},
    ]
    tasks = await asyncio.gather(*(case.clients.insist(**job) for job in jobs))
    case.struck.update(task for task in tasks if task is not None)


FAULT = Fault("provider in trouble", inject)
