"""Background work on insights: one task name per type, so that each can be watched by itself."""

from datetime import date
from typing import ClassVar, Final
from uuid import UUID

from spotify_insights.insights.types import InsightType, ToneMode
from spotify_insights.jobs.job import Job, ListenerJob, Queue


class GenerateInsight(ListenerJob):
    """Write one insight about one snapshot."""

    queue: ClassVar[Queue] = Queue.INSIGHTS
    insight_type: ClassVar[InsightType]
    snapshot_id: UUID
    tone_mode: ToneMode


class GenerateWellnessInsight(GenerateInsight):
    task_name: ClassVar[str] = "insights.generate_wellness_insight"
    insight_type: ClassVar[InsightType] = InsightType.WELLNESS


class GenerateRoast(GenerateInsight):
    task_name: ClassVar[str] = "insights.generate_roast"
    insight_type: ClassVar[InsightType] = InsightType.ROAST


class GenerateProductivityInsight(GenerateInsight):
    task_name: ClassVar[str] = "insights.generate_productivity_insight"
    insight_type: ClassVar[InsightType] = InsightType.PRODUCTIVITY


class GenerateWeeklyInsight(GenerateInsight):
    """Write the letter about a week whose snapshot exists, in the tone that was asked for."""

    task_name: ClassVar[str] = "insights.generate_weekly_insight"
    insight_type: ClassVar[InsightType] = InsightType.WEEKLY


JOB_OF_TYPE: Final[dict[InsightType, type[GenerateInsight]]] = {
    job.insight_type: job
    for job in (GenerateWellnessInsight, GenerateRoast, GenerateProductivityInsight, GenerateWeeklyInsight)
}


class GenerateWeeklySummary(ListenerJob):
    """Take the snapshot of one listener's week, which ended on the Saturday given, and write the letter."""

    task_name: ClassVar[str] = "insights.generate_weekly_summary"
    queue: ClassVar[Queue] = Queue.INSIGHTS
    week_ends_on: date


class GenerateWeeklySummaries(Job):
    """Queue a weekly summary for every listener for whom it is time."""

    task_name: ClassVar[str] = "scheduled.generate_weekly_summaries"
    queue: ClassVar[Queue] = Queue.SCHEDULED
