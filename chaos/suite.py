"""One run: the installation, clients that never rest, faults by plan, and the account at the end."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Final

from chaos.clients import Clients
from chaos.fault import Case, Fault
from chaos.faults.catalogue import FAULTS
from chaos.ledger import Ledger
from chaos.plan import Planned, make_plan
from chaos.records import Records, read_records
from chaos.verdict import Finding, Verdict, judge
from chaos.world import Setting, World

Say = Callable[[str], None]
_SAY_EVERY_SECONDS: Final = 15.0
# The last of the load meets no new fault, so that the end of a run is not its hardest moment.
_QUIET_SECONDS: Final = 12.0


@dataclass(frozen=True)
class Scenario:
    """What a run consists of."""

    seconds: float
    seed: int
    faults: Sequence[Fault] = FAULTS
    fault_every: float = 3.0
    requests_per_second: float = 9.0
    # How long jobs that are left at the end may take. A message that is lost is sent again after 30 seconds.
    patience: float = 150.0
    setting: Setting = field(default_factory=Setting)


@dataclass(frozen=True)
class Outcome:
    """Everything that a report needs."""

    scenario: Scenario
    cases: list[Case]
    ledger: Ledger
    records: Records
    verdict: Verdict
    started_in: float
    drained_in: float
    total: float


async def run(scenario: Scenario, *, say: Say, folder: Path | None = None) -> Outcome:
    """Do what the scenario says, and judge what is left.

    Args:
        folder: where to keep logs and data; None removes them.
    """
    started = time.monotonic()
    async with World.running(scenario.setting, folder=folder) as world:
        ready = time.monotonic()
        say(f"Everything runs after {ready - started:.0f} s; seed {scenario.seed}.")
        began = datetime.now(UTC)
        async with Clients(world.api_url, Random(scenario.seed)) as clients:
            cases = await _storm(scenario, world, clients, say)
            await world.heal()
            ended = datetime.now(UTC)
            drained_in = await world.until_done(within=scenario.patience)
        records = await asyncio.to_thread(read_records, world.database_url)
    verdict = judge(records, clients.ledger, began=began, ended=ended)
    if not clients.ledger.accepted:
        verdict.add(Finding.IDLE, "every request was refused")
    total = time.monotonic() - started
    return Outcome(scenario, cases, clients.ledger, records, verdict, ready - started, drained_in, total)


async def _storm(scenario: Scenario, world: World, clients: Clients, say: Say) -> list[Case]:
    """Load and faults, until both are over."""
    until = time.monotonic() + scenario.seconds
    plan = make_plan(
        scenario.faults,
        seed=scenario.seed,
        until=scenario.seconds - min(_QUIET_SECONDS, scenario.seconds / 3),
        every=scenario.fault_every,
    )
    cases: list[Case] = []
    progress = asyncio.create_task(_say_progress(clients, cases, say))
    try:
        async with asyncio.TaskGroup() as everybody:
            everybody.create_task(
                clients.keep_asking(world.database_url, per_second=scenario.requests_per_second, until=until)
            )
            began = time.monotonic()
            for planned in plan:
                await asyncio.sleep(began + planned.at - time.monotonic())
                everybody.create_task(_strike(planned, world, clients, cases))
    finally:
        progress.cancel()
    return cases


async def _strike(planned: Planned, world: World, clients: Clients, cases: list[Case]) -> None:
    case = Case(planned.fault.name, world, clients, planned.rng)
    cases.append(case)
    await planned.fault.inject(case)
    case.mend()
    probe = await clients.insist(on=case.queue or clients.any_queue())
    if probe is not None:
        case.struck.add(probe)


async def _say_progress(clients: Clients, cases: list[Case], say: Say) -> None:
    began = time.monotonic()
    while True:
        await asyncio.sleep(_SAY_EVERY_SECONDS)
        say(
            f"{time.monotonic() - began:4.0f} s: {len(clients.ledger.accepted)} jobs accepted, "
            f"{len(cases)} faults"
        )
