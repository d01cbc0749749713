"""Four runs in which a wall of the protocol is missing: each has to end with the promise that it breaks."""

from typing import Final

from chaos.fault import Fault
from chaos.faults import (
    broker_flushed,
    broker_killed,
    doubled_messages,
    identical_requests,
    worker_frozen,
    worker_killed,
)
from chaos.mutations import Without
from chaos.suite import Scenario
from chaos.verdict import Finding
from chaos.world import Setting

# The faults under which the missing wall must show.
_FAULTS: Final[dict[Without, tuple[Fault, ...]]] = {
    Without.FENCE: (worker_frozen.FAULT,),
    Without.RELAY: (broker_killed.FAULT, broker_flushed.FAULT, worker_killed.FAULT),
    Without.UNIQUE_INDEX: (identical_requests.FAULT,),
    Without.LEASE_CHECK: (doubled_messages.FAULT,),
}
# What each of them must break; other promises may break with it.
BREAKS: Final = {
    Without.FENCE: Finding.DOUBLED,
    Without.RELAY: Finding.LOST,
    Without.UNIQUE_INDEX: Finding.TWINS,
    Without.LEASE_CHECK: Finding.STOLEN,
}


def control(without: Without, seed: int) -> Scenario:
    """A short run without one wall, under the faults that it guards against."""
    # Short leases make many zombies.
    lease_seconds = 2 if without is Without.FENCE else 5
    return Scenario(
        seconds=25.0,
        seed=seed,
        faults=_FAULTS[without],
        fault_every=4.0 if without is Without.LEASE_CHECK else 2.0,
        # Long enough for whatever would come by itself, the second message about a lost first one included.
        patience=40.0,
        setting=Setting(lease_seconds=lease_seconds, without=without),
    )
