"""What a run prints and writes."""

import json
from collections import Counter, defaultdict
from pathlib import Path
from statistics import median, quantiles
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from chaos.fault import Case
from chaos.records import Row
from chaos.suite import Outcome
from chaos.verdict import Finding
from spotify_insights.jobs.job import JobStatus

Figures = dict[str, Any]
_SLOWEST: Final = 8


def figures_of(outcome: Outcome) -> Figures:
    """Everything in numbers, as `--json` writes it."""
    rows = {row.id: row for row in outcome.records.rows}
    ledger, findings = outcome.ledger, outcome.verdict.findings
    return {
        "seed": outcome.scenario.seed,
        "without": outcome.scenario.setting.without,
        "seconds": {
            "start": round(outcome.started_in, 1),
            "load": outcome.scenario.seconds,
            "drain": round(outcome.drained_in, 1),
            "total": round(outcome.total, 1),
        },
        "jobs": {
            "accepted": len(ledger.accepted),
            "joined": ledger.joined,
            "answered with an error": ledger.answers.total() - ledger.answers["202"],
            "in the table": len(rows),
            **{status.value: _with_status(outcome, status) for status in JobStatus},
            "lost": findings[Finding.LOST],
            "doubled": findings[Finding.DOUBLED] + findings[Finding.TWINS],
        },
        "attempts": dict(
            sorted(
                Counter(row.attempts for row in rows.values() if row.status == JobStatus.SUCCEEDED).items()
            )
        ),
        "snoozed": sum(row.snoozes > 0 for row in rows.values()),
        "slots fired": len(outcome.records.slots),
        "answers": dict(ledger.answers.most_common()),
        "answered after": _spread(ledger.answered_after),
        "faults": _faults(outcome.cases, rows),
        "slowest": _slowest(outcome.cases, rows),
        "findings": {finding.value: number for finding, number in findings.items()},
        "examples": {finding.value: examples for finding, examples in outcome.verdict.examples.items()},
        "good": outcome.verdict.is_good,
    }


def write_json(figures: object, file: Path) -> None:
    """Write the figures for programs."""
    file.write_text(json.dumps(figures, indent=2, default=str) + "\n", encoding="utf-8")


def print_report(figures: Figures, console: Console) -> None:
    """Print tables for people."""
    jobs = Table("jobs", "number", title="What was asked for, and what became of it")
    for name, number in figures["jobs"].items():
        jobs.add_row(name, str(number))
    attempts = ", ".join(f"{attempts}: {number}" for attempts, number in figures["attempts"].items())
    jobs.add_section()
    jobs.add_row("succeeded after so many attempts", attempts)
    jobs.add_row("snoozed", str(figures["snoozed"]))
    jobs.add_row("slots of the schedule fired", str(figures["slots fired"]))
    after = figures["answered after"]
    jobs.add_row("answered after, seconds", f"p50 {after['p50']}, p99 {after['p99']}, max {after['max']}")
    faults = Table("fault", "times", "recovery p50, s", "max, s", title="What happened meanwhile")
    for name, fault in figures["faults"].items():
        faults.add_row(name, str(fault["times"]), str(fault["p50"]), str(fault["max"]))
    faults.add_section()
    everything = [fault["times"] for fault in figures["faults"].values()]
    faults.add_row(f"{len(everything)} kinds", str(sum(everything)))
    console.print(jobs)
    console.print(faults)
    seconds = figures["seconds"]
    console.print(
        f"Started in {seconds['start']} s, under load for {seconds['load']:g} s, "
        f"drained in {seconds['drain']} s, {seconds['total']} s in all. Seed {figures['seed']}."
    )
    for finding, number in figures["findings"].items():
        console.print(f"{number} {finding}")
        for example in figures["examples"].get(finding, []):
            console.print(f"    {example}")
    verdict = "Nothing lost, nothing doubled." if figures["good"] else "The promises were broken."
    console.print(verdict, style="bold")


def _with_status(outcome: Outcome, status: JobStatus) -> int:
    return sum(row.status == status for row in outcome.records.rows)


def _faults(cases: list[Case], rows: dict[Any, Row]) -> dict[str, Any]:
    recoveries: defaultdict[str, list[float]] = defaultdict(list)
    for case in cases:
        recoveries[case.kind].extend(_recovery(case, rows))
    times = Counter(case.kind for case in cases)
    return {
        kind: {"times": times[kind], **{k: v for k, v in _spread(seconds).items() if k != "p99"}}
        for kind, seconds in sorted(recoveries.items())
    }


def _slowest(cases: list[Case], rows: dict[Any, Row]) -> list[dict[str, Any]]:
    """The jobs behind the longest recoveries, for whoever wants to know why."""
    found = []
    for case in cases:
        for job_id in case.struck & rows.keys():
            row = rows[job_id]
            if case.mended is not None and row.finished_at is not None:
                seconds = (row.finished_at - case.mended).total_seconds()
                found.append((seconds, case, row))
    found.sort(key=lambda entry: entry[0], reverse=True)
    return [
        {
            "seconds": round(seconds, 2),
            "fault": case.kind,
            "mended": case.mended,
            "job": row.id,
            "queued": row.queued_at,
            "starts": row.starts,
            "finished": row.finished_at,
            "publishes": row.publishes,
        }
        for seconds, case, row in found[:_SLOWEST]
    ]


def _recovery(case: Case, rows: dict[Any, Row]) -> list[float]:
    """How long after its end everything that the fault struck was done; nothing if something is not."""
    ends = [rows[job_id].finished_at for job_id in case.struck if job_id in rows]
    done = [end for end in ends if end is not None]
    if case.mended is None or not done or len(done) < len(ends):
        return []
    return [max(0.0, (max(done) - case.mended).total_seconds())]


def _spread(seconds: list[float]) -> dict[str, float | None]:
    if not seconds:
        return {"p50": None, "p99": None, "max": None}
    p99 = quantiles(seconds, n=100)[98] if len(seconds) > 1 else seconds[0]
    return {
        "p50": round(median(seconds), 2),
        "p99": round(min(p99, max(seconds)), 2),
        "max": round(max(seconds), 2),
    }
