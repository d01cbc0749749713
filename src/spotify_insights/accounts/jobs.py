"""Background work on connections."""

from typing import ClassVar

from spotify_insights.jobs.job import Job, ListenerJob, Queue


class RefreshToken(ListenerJob):
    """Refresh one listener's access token."""

    task_name: ClassVar[str] = "spotify.refresh_token"
    queue: ClassVar[Queue] = Queue.SPOTIFY


class RefreshExpiringTokens(Job):
    """Queue a refresh for every access token that ends soon, and remind of authorisations that do."""

    task_name: ClassVar[str] = "spotify.refresh_expiring_tokens"
    queue: ClassVar[Queue] = Queue.SPOTIFY
