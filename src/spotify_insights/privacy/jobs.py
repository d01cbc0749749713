"""Background work on leaving, taking along and forgetting."""

from datetime import timedelta
from typing import ClassVar, Final
from uuid import UUID

from spotify_insights.jobs.job import Job, ListenerJob, Queue
from spotify_insights.listening.jobs import PurgeDisconnectedData

_LONG = timedelta(minutes=10)


class ExportUserData(ListenerJob):
    """Make a zip of everything that is stored about a listener."""

    task_name: ClassVar[str] = "scheduled.export_user_data"
    queue: ClassVar[Queue] = Queue.SCHEDULED
    time_limit: ClassVar[timedelta] = _LONG


class EraseUser(Job):
    """Delete everything about a user. It belongs to nobody, because it outlives them."""

    task_name: ClassVar[str] = "scheduled.erase_user"
    queue: ClassVar[Queue] = Queue.SCHEDULED
    time_limit: ClassVar[timedelta] = _LONG
    expires_after: ClassVar[timedelta] = timedelta(days=30)
    erasure_id: UUID


class PurgeExpiredData(Job):
    """Delete what the retention settings and its own purpose no longer justify keeping."""

    task_name: ClassVar[str] = "scheduled.purge_expired_data"
    queue: ClassVar[Queue] = Queue.SCHEDULED
    time_limit: ClassVar[timedelta] = _LONG


# Somebody was told that this will be deleted: nobody cancels it, and the daily purge begins it again.
PROMISED: Final = frozenset({EraseUser.task_name, PurgeDisconnectedData.task_name})
