"""The ids that addresses and queries carry, described once for the documentation."""

from typing import Annotated, Final
from uuid import UUID

from pydantic import Field

USER_ID: Final = "01936e5c-7d2a-7c4e-9a41-2b8f6c1d0e11"
TASK_ID: Final = "01936e5c-8b10-7f02-8c55-6a1d2e3f4051"
SNAPSHOT_ID: Final = "01936e5c-91f4-7aa0-b3c2-90817263a4b5"
INSIGHT_ID: Final = "01936e5c-a5c7-7d13-8e90-1f2e3d4c5b6a"

UserId = Annotated[UUID, Field(description="The user, as registration named them.", examples=[USER_ID])]
TaskId = Annotated[UUID, Field(description="The task, as the answer 202 named it.", examples=[TASK_ID])]
SnapshotId = Annotated[
    UUID, Field(description="The snapshot, as the ingestion's result named it.", examples=[SNAPSHOT_ID])
]
InsightId = Annotated[
    UUID, Field(description="The insight, as the generation's result named it.", examples=[INSIGHT_ID])
]
