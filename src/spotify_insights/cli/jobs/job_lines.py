"""Jobs as lines, as `list` and `watch` show them: whole through a pipe, cut to fit a terminal."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from rich.console import Console, ConsoleOptions
from rich.text import Text

from spotify_insights.cli.jobs.progress import progress_bar, progress_words
from spotify_insights.cli.jobs.words import (
    plain,
    reason_text,
    run_text,
    short_id,
    since,
    status_text,
    tries,
)
from spotify_insights.jobs.overview import JobView

_GAP: Final = 2
# A terminal as narrow as this has no room for the last column beside the others.
NARROW: Final = 120
_INDENT: Final = 10
_SHORTEST_TASK: Final = 20
_TASK: Final = 1

Cells = Callable[[JobView], Sequence[Text]]


class JobLines:
    """A heading and a line for each job; only the name of the task and the remark may be cut short.

    The remark stands at the end of the line, in a narrow terminal below it.
    """

    def __init__(
        self,
        jobs: Sequence[JobView],
        *,
        headings: Sequence[str],
        cells: Cells,
        remark: Callable[[JobView], Text],
    ) -> None:
        self._rows = [(list(cells(job)), remark(job)) for job in jobs]
        self._headings = headings

    def __rich_console__(self, _console: Console, options: ConsoleOptions) -> Iterator[Text]:
        """What Rich prints."""
        is_narrow = options.max_width < NARROW
        shown = self._headings[:-1] if is_narrow else self._headings
        widths = self._widths(options.max_width)
        yield self._line([Text(heading, style="bold") for heading in shown], widths, options.max_width)
        for cells, remark in self._rows:
            if not is_narrow:
                yield self._line([*cells, remark], widths, options.max_width)
                continue
            yield self._line(cells, widths, options.max_width)
            if remark:
                below = Text(" " * _INDENT) + remark
                below.truncate(options.max_width, overflow="ellipsis")
                yield below

    def _widths(self, available: int) -> Sequence[int]:
        columns = zip(self._headings, *(cells for cells, _ in self._rows), strict=False)
        widths = [max(len(cell) for cell in column) for column in columns]
        room = available - sum(widths) - _GAP * len(widths) + widths[_TASK]
        widths[_TASK] = min(widths[_TASK], max(room, _SHORTEST_TASK))
        return widths

    def _line(self, cells: Sequence[Text], widths: Sequence[int], available: int) -> Text:
        line = Text(no_wrap=True)
        for number, cell in enumerate(cells):
            if number < len(widths):
                cell.truncate(widths[number], overflow="ellipsis", pad=True)
            line.append_text(cell).append(" " * _GAP)
        line.rstrip()
        line.truncate(available, overflow="ellipsis")
        return line


def job_lines(jobs: Sequence[JobView]) -> JobLines:
    """Jobs in any state."""

    def cells(job: JobView) -> Sequence[Text]:
        return (
            Text(short_id(job.id)),
            plain(job.task_name),
            status_text(job),
            Text(tries(job)),
            Text(since(job.queued_at, job.seen_at)),
            Text(run_text(job)),
        )

    return JobLines(
        jobs,
        headings=("ID", "TASK", "STATUS", "TRIES", "QUEUED", "RUN", "REASON"),
        cells=cells,
        remark=lambda job: plain(reason_text(job).replace("\n", " ")),
    )


def running_lines(jobs: Sequence[JobView]) -> JobLines:
    """Running jobs, with how far they are."""

    def cells(job: JobView) -> Sequence[Text]:
        return (
            Text(short_id(job.id)),
            plain(job.task_name),
            status_text(job),
            Text(tries(job)),
            Text(run_text(job)),
            progress_bar(job),
        )

    return JobLines(
        jobs,
        headings=("ID", "TASK", "STATUS", "TRIES", "RUN", "PROGRESS", "STEP"),
        cells=cells,
        remark=progress_words,
    )
