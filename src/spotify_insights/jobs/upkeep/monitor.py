"""Telling an operator what goes wrong with jobs, before anybody complains."""

from typing import ClassVar

from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.database import Database, Transaction
from spotify_insights.jobs.attempt import Attempt
from spotify_insights.jobs.job import Job, Queue
from spotify_insights.jobs.slots import Schedule
from spotify_insights.jobs.upkeep.alerts import AlertNote, Changes, await_turn, keep_alerts
from spotify_insights.jobs.upkeep.findings import Severity, conclude
from spotify_insights.jobs.upkeep.observation import observe
from spotify_insights.jobs.upkeep.thresholds import Thresholds
from spotify_insights.observability import get_logger

_log = get_logger(__name__)


class MonitorFailedJobs(Job):
    """Look at the job table and keep the alerts by what is seen."""

    task_name: ClassVar[str] = "scheduled.monitor_failed_jobs"
    queue: ClassVar[Queue] = Queue.SCHEDULED


def monitor_failed_jobs(
    attempt: Attempt, _job: MonitorFailedJobs, *, thresholds: Thresholds, schedule: Schedule | None = None
) -> None:
    """Raise, update and resolve alerts; log one line for each. Safe to repeat and to run twice at once.

    Args:
        schedule: the one that the installation keeps while it is awake; see `observe`.
    """
    with attempt.completion() as completion:
        changes = _look(completion.tx, thresholds, schedule)
        completion.result = changes.counts
    _report(changes)


def watch(database: Database, thresholds: Thresholds, schedule: Schedule | None = None) -> Changes:
    """The same outside a job, for a process that should notice that the monitor's own queue stands still."""
    with database.transaction(acting_for=SYSTEM) as tx:
        changes = _look(tx, thresholds, schedule)
    _report(changes)
    return changes


def _look(tx: Transaction, thresholds: Thresholds, schedule: Schedule | None) -> Changes:
    await_turn(tx.session)
    return keep_alerts(tx, conclude(observe(tx.session, thresholds, schedule), thresholds))


def _report(changes: Changes) -> None:
    """After the commit, so that the log tells of nothing that was rolled back."""
    for note in changes.raised:
        log = _log.error if note.severity == Severity.CRITICAL else _log.warning
        log("alert_raised", **_facts(note))
    for note in changes.still_open:
        _log.info("alert_still_open", **_facts(note))
    for note in changes.resolved:
        _log.info("alert_resolved", **_facts(note))


def _facts(note: AlertNote) -> dict[str, str]:
    return {
        "kind": note.kind.value,
        "subject": note.subject,
        "severity": note.severity.value,
        "message": note.message,
    }
