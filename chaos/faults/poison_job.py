"""A job ends its own process, or uses up its memory, at each attempt."""

from chaos.fault import Case, Fault
from chaos.jobs import Trouble


async def inject(case: Case) -> None:
    for trouble in (Trouble.POISON, Trouble.OUT_OF_MEMORY):
        await case.clients.insist(trouble=trouble)


FAULT = Fault("poison job", inject)
