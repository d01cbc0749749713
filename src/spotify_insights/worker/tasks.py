"""Every job and what does it: the only list of background work there is."""

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final

from spotify_insights.accounts.jobs import RefreshExpiringTokens, RefreshToken
from spotify_insights.accounts.refresh import refresh_expiring_tokens, refresh_token
from spotify_insights.insights.jobs import (
    GenerateProductivityInsight,
    GenerateRoast,
    GenerateWeeklyInsight,
    GenerateWeeklySummaries,
    GenerateWeeklySummary,
    GenerateWellnessInsight,
)
from spotify_insights.insights.queue_weekly_summaries import generate_weekly_summaries
from spotify_insights.insights.summarise_week import generate_weekly_summary
from spotify_insights.insights.write import write_insight
from spotify_insights.jobs.attempt import Attempt
from spotify_insights.jobs.job import Job
from spotify_insights.jobs.run import Handler
from spotify_insights.jobs.upkeep.canary import InsightsCanary, ScheduledCanary, SpotifyCanary, sing
from spotify_insights.jobs.upkeep.cleanup import CleanupOldJobs, cleanup_old_jobs
from spotify_insights.jobs.upkeep.monitor import MonitorFailedJobs, monitor_failed_jobs
from spotify_insights.jobs.upkeep.retention import Retention
from spotify_insights.jobs.upkeep.thresholds import Thresholds
from spotify_insights.listening.analytics.play_rule import PlayRule
from spotify_insights.listening.blocks.jobs import RefreshHistories, RefreshHistory
from spotify_insights.listening.blocks.keep_fresh import refresh_histories, refresh_history
from spotify_insights.listening.everybody import ingest_all_users_data, poll_recently_played
from spotify_insights.listening.features.fill import fill_features
from spotify_insights.listening.features.jobs import FillFeatures
from spotify_insights.listening.genres.fill import fill_genres
from spotify_insights.listening.genres.jobs import FillGenres
from spotify_insights.listening.imports.jobs import ImportHistory, UndoImport
from spotify_insights.listening.imports.run import import_history, undo_one_import
from spotify_insights.listening.ingest import ingest_all_ranges, ingest_listening_data
from spotify_insights.listening.jobs import (
    IngestAllRanges,
    IngestAllUsersData,
    IngestListeningData,
    PollListener,
    PollRecentlyPlayed,
    PurgeDisconnectedData,
    TakeCalendarSnapshots,
    TakeEverybodysCalendarSnapshots,
)
from spotify_insights.listening.poll import poll_listener
from spotify_insights.listening.queue_calendar_snapshots import take_everybodys_calendar_snapshots
from spotify_insights.listening.take_calendar_snapshots import take_calendar_snapshots
from spotify_insights.privacy.erase import erase_user
from spotify_insights.privacy.export import export_user_data
from spotify_insights.privacy.jobs import EraseUser, ExportUserData, PurgeExpiredData
from spotify_insights.privacy.purge_disconnected import purge_disconnected_data
from spotify_insights.privacy.purge_expired import PersonalRetention, purge_expired_data
from spotify_insights.runtime import Runtime

JOB_TYPES: Final[tuple[type[Job], ...]] = (
    RefreshToken,
    IngestListeningData,
    IngestAllRanges,
    PollListener,
    ImportHistory,
    UndoImport,
    PurgeDisconnectedData,
    RefreshExpiringTokens,
    GenerateWellnessInsight,
    GenerateRoast,
    GenerateProductivityInsight,
    GenerateWeeklyInsight,
    GenerateWeeklySummary,
    GenerateWeeklySummaries,
    IngestAllUsersData,
    PollRecentlyPlayed,
    TakeCalendarSnapshots,
    TakeEverybodysCalendarSnapshots,
    FillFeatures,
    FillGenres,
    RefreshHistory,
    RefreshHistories,
    CleanupOldJobs,
    ExportUserData,
    EraseUser,
    PurgeExpiredData,
    MonitorFailedJobs,
    SpotifyCanary,
    InsightsCanary,
    ScheduledCanary,
)


