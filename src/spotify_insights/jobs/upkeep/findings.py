"""What an operator should know: from observations to sentences. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any

from spotify_insights.jobs.upkeep.thresholds import Thresholds


class AlertKind(StrEnum):
    """What an alert is about; its subject is a task for the first two and a queue for the others."""

    FAILURE_RATE = "failure_rate"
    DEAD_JOBS = "dead_jobs"
    QUEUE_WAITING = "queue_waiting"
    QUEUE_SILENT = "queue_silent"


class Severity(StrEnum):
    """Whether it can wait for a working day."""

    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True)
class Ended:
    """How many jobs of one task ended, and the reasons of those that did not succeed, by error code."""

    jobs: int
    reasons: Mapping[str, int]


@dataclass(frozen=True)
class Observation:
    """The job table at one moment, as far as alerts need it.

    Args:
        ended: by task, within the failure window; failed and dead ones are unsuccessful.
        died: by task, within the dead window.
        waiting: by queue, how long its oldest due job has waited while the installation was awake.
        canary_waiting: by queue, how long its canary has.
        working: the queues of which a worker has ended a job within the silent threshold.
    """

    ended: Mapping[str, Ended] = field(default_factory=dict)
    died: Mapping[str, Ended] = field(default_factory=dict)
    waiting: Mapping[str, timedelta] = field(default_factory=dict)
    canary_waiting: Mapping[str, timedelta] = field(default_factory=dict)
    working: AbstractSet[str] = frozenset()


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong now."""

    kind: AlertKind
    subject: str
    severity: Severity
    message: str
    details: Mapping[str, Any]


def conclude(observed: Observation, thresholds: Thresholds) -> Sequence[Finding]:
    """Whatever reaches its threshold; one finding per kind and subject."""
    return [
        *_failure_rates(observed, thresholds),
        *_dead_jobs(observed, thresholds),
        *_waiting_queues(observed, thresholds),
        *_silent_queues(observed, thresholds),
    ]


def _failure_rates(observed: Observation, thresholds: Thresholds) -> Iterator[Finding]:
    for task, ended in observed.ended.items():
        failed = sum(ended.reasons.values())
        if failed == 0 or ended.jobs < thresholds.failure_minimum_jobs:
            continue
        # Whole numbers, so that a quarter is exactly a quarter.
        if failed * 100 < thresholds.failure_percent * ended.jobs:
            continue
        yield Finding(
            AlertKind.FAILURE_RATE,
            task,
            Severity.WARNING,
            f"{failed} of {ended.jobs} jobs of {task} failed within {duration(thresholds.failure_window)}, "
            f"{_reason(ended.reasons)}. Look at them: "
            f"spotify-insights jobs list --task {task} --status failed --status dead.",
            {"failed": failed, "ended": ended.jobs, "reasons": dict(ended.reasons)},
        )


def _dead_jobs(observed: Observation, thresholds: Thresholds) -> Iterator[Finding]:
    for task, died in observed.died.items():
        jobs = "1 job" if died.jobs == 1 else f"{died.jobs} jobs"
        yield Finding(
            AlertKind.DEAD_JOBS,
            task,
            Severity.WARNING,
            f"{jobs} of {task} died within {duration(thresholds.dead_window)}, {_reason(died.reasons)}. "
            f"Look at them: spotify-insights jobs list --task {task} --status dead. "
            f"Once the cause is gone, queue them again: spotify-insights jobs retry --dead --task {task}.",
            {"dead": died.jobs, "reasons": dict(died.reasons)},
        )


def _waiting_queues(observed: Observation, thresholds: Thresholds) -> Iterator[Finding]:
    for queue, waited in observed.waiting.items():
        if waited >= thresholds.waiting:
            yield Finding(
                AlertKind.QUEUE_WAITING,
                queue,
                Severity.WARNING,
                f"Queue {queue} has had a job waiting for {duration(waited)}. "
                f"Look whether its worker runs: spotify-insights worker {queue}. "
                "If it does and the queue is long, start another one.",
                {"oldest_due_seconds": round(waited.total_seconds())},
            )


def _silent_queues(observed: Observation, thresholds: Thresholds) -> Iterator[Finding]:
    for queue, waited in observed.canary_waiting.items():
        # Behind a long queue a canary waits, too; what stands still ends nothing else either.
        if waited >= thresholds.silent and queue not in observed.working:
            yield Finding(
                AlertKind.QUEUE_SILENT,
                queue,
                Severity.CRITICAL,
                f"Queue {queue} stands still: its canary has waited for {duration(waited)}, and no job of it "
                f"has ended lately. Start its worker: spotify-insights worker {queue}. "
                "If that runs, restart it, and look whether the relay reaches Redis.",
                {"canary_waiting_seconds": round(waited.total_seconds())},
            )


def _reason(reasons: Mapping[str, int]) -> str:
    commonest = min(reasons, key=lambda code: (-reasons[code], code))
    return f"{'mostly' if len(reasons) > 1 else 'all'} with {commonest}"


def duration(time: timedelta) -> str:
    """A span of time in words, rounded down: "12 minutes"."""
    seconds = int(time.total_seconds())
    for unit, length in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        if seconds >= 2 * length or seconds == length:
            return _count(seconds // length, unit)
    return _count(seconds, "second")


def _count(number: int, unit: str) -> str:
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"
