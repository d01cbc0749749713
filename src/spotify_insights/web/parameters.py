"""What addresses and queries carry, described once for the documentation."""

from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import Field

from spotify_insights.insights.types import InsightType, ToneMode
from spotify_insights.listening.time_range import CalendarRange, SnapshotRange, TimeRange
from spotify_insights.web.text import PlainText

USER_ID: Final = "01936e5c-7d2a-7c4e-9a41-2b8f6c1d0e11"
TASK_ID: Final = "01936e5c-8b10-7f02-8c55-6a1d2e3f4051"
JOB_ID: Final = "01936e5c-8d3e-7b60-a1f7-3c5b7d9e1f20"
SNAPSHOT_ID: Final = "01936e5c-91f4-7aa0-b3c2-90817263a4b5"
INSIGHT_ID: Final = "01936e5c-a5c7-7d13-8e90-1f2e3d4c5b6a"

UserId = Annotated[UUID, Field(description="The user, as registration named them.", examples=[USER_ID])]
TaskId = Annotated[UUID, Field(description="The task, as the answer 202 named it.", examples=[TASK_ID])]
JobId = Annotated[UUID, Field(description="The job; clients call it a task.", examples=[JOB_ID])]
SnapshotId = Annotated[
    UUID, Field(description="The snapshot, as the ingestion's result named it.", examples=[SNAPSHOT_ID])
]
InsightId = Annotated[
    UUID, Field(description="The insight, as the generation's result named it.", examples=[INSIGHT_ID])
]

OnlyTaskName = Annotated[
    PlainText | None,
    Field(max_length=100, description="Only work of this kind, such as `spotify.ingest_listening_data`."),
]

# Spelt out: a union of the two enumerations would name a wrong value twice, once for each.
Range = Annotated[
    Literal["short_term", "medium_term", "long_term", "month", "year", "all_time"],
    Field(
        description="How far back: about 4 weeks, 6 months, or a year, in Spotify's words, which Spotify is "
        "asked for; or the listener's own calendar, computed from the plays that we hold: the month or year "
        "until now, or all time."
    ),
]
OnlyRange = Annotated[
    Literal["short_term", "medium_term", "long_term", "week", "month", "year", "all_time"] | None,
    Field(description="Only what was computed over this range."),
]


def range_of(asked: str) -> SnapshotRange:
    """The range of this name."""
    return TimeRange(asked) if asked in set(TimeRange) else CalendarRange(asked)


Kind = Annotated[
    InsightType,
    Field(description="What the insight is about: weekly for the snapshot of a week, else another one."),
]
OnlyKind = Annotated[InsightType | None, Field(description="Only insights of this type.")]
Tone = Annotated[ToneMode, Field(description="The voice in which it speaks.")]
