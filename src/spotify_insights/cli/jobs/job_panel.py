"""Everything about one job, as `show` prints it."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from spotify_insights.cli.jobs.progress import progress_bar, progress_of, progress_words
from spotify_insights.cli.jobs.words import (
    exact_span,
    moment,
    plain,
    short_id,
    since,
    span,
    status_text,
    status_word,
    until,
)
from spotify_insights.jobs.overview import JobView

_ORDER = ("queued", "running", "succeeded", "failed", "dead", "cancelled")


def job_panel(job: JobView, children: Mapping[str, int]) -> Panel:
    """A panel with one line for each thing that is known; what is not known has no line."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in _lines(job, children):
        grid.add_row(name, value)
    return Panel(grid, title=plain(job.task_name), title_align="left", padding=(0, 1), expand=False)


def hint(job: JobView) -> str:
    """What an operator may do next."""
    match job.status:
        case "queued" | "running":
            return f"Stop it: spotify-insights jobs cancel {short_id(job.id)}"
        case "failed" | "dead" | "cancelled":
            return f"Queue it again: spotify-insights jobs retry {short_id(job.id)}"
        case _:
            return ""


def _lines(job: JobView, children: Mapping[str, int]) -> Iterator[tuple[str, Text]]:
    yield "id", Text(str(job.id))
    yield "status", status_text(job)
    yield "queue", Text(job.queue)
    if job.owner_id is not None:
        yield "listener", Text(str(job.owner_id))
    if job.parent_id is not None:
        yield "part of", Text(str(job.parent_id))
    yield "attempts", Text(_attempts(job))
    yield from _times(job)
    yield from _holder(job)
    if job.status == "running" and progress_of(job) is not None:
        yield "progress", Text("  ").join([progress_bar(job), progress_words(job)])
    if children:
        yield "children", _children(children)
    if job.error_code:
        ended_badly = job.status in {"failed", "dead", "cancelled"}
        yield "error" if ended_badly else "last error", Text(job.error_code, style="red")
        yield "", plain(job.error or "")
    yield "arguments", _json(job.arguments)
    if job.result is not None:
        yield "result", _json(job.result)


def _attempts(job: JobView) -> str:
    words = f"{job.attempts} of {job.max_attempts}"
    return f"{words}, put off {job.snoozes} times" if job.snoozes else words


def _times(job: JobView) -> Iterator[tuple[str, Text]]:
    seen_at = job.seen_at
    yield "queued", Text(moment(job.queued_at, seen_at))
    if job.status == "queued":
        waits = f"due for {span((seen_at - job.available_at).total_seconds())}"
        yield "next run", Text(moment(job.available_at, seen_at) if job.available_at > seen_at else waits)
        yield "sent", Text(_publishes(job))
        if job.expires_at is not None:
            yield "dead if", Text(f"it has not begun by {moment(job.expires_at, seen_at)}")
    if job.started_at is not None:
        yield "begun" if job.status == "running" else "last begun", Text(moment(job.started_at, seen_at))
    if job.finished_at is not None:
        yield "ended", Text(moment(job.finished_at, seen_at))
    if job.run_ms is not None:
        yield "took", Text(exact_span(job.run_ms))


def _publishes(job: JobView) -> str:
    if job.published_at is None:
        return "not yet"
    times = "once" if job.publishes == 1 else f"{job.publishes} times"
    return f"{times} to the workers, last {since(job.published_at, job.seen_at)}"


def _holder(job: JobView) -> Iterator[tuple[str, Text]]:
    if job.worker:
        yield "worker" if job.status == "running" else "last worker", plain(job.worker)
    if job.status == "running" and job.lease_expires_at is not None:
        yield "lease", Text(_lease(job))
        if job.deadline_at is not None:
            yield "time limit", Text(until(job.deadline_at, job.seen_at))


def _lease(job: JobView) -> str:
    assert job.lease_expires_at is not None  # noqa: S101  # for the type checker; the caller has looked
    if job.lease_expires_at > job.seen_at:
        return f"runs out {until(job.lease_expires_at, job.seen_at)} unless renewed"
    return f"ran out {since(job.lease_expires_at, job.seen_at)}; another attempt takes over"


def _children(children: Mapping[str, int]) -> Text:
    known = [(status, children[status]) for status in _ORDER if children.get(status)]
    parts = [Text.assemble(f"{count} ", status_word(status)) for status, count in known]
    total = Text(f" (of {sum(children.values())})")
    return Text(", ").join(parts) + total


def _json(value: Mapping[str, Any]) -> Text:
    return plain(json.dumps(value, indent=2 if len(value) > 1 else None, ensure_ascii=False))
