"""What has changed between two looks, as lines for a log: `watch` where there is no terminal."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from spotify_insights.cli.jobs.live_view import oldest
from spotify_insights.cli.jobs.progress import progress_words
from spotify_insights.cli.jobs.words import (
    plain,
    reason_text,
    run_text,
    short_id,
    status_text,
)
from spotify_insights.jobs.overview import JobView, Overview, QueueView

_COMMITTED_WITHIN: Final = timedelta(seconds=10)


def stamped(moment: datetime, line: str) -> str:
    """The line with its time in front."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}  {line}"


def overview_changes(before: Overview | None, seen: Overview) -> Iterator[str]:
    """A line for each queue whose figures changed, each job that began and each that ended."""
    known = {job.id for job in before.running} if before else set()
    for job in seen.running:
        if before is not None and job.id not in known:
            yield stamped(
                seen.seen_at, f"{_name(job)}: running, attempt {job.attempts} of {job.max_attempts}"
            )
    ended_before = {(job.id, job.finished_at) for job in before.ended} if before else set()
    for job in reversed(seen.ended):
        if before is not None and (job.id, job.finished_at) not in ended_before and _is_news(job, before):
            yield stamped(seen.seen_at, f"{_name(job)}: {_standing(job)}")
    for name, queue in seen.queues.items():
        if before is None or _figures(before.queues[name]) != _figures(queue):
            yield stamped(seen.seen_at, f"queue {name}: {_words(queue)}")


def job_change(before: JobView | None, seen: JobView) -> str | None:
    """One line where the job stands elsewhere than before."""
    if before is not None and _place(before) == _place(seen):
        return None
    return stamped(seen.seen_at, f"{_name(seen)}: {_standing(seen)}")


def _name(job: JobView) -> str:
    return f"{short_id(job.id)} {plain(job.task_name)}"


def _is_news(job: JobView, before: Overview) -> bool:
    """Whether it ended lately: one that only came into view because another left the list is none.

    A job's end is stamped before it is committed, so that it may lie a little before the last look.
    """
    return job.finished_at is not None and job.finished_at > before.seen_at - _COMMITTED_WITHIN


def _standing(job: JobView) -> str:
    words = f"{status_text(job)}, attempt {job.attempts} of {job.max_attempts}"
    progress = str(progress_words(job)) if job.status == "running" else ""
    parts = [
        words,
        progress or (run_text(job) if job.status != "running" else ""),
        str(plain(reason_text(job))),
    ]
    return ", ".join(part.replace("\n", " ") for part in parts if part)


def _place(job: JobView) -> tuple[object, ...]:
    return (job.status, job.attempts, job.snoozes, job.cancel_requested, job.progress, job.error_code)


def _figures(queue: QueueView) -> tuple[int, int, int]:
    return queue.queued, queue.running, queue.dead


def _words(queue: QueueView) -> str:
    age = f" (the oldest due for {oldest(queue)})" if queue.oldest_seconds is not None else ""
    return f"{queue.queued} queued{age}, {queue.running} running, {queue.dead} dead"
