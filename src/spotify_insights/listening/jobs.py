"""Background work on listening history."""

from datetime import date, datetime, timedelta
from typing import ClassVar, Final, Literal

from spotify_insights.jobs.job import Job, ListenerJob, Queue
from spotify_insights.listening.time_range import CalendarRange, TimeRange

MOST_WAITS: Final = 1000
"""An import may hold a history for half an hour, and who waits for its end looks every few seconds."""


class IngestListeningData(ListenerJob):
    """Fetch one listener's listening data and compute today's snapshot for one range."""

    task_name: ClassVar[str] = "spotify.ingest_listening_data"
    queue: ClassVar[Queue] = Queue.SPOTIFY
    max_snoozes: ClassVar[int] = MOST_WAITS
    time_range: TimeRange


class IngestAllRanges(ListenerJob):
    """Fetch one listener's data once and compute today's snapshot for every range."""

    task_name: ClassVar[str] = "spotify.ingest_all_ranges"
    queue: ClassVar[Queue] = Queue.SPOTIFY
    max_snoozes: ClassVar[int] = MOST_WAITS


class IngestAllUsersData(Job):
    """Queue an ingestion of every range for every connected listener."""

    task_name: ClassVar[str] = "scheduled.ingest_all_users_data"
    queue: ClassVar[Queue] = Queue.SCHEDULED


class PollListener(ListenerJob):
    """Fetch and store one listener's latest plays."""

    task_name: ClassVar[str] = "spotify.poll_recently_played"
    queue: ClassVar[Queue] = Queue.SPOTIFY
    max_snoozes: ClassVar[int] = MOST_WAITS


class PollRecentlyPlayed(Job):
    """Queue a poll of the latest plays for as many connected listeners as the day's calls allow."""

    task_name: ClassVar[str] = "scheduled.poll_recently_played"
    queue: ClassVar[Queue] = Queue.SCHEDULED


class TakeCalendarSnapshots(ListenerJob):
    """Compute one listener's snapshots of month, year and all time from the plays that we hold.

    `last_day` is the day that they stand for, None the listener's day when the job runs, which is not over
    yet. `time_range` asks for that range alone.
    """

    task_name: ClassVar[str] = "listening.take_calendar_snapshots"
    queue: ClassVar[Queue] = Queue.SCHEDULED
    last_day: date | None = None
    time_range: CalendarRange | None = None


class TakeEverybodysCalendarSnapshots(Job):
    """Queue them for every listener whose day has become the past."""

    task_name: ClassVar[str] = "scheduled.take_calendar_snapshots"
    queue: ClassVar[Queue] = Queue.SCHEDULED


class PurgeDisconnectedData(ListenerJob):
    """Delete what came from a provider before the listener disconnected it; see `privacy.purge_disconnected`.

    `last_play` and `until` bound it: what a later connection brings is not its business. `summaries` says
    whether snapshots and insights go, too; once the plays are gone, nobody could tell any more.
    """

    task_name: ClassVar[str] = "spotify.purge_disconnected_data"
    queue: ClassVar[Queue] = Queue.SPOTIFY
    time_limit: ClassVar[timedelta] = timedelta(minutes=10)
    # Spotify's policy gives five days.
    expires_after: ClassVar[timedelta] = timedelta(days=4)
    provider: Literal["spotify", "listenbrainz"]
    keep_uploads: bool
    summaries: bool = True
    last_play: int | None
    until: datetime
