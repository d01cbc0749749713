"""Background work on history blocks."""

from datetime import timedelta
from typing import ClassVar

from spotify_insights.jobs.job import Job, ListenerJob, Queue


class RefreshHistory(ListenerJob):
    """Pack one listener's history anew, after something about it was learnt or deleted."""

    task_name: ClassVar[str] = "listening.refresh_history"
    queue: ClassVar[Queue] = Queue.SCHEDULED
    time_limit: ClassVar[timedelta] = timedelta(minutes=5)


class RefreshHistories(Job):
    """Queue that for every listener whose blocks are missing or could say more."""

    task_name: ClassVar[str] = "listening.refresh_histories"
    queue: ClassVar[Queue] = Queue.SCHEDULED
