"""Background work on genres."""

from datetime import timedelta
from typing import ClassVar

from spotify_insights.jobs.job import Job, Queue


class FillGenres(Job):
    """Ask for the genres of artists that have none, the most played first. One at a time."""

    task_name: ClassVar[str] = "listening.fill_genres"
    queue: ClassVar[Queue] = Queue.SCHEDULED
    max_attempts: ClassVar[int] = 3
    time_limit: ClassVar[timedelta] = timedelta(minutes=10)
