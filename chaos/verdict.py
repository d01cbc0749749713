"""What became of everything that was promised."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Final

from chaos.jobs import SlotWork, Trouble, meant_end
from chaos.ledger import Ledger
from chaos.processes.begin import SCHEDULES
from chaos.records import Records, Row
from spotify_insights.jobs.job import JobStatus

# Two moments that PostgreSQL notes in two transactions may be that far from the truth.
_TOLERANCE: Final = timedelta(seconds=0.5)
_EXAMPLES: Final = 5


class Finding(StrEnum):
    """A promise that was broken."""

    LOST = "lost: accepted, and not done as meant"
    DOUBLED = "doubled: more than one effect"
    TWINS = "twins: the same work was active twice at once"
    STOLEN = "stolen: taken from an attempt whose lease was alive"
    REVIVED = "revived: changed after its end"
    SPLIT = "split: one Idempotency-Key, two tasks"
    EARLY = "early: begun before it was due"
    UNWANTED = "unwanted: cancelled, and done all the same"
    SLOT_MISSED = "slot missed: a moment of the schedule did not fire"
    IDLE = "idle: no job was accepted, so nothing was put to the test"
    SLOT_DOUBLED = "slot doubled: a moment of the schedule fired twice"


@dataclass
class Verdict:
    """What was found; nothing, if all is well."""

    findings: Counter[Finding] = field(default_factory=Counter)
    examples: defaultdict[Finding, list[str]] = field(default_factory=lambda: defaultdict(list))

    def add(self, finding: Finding, example: str) -> None:
        """Count one."""
        self.findings[finding] += 1
        if len(self.examples[finding]) < _EXAMPLES:
            self.examples[finding].append(example)

    @property
    def is_good(self) -> bool:
        return not self.findings


def judge(records: Records, ledger: Ledger, *, began: datetime, ended: datetime) -> Verdict:
    """Hold what was promised against what is there.

    Args:
        began, ended: between these the schedule was watched.
    """
    verdict = Verdict()
    rows = {row.id: row for row in records.rows}
    children = Counter(row.parent_id for row in records.rows if row.parent_id is not None)
    for task_id in ledger.accepted:
        if task_id not in rows:
            verdict.add(Finding.LOST, f"{task_id} was accepted and is not there")
    # A request without an answer may have been stored or not; what was stored has to be done once as well.
    for row in records.rows:
        _judge_row(row, ledger, children[row.id], verdict)
    for first, second in _twins(records.rows):
        verdict.add(Finding.TWINS, f"{first.id} and {second.id}")
    for key, tasks in ledger.by_key.items():
        if len(tasks) > 1:
            verdict.add(Finding.SPLIT, f"{key}: {', '.join(map(str, tasks))}")
    for kind, finding in (("stolen", Finding.STOLEN), ("revived", Finding.REVIVED)):
        if records.breaches.get(kind):
            verdict.findings[finding] += records.breaches[kind]
    _judge_schedule(records, verdict, began=began, ended=ended)
    return verdict


def _judge_row(row: Row, ledger: Ledger, children: int, verdict: Verdict) -> None:
    what = f"{row.id} ({row.task_name}, {row.status}, {row.attempts} attempts, {row.error_code})"
    if row.effects > 1:
        verdict.add(Finding.DOUBLED, f"{what}: {row.effects} effects")
    if row.cancel_requested or row.id in ledger.cancelled:
        if row.status != JobStatus.CANCELLED or row.effects:
            verdict.add(Finding.UNWANTED, what)
        elif ledger.is_promised_again(row.id):
            verdict.add(Finding.LOST, f"{what}: promised again after its cancellation")
        return
    meant = meant_end(Trouble(row.arguments["trouble"]))
    due_effects = int(meant is JobStatus.SUCCEEDED)
    if row.status != meant or row.effects < due_effects:
        verdict.add(Finding.LOST, f"{what}: {row.effects} effects, should be {meant}")
    elif due_effects and children < int(row.arguments["children"]):
        verdict.add(Finding.LOST, f"{what}: {children} of {row.arguments['children']} children")
    elif row.effects > due_effects and not due_effects:
        verdict.add(Finding.UNWANTED, what)
    due = row.queued_at + timedelta(seconds=ledger.delays.get(row.id, 0.0))
    if row.first_start is not None and row.first_start < due - timedelta(seconds=0.01):
        verdict.add(Finding.EARLY, f"{what}: {due - row.first_start}")


def _twins(rows: Iterable[Row]) -> Iterator[tuple[Row, Row]]:
    """Jobs that were the same work and were active at the same time.

    One whose cancellation was accepted stores nothing any more: it is active no longer, though it may run.
    """
    same: defaultdict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        same[row.task_name, json.dumps(row.arguments, sort_keys=True)].append(row)
    for group in same.values():
        for first, second in pairwise(sorted(group, key=lambda row: row.queued_at)):
            ends = [end for end in (first.finished_at, first.cancelled_at) if end is not None]
            if not ends or second.queued_at + _TOLERANCE < min(ends):
                yield first, second


def _judge_schedule(records: Records, verdict: Verdict, *, began: datetime, ended: datetime) -> None:
    fired = {(slot.schedule, slot.slot) for slot in records.slots}
    moment = began.replace(second=0, microsecond=0) + timedelta(minutes=1)
    while moment < ended:
        for name in SCHEDULES:
            if (name, moment) not in fired:
                verdict.add(Finding.SLOT_MISSED, f"{name} at {moment:%H:%M}")
        moment += timedelta(minutes=1)
    slots = Counter(slot.schedule for slot in records.slots)
    jobs = Counter(row.arguments["name"] for row in records.rows if row.task_name == SlotWork.task_name)
    for name, number in jobs.items():
        if number > slots[name]:
            verdict.add(Finding.SLOT_DOUBLED, f"{name}: {number} jobs for {slots[name]} slots")
