"""Every job and what does it: the only list of background work there is."""

from dataclasses import dataclass
from functools import partial
from typing import Final

from spotify_insights.accounts.jobs import RefreshExpiringTokens, RefreshToken
from spotify_insights.accounts.refresh import refresh_expiring_tokens, refresh_token
from spotify_insights.insights.jobs import (
    GenerateProductivityInsight,
    GenerateRoast,
    GenerateWellnessInsight,
)
from spotify_insights.insights.write import write_insight
from spotify_insights.jobs.job import Job
from spotify_insights.jobs.run import Handler
from spotify_insights.jobs.upkeep import (
    CleanupOldJobs,
    MonitorFailedJobs,
    cleanup_old_jobs,
    monitor_failed_jobs,
)
from spotify_insights.listening.ingest import ingest_all_users_data, ingest_listening_data
from spotify_insights.listening.jobs import IngestAllUsersData, IngestListeningData
from spotify_insights.runtime import Runtime

JOB_TYPES: Final[tuple[type[Job], ...]] = (
    RefreshToken,
    IngestListeningData,
    RefreshExpiringTokens,
    GenerateWellnessInsight,
    GenerateRoast,
    GenerateProductivityInsight,
    IngestAllUsersData,
    CleanupOldJobs,
    MonitorFailedJobs,
)


@dataclass(frozen=True)
class Handlers:
    """The function that does each job, with the parts of this process bound to it."""

    by_job_type: dict[type[Job], Handler]

    @classmethod
    def of(cls, runtime: Runtime) -> "Handlers":
        """Bind the parts of `runtime` to every handler."""
        insight = partial(write_insight, narrator=runtime.narrator, cache=runtime.cache)
        return cls(
            {
                RefreshToken: partial(refresh_token, tokens=runtime.tokens),
                IngestListeningData: partial(
                    ingest_listening_data, source=runtime.spotify, cache=runtime.cache
                ),
                RefreshExpiringTokens: refresh_expiring_tokens,
                GenerateWellnessInsight: insight,
                GenerateRoast: insight,
                GenerateProductivityInsight: insight,
                IngestAllUsersData: ingest_all_users_data,
                CleanupOldJobs: partial(cleanup_old_jobs, retention_days=runtime.settings.job_retention_days),
                MonitorFailedJobs: monitor_failed_jobs,
            }
        )

    def __getitem__(self, job_type: type[Job]) -> Handler:
        return self.by_job_type[job_type]
