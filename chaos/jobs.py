"""The jobs of the suite: work that takes some time, goes wrong on order, and leaves one countable effect."""

import contextlib
import os
import signal
import time
from datetime import timedelta
from enum import StrEnum
from typing import ClassVar, Final, NoReturn

from chaos.records import note_effect, note_start
from spotify_insights.errors import PermanentError, SnoozeError, TemporaryError
from spotify_insights.jobs.attempt import Attempt
from spotify_insights.jobs.enqueue import enqueue
from spotify_insights.jobs.job import Job, JobStatus, Queue
from spotify_insights.jobs.run import Handler

_STEP_SECONDS: Final = 0.5


class Trouble(StrEnum):
    """What goes wrong inside a job."""

    NONE = "none"
    RATE_LIMITED = "rate_limited"
    UPSTREAM = "upstream"
    CRASH = "crash"
    REFUSED = "refused"
    POISON = "poison"
    OUT_OF_MEMORY = "out_of_memory"
    ENDLESS = "endless"
    ENDLESS_AND_DEAF = "endless_and_deaf"


class ChaosWork(Job):
    """Work as any other.

    `name` tells pieces of work apart: two requests with equal fields are the same work. `times` is how many
    starts meet the trouble. A `hasty` job never looks whether it is still wanted before it finishes, so that
    only the fence stands between a zombie and a second effect.
    """

    # Faults cost attempts; so many in a row that this is used up do not happen to one job by chance.
    max_attempts: ClassVar[int] = 20

    name: str
    seconds: float = 0.0
    trouble: Trouble = Trouble.NONE
    times: int = 1
    hasty: bool = False
    children: int = 0


class SpotifyWork(ChaosWork):
    task_name: ClassVar[str] = "spotify.chaos"
    queue: ClassVar[Queue] = Queue.SPOTIFY


class InsightsWork(ChaosWork):
    task_name: ClassVar[str] = "insights.chaos"
    queue: ClassVar[Queue] = Queue.INSIGHTS


class ScheduledWork(ChaosWork):
    task_name: ClassVar[str] = "scheduled.chaos"
    queue: ClassVar[Queue] = Queue.SCHEDULED


class HopelessWork(ChaosWork):
    """Work that can only end dead: it uses up its few attempts."""

    task_name: ClassVar[str] = "insights.chaos_hopeless"
    queue: ClassVar[Queue] = Queue.INSIGHTS
    max_attempts: ClassVar[int] = 3
    time_limit: ClassVar[timedelta] = timedelta(seconds=3)


class SlotWork(ChaosWork):
    """What a moment of the schedule asks for; `name` is the schedule's."""

    task_name: ClassVar[str] = "scheduled.chaos_slot"
    queue: ClassVar[Queue] = Queue.SCHEDULED


CHAOS_JOBS: Final[tuple[type[ChaosWork], ...]] = (
    SpotifyWork,
    InsightsWork,
    ScheduledWork,
    HopelessWork,
    SlotWork,
)
ORDINARY: Final = {
    Queue.SPOTIFY: SpotifyWork,
    Queue.INSIGHTS: InsightsWork,
    Queue.SCHEDULED: ScheduledWork,
}
_ENDS_FAILED: Final = frozenset({Trouble.REFUSED})
_ENDS_DEAD: Final = frozenset(
    {Trouble.POISON, Trouble.OUT_OF_MEMORY, Trouble.ENDLESS, Trouble.ENDLESS_AND_DEAF}
)


def meant_end(trouble: Trouble) -> JobStatus:
    """How a job with this trouble has to end."""
    if trouble in _ENDS_FAILED:
        return JobStatus.FAILED
    return JobStatus.DEAD if trouble in _ENDS_DEAD else JobStatus.SUCCEEDED


def work_type(queue: Queue, trouble: Trouble) -> type[ChaosWork]:
    """The kind of job for work on `queue`; hopeless work has a kind of its own."""
    return HopelessWork if trouble in _ENDS_DEAD else ORDINARY[queue]


class ChaosHandlers:
    """One handler does every kind."""

    def __getitem__(self, job_type: type[Job], /) -> Handler:
        return do


def do(attempt: Attempt, job: ChaosWork) -> None:
    """Take the time, meet the trouble, and leave one effect together with the job's end."""
    if note_start(attempt) <= job.times or meant_end(job.trouble) is not JobStatus.SUCCEEDED:
        _meet(job.trouble)
    _take_time(attempt, job)
    with attempt.completion() as completion:
        note_effect(completion.tx, attempt)
        for number in range(job.children):
            child = type(job)(name=f"{job.name}/{number}")
            enqueue(completion.tx, child, parent_id=attempt.job_id)


def _take_time(attempt: Attempt, job: ChaosWork) -> None:
    if job.hasty:
        time.sleep(job.seconds)
        return
    steps = max(1, round(job.seconds / _STEP_SECONDS))
    for step in range(steps):
        time.sleep(job.seconds / steps)
        if step + 1 < steps:
            attempt.progress("working", done=step + 1, total=steps)


def _meet(trouble: Trouble) -> None:  # noqa: C901  # one line for each kind
    match trouble:
        case Trouble.NONE:
            return
        case Trouble.RATE_LIMITED:
            raise SnoozeError("The provider asked us to wait.", wait=timedelta(seconds=0.5))
        case Trouble.UPSTREAM:
            raise TemporaryError("The provider has trouble of its own.")
        case Trouble.CRASH:
            raise RuntimeError("A defect that nobody foresaw.")
        case Trouble.REFUSED:
            raise PermanentError("The provider refuses for good.")
        case Trouble.POISON:
            os.kill(os.getpid(), signal.SIGKILL)
        case Trouble.OUT_OF_MEMORY:
            raise MemoryError
        case Trouble.ENDLESS:
            _never_end()
        case Trouble.ENDLESS_AND_DEAF:
            while True:
                # Swallows the soft limit, as a careless library does.
                with contextlib.suppress(Exception):
                    _never_end()


def _never_end() -> NoReturn:
    while True:
        time.sleep(0.01)
