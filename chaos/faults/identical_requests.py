"""A hundred requests for the same work arrive at once, half of them under one Idempotency-Key."""

import asyncio
import uuid

from chaos.clients import Work
from chaos.fault import Case, Fault

_TIMES = 100


async def inject(case: Case) -> None:
    name = f"identical-{uuid.UUID(int=case.rng.getrandbits(128))}"
    work: Work = {"name": name, "seconds": 2.5, "on": case.clients.any_queue()}
    keys = (None, f"key-{name}")
    tasks = await asyncio.gather(*(case.clients.ask(key=keys[n % 2], **work) for n in range(_TIMES)))
    case.struck.update(task for task in tasks if task is not None)


FAULT = Fault("a hundred identical requests", inject)
