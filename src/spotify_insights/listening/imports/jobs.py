"""Background work on imports."""

from datetime import timedelta
from typing import ClassVar
from uuid import UUID

from spotify_insights.jobs.job import ListenerJob, Queue
from spotify_insights.listening.jobs import MOST_WAITS


class ImportHistory(ListenerJob):
    """Import an uploaded export into one listener's history, or only say what that would bring."""

    task_name: ClassVar[str] = "listening.import_history"
    queue: ClassVar[Queue] = Queue.SPOTIFY
    time_limit: ClassVar[timedelta] = timedelta(minutes=30)
    max_snoozes: ClassVar[int] = MOST_WAITS
    # As long as the upload is kept.
    expires_after: ClassVar[timedelta] = timedelta(days=1)
    file_id: UUID
    dry_run: bool = False


class UndoImport(ListenerJob):
    """Take one import out of the history again."""

    task_name: ClassVar[str] = "listening.undo_import"
    queue: ClassVar[Queue] = Queue.SPOTIFY
    time_limit: ClassVar[timedelta] = timedelta(minutes=30)
    max_snoozes: ClassVar[int] = MOST_WAITS
    import_id: UUID
