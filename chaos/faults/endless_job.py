"""A job never ends; another one does not even hear that it should."""

from chaos.fault import Case, Fault
from chaos.jobs import Trouble


async def inject(case: Case) -> None:
    for trouble in (Trouble.ENDLESS, Trouble.ENDLESS_AND_DEAF):
        await case.clients.insist(trouble=trouble)


FAULT = Fault("endless job", inject)
