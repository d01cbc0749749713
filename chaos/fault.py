"""What a fault is: a name, and what it does to the world while everybody works."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from uuid import UUID

from chaos.clients import Clients
from chaos.world import World
from spotify_insights.jobs.job import Queue


@dataclass
class Case:
    """One fault as it happens. It is over when `inject` returns, or at `mend` where that comes before."""

    kind: str
    world: World
    clients: Clients
    rng: Random
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    mended: datetime | None = None
    # The jobs that it struck, and probes sent right after it: all of them have to end well.
    struck: set[UUID] = field(default_factory=set)
    # Where a probe shows that work goes on; None asks any queue.
    queue: Queue | None = None

    def mend(self) -> None:
        """From here on the recovery counts."""
        if self.mended is None:
            self.mended = datetime.now(UTC)


@dataclass(frozen=True)
class Fault:
    """A kind of fault."""

    name: str
    inject: Callable[[Case], Awaitable[None]]
