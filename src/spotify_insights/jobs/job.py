"""A job: a frozen value that says what is to be done, carrying ids and options only."""

import json
from datetime import timedelta
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from typing_extensions import override


class Queue(StrEnum):
    """The three Celery queues, by the resource that their jobs wait for."""

    SPOTIFY = "spotify"
    INSIGHTS = "insights"
    SCHEDULED = "scheduled"


class JobStatus(StrEnum):
    """Where a job stands. `failed`: waiting would not help; `dead`: every attempt was used up."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    DEAD = "dead"
    CANCELLED = "cancelled"


ACTIVE = (JobStatus.QUEUED, JobStatus.RUNNING)


class Job(BaseModel):
    """What every kind of job declares.

    `time_limit` bounds one attempt: its lease is never renewed beyond it, and the worker ends it then.
    `max_snoozes` and `expires_after` bound the whole: a job that was put off too often, or that could not
    begin in time, is dead and waits for an operator instead of for ever.
    """

    model_config = ConfigDict(frozen=True)

    task_name: ClassVar[str]
    queue: ClassVar[Queue]
    max_attempts: ClassVar[int] = 5
    time_limit: ClassVar[timedelta] = timedelta(seconds=120)
    max_snoozes: ClassVar[int] = 50
    expires_after: ClassVar[timedelta] = timedelta(days=2)

    @property
    def owner_id(self) -> UUID | None:
        """The listener it works for; None for jobs of the installation."""
        return None

    @property
    def deduplication_key(self) -> str:
        """Two jobs of one task and owner with equal keys are the same work while one is active."""
        return json.dumps(self.arguments, sort_keys=True, separators=(",", ":"))

    @property
    def arguments(self) -> dict[str, Any]:
        """The fields as JSON values, as stored with the job."""
        return self.model_dump(mode="json")


class ListenerJob(Job):
    """Work for one listener: it vanishes with them, and equal work of two listeners is not the same."""

    user_id: UUID

    @property
    @override
    def owner_id(self) -> UUID | None:
        return self.user_id
