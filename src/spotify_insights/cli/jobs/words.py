"""How the jobs commands say things: ids, states, moments and spans. Colour only repeats what a word says."""

from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from rich.text import Text

from spotify_insights.jobs.overview import JobView

_STYLES: Final = {
    "queued": "cyan",
    "running": "bold blue",
    "succeeded": "green",
    "failed": "red",
    "dead": "bold red",
    "cancelled": "yellow",
}
_ENDS_OF_ID: Final = 8


def short_id(job_id: UUID) -> str:
    """The end of an id: its beginning is a time, so jobs of one moment share it."""
    return str(job_id)[-_ENDS_OF_ID:]


def plain(text: str) -> Text:
    """Somebody else's words, without what would steer the terminal."""
    return Text(
        "".join(mark if mark.isprintable() or mark == "\n" else "\N{REPLACEMENT CHARACTER}" for mark in text)
    )


def status_text(job: JobView) -> Text:
    """The state in one word, and what is about to change it."""
    if job.cancel_requested and job.status == "running":
        return Text("cancelling", style=_STYLES["cancelled"])
    return status_word(job.status)


def status_word(status: str) -> Text:
    return Text(status, style=_STYLES.get(status, ""))


def span(seconds: float) -> str:
    """A length of time, as short as it can be said: "12 s", "3 min", "5 h", "6 days"."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min"
    if whole < 48 * 3600:
        return f"{whole // 3600} h"
    return f"{whole // 86400} days"


def exact_span(milliseconds: int) -> str:
    """How long work took: "0.34 s", "1.2 s", "12 s", "3 min"."""
    seconds = milliseconds / 1000
    if seconds < 1:
        return f"{seconds:.2f} s"
    return f"{seconds:.1f} s" if seconds < 10 else span(seconds)


def since(then: datetime, seen_at: datetime) -> str:
    """How long ago something was."""
    return f"{span((seen_at - then).total_seconds())} ago"


def until(then: datetime, seen_at: datetime) -> str:
    """How soon something is, or that it was."""
    seconds = (then - seen_at).total_seconds()
    return f"in {span(seconds)}" if seconds > 0 else since(then, seen_at)


def moment(then: datetime, seen_at: datetime) -> str:
    """A moment in UTC, and how far away it is."""
    return f"{then.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC ({until(then, seen_at)})"


def run_text(job: JobView) -> str:
    """When it runs next, how long it has been running, or how long it took."""
    if job.status == "queued":
        return until(job.available_at, job.seen_at) if job.available_at > job.seen_at else "due now"
    if job.status == "running" and job.started_at is not None:
        return f"for {span((job.seen_at - job.started_at).total_seconds())}"
    if job.run_ms is not None:
        return f"took {exact_span(job.run_ms)}"
    return "never ran" if job.started_at is None else ""


def tries(job: JobView) -> str:
    """Attempts made, of those there are."""
    return f"{job.attempts}/{job.max_attempts}"


def reason_text(job: JobView) -> str:
    """Why a job ended badly or has to run again; nothing for one that went well."""
    if job.status == "succeeded" or not job.error_code:
        return ""
    if not job.error:
        return job.error_code
    # "cancelled: The job was cancelled." would say it twice.
    return job.error if job.error_code == job.status else f"{job.error_code}: {job.error}"
