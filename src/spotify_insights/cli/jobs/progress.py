"""How far a running job says it is."""

from typing import Final

from rich.text import Text

from spotify_insights.cli.jobs.words import plain
from spotify_insights.jobs.overview import JobView

_BAR: Final = 16


def progress_of(job: JobView) -> tuple[str, int, int] | None:
    """The step that is next, how much is done, and of how much; None where the job has not said."""
    told = job.progress or {}
    done, total = told.get("done"), told.get("total")
    if not isinstance(done, int) or not isinstance(total, int) or total <= 0:
        return None
    return str(told.get("step") or ""), max(0, min(done, total)), total


def progress_bar(job: JobView) -> Text:
    """A bar, or a dash."""
    progress = progress_of(job)
    if progress is None:
        return Text("-")
    _, done, total = progress
    filled = done * _BAR // total
    return Text.assemble(("█" * filled, "green"), ("░" * (_BAR - filled), "dim"))


def progress_words(job: JobView) -> Text:
    """As "3/10 top artists"."""
    progress = progress_of(job)
    if progress is None:
        return Text("")
    step, done, total = progress
    return plain(f"{done}/{total} {step}".strip())
