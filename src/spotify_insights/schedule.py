"""Everything that happens by the clock: which job, and the setting that says when (cron, UTC)."""

from typing import Final

from celery.schedules import ParseException, crontab

from spotify_insights.accounts.jobs import RefreshExpiringTokens
from spotify_insights.errors import SetupError
from spotify_insights.insights.jobs import GenerateWeeklySummaries
from spotify_insights.jobs.job import Job
from spotify_insights.jobs.slots import Schedule, Scheduled
from spotify_insights.jobs.upkeep.canary import InsightsCanary, ScheduledCanary, SpotifyCanary
from spotify_insights.jobs.upkeep.cleanup import CleanupOldJobs
from spotify_insights.jobs.upkeep.monitor import MonitorFailedJobs
from spotify_insights.listening.blocks.jobs import RefreshHistories
from spotify_insights.listening.features.jobs import FillFeatures
from spotify_insights.listening.genres.jobs import FillGenres
from spotify_insights.listening.jobs import (
    IngestAllUsersData,
    PollRecentlyPlayed,
    TakeEverybodysCalendarSnapshots,
)
from spotify_insights.privacy.jobs import PurgeExpiredData
from spotify_insights.settings import Settings

_JOBS: Final[tuple[tuple[str, Job], ...]] = (
    ("nightly_ingestion_cron", IngestAllUsersData()),
    ("recently_played_cron", PollRecentlyPlayed()),
    # Every hour, for it is Sunday morning somewhere.
    ("weekly_summaries_cron", GenerateWeeklySummaries()),
    # Every hour, for somewhere a day has just ended.
    ("calendar_snapshots_cron", TakeEverybodysCalendarSnapshots()),
    ("refresh_expiring_tokens_cron", RefreshExpiringTokens()),
    ("fill_features_cron", FillFeatures()),
    ("fill_genres_cron", FillGenres()),
    ("refresh_histories_cron", RefreshHistories()),
    ("cleanup_old_jobs_cron", CleanupOldJobs()),
    ("purge_expired_data_cron", PurgeExpiredData()),
    ("monitor_failed_jobs_cron", MonitorFailedJobs()),
    ("canary_cron", SpotifyCanary()),
    ("canary_cron", InsightsCanary()),
    ("canary_cron", ScheduledCanary()),
)


def schedule_of(settings: Settings) -> Schedule:
    """Every scheduled job under the name of its task.

    Raises:
        SetupError: a cron setting is not a cron expression.
    """
    return {
        job.task_name: Scheduled(job=job, when=_crontab(setting, getattr(settings, setting)))
        for setting, job in _JOBS
    }


def _crontab(setting: str, expression: str) -> crontab:
    try:
        return crontab.from_string(expression)
    except (ParseException, ValueError):
        raise SetupError(
            f"The setting {setting.upper()} is not a cron expression such as '0 2 * * *'."
        ) from None
