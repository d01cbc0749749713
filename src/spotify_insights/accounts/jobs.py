"""Background work on connections."""

from typing import ClassVar
from uuid import UUID

from typing_extensions import override

from spotify_insights.jobs.job import Job, Queue


class RefreshToken(Job):
    """Refresh one listener's access token."""

    task_name: ClassVar[str] = "spotify.refresh_token"
    queue: ClassVar[Queue] = Queue.SPOTIFY
    user_id: UUID

    @property
    @override
    def owner_id(self) -> UUID | None:
        return self.user_id


class RefreshExpiringTokens(Job):
    """Queue a refresh for every access token that ends soon, and remind of authorisations that do."""

    task_name: ClassVar[str] = "spotify.refresh_expiring_tokens"
    queue: ClassVar[Queue] = Queue.SPOTIFY
