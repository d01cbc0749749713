"""`jobs watch`: looks about once a second and shows what it sees, until Ctrl-C or the watched job's end."""

import signal
import sys
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text
from sqlalchemy.orm import Session

from spotify_insights.cli.jobs.changes import job_change, overview_changes, stamped
from spotify_insights.cli.jobs.choosing import FollowedJob, Follower
from spotify_insights.cli.jobs.job_panel import hint, job_panel
from spotify_insights.cli.jobs.live_view import last_line, overview_picture, room_for_jobs
from spotify_insights.cli.jobs.operator_database import OperatorDatabase
from spotify_insights.cli.jobs.printing import console_for_people
from spotify_insights.clock import now
from spotify_insights.errors import SetupError, UnavailableError
from spotify_insights.jobs.overview import Overview, overview

T = TypeVar("T")

_LOOK_EVERY_SECONDS: Final = 1.0
# What shells report for a program that Ctrl-C ended.
_ENDED_BY_CTRL_C: Final = 130
_LOST: Final = "The database does not answer."
# Without a terminal there is no height; nobody reads more lines about one second.
_ROOM_OF_A_LOG: Final = 100


@dataclass(frozen=True)
class Look(Generic[T]):
    """What was seen last (None: nothing yet), and why that is not new (None: it is)."""

    seen: T | None
    loss: str | None


def watch_everything(database: OperatorDatabase) -> int:
    """Show queues, running jobs and the latest ended ones until Ctrl-C, which is its ordinary end."""
    console = console_for_people()

    def read(session: Session) -> Overview:
        running, ended = _ROOM_OF_A_LOG, _ROOM_OF_A_LOG
        if _is_interactive(console):
            running, ended = room_for_jobs(height=console.height, width=console.width)
        return overview(session, running=running, ended=ended)

    def picture(look: Look[Overview]) -> RenderableType:
        if look.seen is None:
            return last_line(None, loss=look.loss)
        return overview_picture(look.seen, loss=look.loss)

    def lines(before: Overview | None, seen: Overview) -> Iterator[str]:
        return overview_changes(before, seen)

    _show(console, _looks(database, read), picture=picture, lines=lines)
    return 0


def watch_one(database: OperatorDatabase, typed: str) -> int:
    """Follow one job until it has ended; 0 if it succeeded, 1 if not, 130 after Ctrl-C.

    Raises:
        InvalidInputError: `typed` is no job id.
        NotFoundError: there is no such job, or not any more.
    """
    console = console_for_people()
    follower = Follower(typed)

    def looks() -> Iterator[Look[FollowedJob]]:
        for look in _looks(database, follower.read):
            yield look
            if look.seen is not None and look.seen.has_ended:
                return

    def picture(look: Look[FollowedJob]) -> RenderableType:
        if look.seen is None:
            return last_line(None, loss=look.loss)
        panel = job_panel(look.seen.job, look.seen.children)
        if look.seen.has_ended:
            return Group(panel, Text(hint(look.seen.job)))
        return Group(panel, last_line(look.seen.job.seen_at, loss=look.loss))

    def lines(before: FollowedJob | None, seen: FollowedJob) -> Iterator[str]:
        changed = job_change(before.job if before else None, seen.job)
        return iter([changed] if changed else [])

    last = _show(console, looks(), picture=picture, lines=lines)
    if last is None or not last.has_ended:
        return _ENDED_BY_CTRL_C
    return 0 if last.job.status == "succeeded" else 1


def _looks(database: OperatorDatabase, read: Callable[[Session], T]) -> Iterator[Look[T]]:
    """Read again and again. A database that goes away is waited for; one that never was there is an error."""
    seen: T | None = None
    while True:
        loss: str | None = None
        try:
            with database.transaction() as tx:
                seen = read(tx.session)
        except UnavailableError:
            loss = _LOST
        except SetupError as error:
            if seen is None:
                raise
            loss = error.message
        yield Look(seen, loss)
        time.sleep(_LOOK_EVERY_SECONDS)


def _show(
    console: Console,
    looks: Iterator[Look[T]],
    *,
    picture: Callable[[Look[T]], RenderableType],
    lines: Callable[[T | None, T], Iterator[str]],
) -> T | None:
    """Draw or tell every look until there are no more or Ctrl-C; what was seen last."""
    last: T | None = None
    with _ctrl_c_ends():
        if _is_interactive(console):
            with Live(console=console, auto_refresh=False) as live:
                for look in looks:
                    live.update(picture(look), refresh=True)
                    last = look.seen
        else:
            loss: str | None = None
            for look in looks:
                if look.loss != loss:
                    _tell(stamped(now(), f"{look.loss} Trying again." if look.loss else "It answers again."))
                    loss = look.loss
                if look.seen is not None and look.loss is None:
                    for line in lines(last, look.seen):
                        _tell(line)
                    last = look.seen
    return last


def _tell(line: str) -> None:
    """One line at once. Where nobody reads any more, the error ends the command without a word."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


@contextmanager
def _ctrl_c_ends() -> Generator[None]:
    """Ctrl-C, SIGTERM or a closed terminal leave the block in good order: the cursor is visible again."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    previous = {number: signal.signal(number, signal.default_int_handler) for number in numbers}
    try:
        yield
    except KeyboardInterrupt:
        pass
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _is_interactive(console: Console) -> bool:
    return sys.stdout.isatty() and not console.is_dumb_terminal
