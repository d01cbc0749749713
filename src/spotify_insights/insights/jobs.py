"""Background work on insights: one task name per type, so that each can be watched by itself."""

from typing import ClassVar, Final
from uuid import UUID

from typing_extensions import override

from spotify_insights.insights.types import InsightType, ToneMode
from spotify_insights.jobs.job import Job, Queue


class GenerateInsight(Job):
    """Write one insight about one snapshot."""

    queue: ClassVar[Queue] = Queue.INSIGHTS
    insight_type: ClassVar[InsightType]
    user_id: UUID
    snapshot_id: UUID
    tone_mode: ToneMode

    @property
    @override
    def owner_id(self) -> UUID | None:
        return self.user_id


class GenerateWellnessInsight(GenerateInsight):
    task_name: ClassVar[str] = "insights.generate_wellness_insight"
    insight_type: ClassVar[InsightType] = InsightType.WELLNESS


class GenerateRoast(GenerateInsight):
    task_name: ClassVar[str] = "insights.generate_roast"
    insight_type: ClassVar[InsightType] = InsightType.ROAST


class GenerateProductivityInsight(GenerateInsight):
    task_name: ClassVar[str] = "insights.generate_productivity_insight"
    insight_type: ClassVar[InsightType] = InsightType.PRODUCTIVITY


JOB_OF_TYPE: Final[dict[InsightType, type[GenerateInsight]]] = {
    job.insight_type: job for job in (GenerateWellnessInsight, GenerateRoast, GenerateProductivityInsight)
}
