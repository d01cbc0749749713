"""What is stored before a purge is over could be taken for what it deletes: new work waits for it."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from spotify_insights.errors import SnoozeError
from spotify_insights.jobs.attempt import Attempt
from spotify_insights.jobs.privacy import has_active_job
from spotify_insights.listening.jobs import PurgeDisconnectedData

_WAIT: Final = timedelta(seconds=20)


class PurgePendingError(SnoozeError):
    """What an earlier connection brought is still being deleted."""

    code = "purge_pending"

    def __init__(self) -> None:
        super().__init__(
            "What an earlier connection brought is still being deleted; this waits for the end of that.",
            wait=_WAIT,
        )


def wait_for_purge(attempt: Attempt, user_id: UUID) -> None:
    """To be called before anything is fetched or computed for a listener.

    Raises:
        PurgePendingError: the job is to be tried again in a while.
    """
    with attempt.database.transaction(acting_for=attempt.actor) as tx:
        if has_active_job(tx.session, user_id, PurgeDisconnectedData.task_name):
            raise PurgePendingError
