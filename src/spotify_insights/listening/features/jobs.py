"""Background work on audio features."""

from datetime import timedelta
from typing import ClassVar

from spotify_insights.jobs.job import Job, Queue


class FillFeatures(Job):
    """Ask for the audio features of tracks that lack some, those needed most first.

    It carries nothing, so that there is one at a time for the whole installation, and whoever wants another
    joins it. It ends after some twenty calls and queues the next one while there is more to ask.
    """

    task_name: ClassVar[str] = "listening.fill_features"
    queue: ClassVar[Queue] = Queue.SCHEDULED
    max_attempts: ClassVar[int] = 3
    time_limit: ClassVar[timedelta] = timedelta(minutes=10)
