"""Background work on listening history."""

from typing import ClassVar
from uuid import UUID

from typing_extensions import override

from spotify_insights.jobs.job import Job, Queue
from spotify_insights.listening.time_range import TimeRange


class IngestListeningData(Job):
    """Fetch one listener's listening data and compute today's snapshot for one range."""

    task_name: ClassVar[str] = "spotify.ingest_listening_data"
    queue: ClassVar[Queue] = Queue.SPOTIFY
    user_id: UUID
    time_range: TimeRange

    @property
    @override
    def owner_id(self) -> UUID | None:
        return self.user_id


class IngestAllRanges(Job):
    """Fetch one listener's data once and compute today's snapshot for every range."""

    task_name: ClassVar[str] = "spotify.ingest_all_ranges"
    queue: ClassVar[Queue] = Queue.SPOTIFY
    user_id: UUID

    @property
    @override
    def owner_id(self) -> UUID | None:
        return self.user_id


class IngestAllUsersData(Job):
    """Queue an ingestion of every range for every connected listener."""

    task_name: ClassVar[str] = "scheduled.ingest_all_users_data"
    queue: ClassVar[Queue] = Queue.SCHEDULED


class PollListener(Job):
    """Fetch and store one listener's latest plays."""

    task_name: ClassVar[str] = "spotify.poll_recently_played"
    queue: ClassVar[Queue] = Queue.SPOTIFY
    user_id: UUID

    @property
    @override
    def owner_id(self) -> UUID | None:
        return self.user_id


class PollRecentlyPlayed(Job):
    """Queue a poll of the latest plays for as many connected listeners as the day's calls allow."""

    task_name: ClassVar[str] = "scheduled.poll_recently_played"
    queue: ClassVar[Queue] = Queue.SCHEDULED
