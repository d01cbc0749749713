"""The picture that `watch` draws again every second."""

from datetime import UTC, datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from spotify_insights.cli.jobs.job_lines import NARROW, job_lines, running_lines
from spotify_insights.cli.jobs.words import span
from spotify_insights.jobs.overview import Overview, QueueView

# Headings, the table of queues and the last line.
_OTHER_LINES = 14
_FEWEST = 3


def room_for_jobs(*, height: int, width: int) -> tuple[int, int]:
    """How many running and how many ended jobs fit into a terminal of that size."""
    lines_each = 2 if width < NARROW else 1
    room = max((height - _OTHER_LINES) // lines_each, 2 * _FEWEST)
    return room - room // 2, room // 2


def overview_picture(seen: Overview, *, loss: str | None) -> RenderableType:
    """Queues, running jobs and the latest ended ones; `loss` says why there is nothing newer."""
    return Group(
        _queues(seen),
        Text(),
        Text("Running", style="bold underline"),
        running_lines(seen.running) if seen.running else Text("nothing", style="dim"),
        Text(),
        Text("Ended last", style="bold underline"),
        job_lines(seen.ended) if seen.ended else Text("nothing", style="dim"),
        Text(),
        last_line(seen.seen_at, loss=loss),
    )


def last_line(seen_at: datetime | None, *, loss: str | None) -> Text:
    """How fresh the picture is, and how to end it."""
    line = Text()
    if loss is not None:
        line.append(f"{loss} Trying again. ", style="bold red")
    if seen_at is not None:
        line.append(f"As of {seen_at.astimezone(UTC):%H:%M:%S} UTC. ")
    line.append("Ctrl-C ends this view.", style="dim")
    return line


def _queues(seen: Overview) -> RenderableType:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("QUEUE")
    for name in ("QUEUED", "OLDEST DUE", "RUNNING", "DEAD", "ENDED IN 1 H"):
        table.add_column(name, justify="right", no_wrap=True)
    for name, queue in seen.queues.items():
        table.add_row(
            name,
            str(queue.queued),
            oldest(queue),
            str(queue.running),
            Text(str(queue.dead), style="bold red" if queue.dead else ""),
            str(queue.ended_last_hour),
        )
    return table


def oldest(queue: QueueView) -> str:
    """How long the oldest due job has been waiting."""
    return "-" if queue.oldest_seconds is None else span(queue.oldest_seconds)
