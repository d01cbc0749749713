"""Every connection to the broker is lost without a word, as when a firewall forgets it; new ones work."""

from chaos.fault import Case, Fault


async def inject(case: Case) -> None:
    async with case.world.broker_lock:
        case.world.proxy.lose_connections()


FAULT = Fault("connections to the broker half open", inject)