@dataclass(frozen=True)
class Handlers:
    """The function that does each job, with the parts of this process bound to it."""

    by_job_type: dict[type[Job], Handler]

    @classmethod
    def of(cls, runtime: Runtime) -> "Handlers":
        """Bind the parts of `runtime` to every handler."""
        play_rule = PlayRule(runtime.settings.play_rule)
        insight = partial(write_insight, narrator=runtime.narrator, cache=runtime.cache)
        return cls(
            {
                RefreshToken: partial(refresh_token, tokens=runtime.tokens),
                IngestListeningData: partial(
                    ingest_listening_data,
                    source=runtime.spotify,
                    cache=runtime.cache,
                    reccobeats=runtime.reccobeats,
                    play_rule=play_rule,
                ),
                IngestAllRanges: partial(
                    ingest_all_ranges,
                    source=runtime.spotify,
                    cache=runtime.cache,
                    reccobeats=runtime.reccobeats,
                    play_rule=play_rule,
                ),
                PollListener: partial(poll_listener, source=runtime.spotify, cache=runtime.cache),
                ImportHistory: partial(import_history, cache=runtime.cache, reccobeats=runtime.reccobeats),
                UndoImport: partial(undo_one_import, cache=runtime.cache),
                RefreshExpiringTokens: refresh_expiring_tokens,
                GenerateWellnessInsight: insight,
                GenerateRoast: insight,
                GenerateProductivityInsight: insight,
                GenerateWeeklyInsight: insight,
                GenerateWeeklySummary: partial(
                    generate_weekly_summary,
                    narrator=runtime.narrator,
                    cache=runtime.cache,
                    play_rule=play_rule,
                ),
                GenerateWeeklySummaries: partial(generate_weekly_summaries, play_rule=play_rule),
                TakeCalendarSnapshots: partial(
                    take_calendar_snapshots, cache=runtime.cache, play_rule=play_rule
                ),
                TakeEverybodysCalendarSnapshots: partial(
                    take_everybodys_calendar_snapshots, play_rule=play_rule
                ),
                IngestAllUsersData: ingest_all_users_data,
                PollRecentlyPlayed: partial(poll_recently_played, budget=runtime.spotify.budget),
                FillFeatures: partial(fill_features, provider=runtime.reccobeats),
                FillGenres: partial(fill_genres, provider=runtime.genres),
                RefreshHistory: partial(refresh_history, cache=runtime.cache),
                RefreshHistories: refresh_histories,
                CleanupOldJobs: partial(
                    cleanup_old_jobs, retention=Retention.from_settings(runtime.settings)
                ),
                PurgeDisconnectedData: partial(purge_disconnected_data, cache=runtime.cache),
                ExportUserData: partial(
                    export_user_data,
                    audit=runtime.audit,
                    lasts=timedelta(hours=runtime.settings.export_retention_hours),
                ),
                EraseUser: partial(erase_user, audit=runtime.audit, cache=runtime.cache),
                PurgeExpiredData: partial(
                    purge_expired_data, retention=PersonalRetention.from_settings(runtime.settings)
                ),
                MonitorFailedJobs: partial(_monitor, runtime=runtime),
                SpotifyCanary: sing,
                InsightsCanary: sing,
                ScheduledCanary: sing,
            }
        )

    def __getitem__(self, job_type: type[Job]) -> Handler:
        return self.by_job_type[job_type]


def _monitor(attempt: Attempt, job: MonitorFailedJobs, *, runtime: Runtime) -> None:
    # The schedule is read only now: a wrong one must not keep a worker from everything else.
    thresholds = Thresholds.from_settings(runtime.settings)
    monitor_failed_jobs(attempt, job, thresholds=thresholds, schedule=runtime.schedule())
