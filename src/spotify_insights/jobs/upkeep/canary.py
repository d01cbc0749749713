"""Canaries: a job for each queue that does nothing but end, so that a queue that stands still is seen."""

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import ClassVar, Final

from spotify_insights.jobs.attempt import Attempt
from spotify_insights.jobs.job import Job, Queue


class Canary(Job):
    """A sign of life of one queue, from the schedule to the stored end and through everything in between.

    While one waits the next slot joins it, because they are equal: a queue that stands still has one canary,
    and the age of that one says for how long.
    """

    # It waits as long as its queue stands still: a dead canary would be a second message about the same.
    expires_after: ClassVar[timedelta] = timedelta(days=365)


class SpotifyCanary(Canary):
    """The sign of life of the queue `spotify`."""

    task_name: ClassVar[str] = "spotify.canary"
    queue: ClassVar[Queue] = Queue.SPOTIFY


class InsightsCanary(Canary):
    """The sign of life of the queue `insights`."""

    task_name: ClassVar[str] = "insights.canary"
    queue: ClassVar[Queue] = Queue.INSIGHTS


class ScheduledCanary(Canary):
    """The sign of life of the queue `scheduled`."""

    task_name: ClassVar[str] = "scheduled.canary"
    queue: ClassVar[Queue] = Queue.SCHEDULED


CANARIES: Final[Mapping[Queue, type[Canary]]] = MappingProxyType(
    {canary.queue: canary for canary in (SpotifyCanary, InsightsCanary, ScheduledCanary)}
)
# For statements: the names are constants of ours, so they may stand in the text, where the planner sees them.
CANARY_TASKS: Final = ", ".join(f"'{canary.task_name}'" for canary in CANARIES.values())


def sing(attempt: Attempt, _job: Canary) -> None:
    """End well. That it ended, and when, is all there is to know."""
    with attempt.completion():
        pass
