"""The JSON documents of the operator's side."""

from datetime import datetime
from typing import Any, ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from spotify_insights.jobs.job import JobStatus, Queue
from spotify_insights.web.documented import Documented
from spotify_insights.web.documents import Children, Progress
from spotify_insights.web.parameters import JOB_ID, USER_ID


class JobDocument(Documented):
    """A job with everything that the table knows, its status in the table's own words."""

    example: ClassVar = {
        "job_id": JOB_ID,
        "task_name": "spotify.ingest_listening_data",
        "queue": "spotify",
        "user_id": USER_ID,
        "parent_id": None,
        "arguments": {"user_id": USER_ID, "time_range": "medium_term"},
        "status": "dead",
        "result": None,
        "error": "Spotify does not answer.",
        "error_code": "spotify_unavailable",
        "progress": None,
        "children": None,
        "attempts": 5,
        "max_attempts": 5,
        "snoozes": 0,
        "publishes": 1,
        "worker": "celery@host",
        "cancel_requested": False,
        "queued_at": "2026-11-22T09:15:01.000Z",
        "next_run_at": None,
        "expires_at": "2026-11-24T09:15:01.000Z",
        "started_at": "2026-11-22T09:16:01.020Z",
        "lease_expires_at": None,
        "finished_at": "2026-11-22T09:16:11.480Z",
        "run_ms": 10460,
    }

    job_id: UUID
    task_name: str
    queue: Queue
    user_id: UUID | None
    parent_id: UUID | None
    arguments: dict[str, Any] = Field(description="Ids and options; never a secret.")
    status: JobStatus
    result: dict[str, Any] | None
    error: str | None = Field(description="Why it did not succeed, or why it is tried again.")
    error_code: str | None
    progress: Progress | None
    children: Children | None
    attempts: int
    max_attempts: int
    snoozes: int
    publishes: int = Field(description="How often the broker was told since it was last due.")
    worker: str | None = Field(description="Who began it last.")
    cancel_requested: bool
    queued_at: datetime
    next_run_at: datetime | None
    expires_at: datetime | None = Field(description="No attempt begins after this moment.")
    started_at: datetime | None
    lease_expires_at: datetime | None
    finished_at: datetime | None
    run_ms: int | None


class Requeued(Documented):
    """How many jobs were queued again."""

    example: ClassVar = {"requeued": 12}

    requeued: int


class JobCount(BaseModel):
    """How many jobs of one queue have one status."""

    queue: Queue
    status: JobStatus
    count: int


class OpenAlert(BaseModel):
    """An alert that is not over."""

    kind: str
    subject: str
    severity: Literal["warning", "critical"]


class JobFigures(Documented):
    """The state of the queues in numbers, as `/metrics` shows it."""

    example: ClassVar = {
        "jobs": [{"queue": "spotify", "status": "queued", "count": 3}],
        "oldest_due_seconds": {"spotify": 0.4, "insights": None, "scheduled": None},
        "relay_lag_seconds": 0.0,
        "dead": 0,
        "failed": 1,
        "open_alerts": [{"kind": "dead_jobs", "subject": "all", "severity": "warning"}],
        "canary_seconds": {"spotify": 31.5, "insights": 31.2, "scheduled": None},
    }

    jobs: list[JobCount]
    oldest_due_seconds: dict[str, float | None] = Field(
        description="By queue, how long the oldest due job has waited; null where none is due."
    )
    relay_lag_seconds: float = Field(description="How long the oldest unpublished due job has waited.")
    dead: int
    failed: int
    open_alerts: list[OpenAlert]
    canary_seconds: dict[str, float | None] = Field(
        description="By queue, how long ago a worker last ran the job that only proves that workers run."
    )


class AlertDocument(Documented):
    """Something that an operator should know, from when it was first seen until it was over."""

    example: ClassVar = {
        "alert_id": "01936e5d-0a4c-7e11-b0c3-5d6e7f809102",
        "kind": "dead_jobs",
        "subject": "all",
        "severity": "warning",
        "message": "2 jobs used up all their attempts in the last hour.",
        "details": {"count": 2},
        "raised_at": "2026-11-22T09:15:00.000Z",
        "seen_at": "2026-11-22T09:20:00.000Z",
        "resolved_at": None,
    }

    alert_id: UUID
    kind: str
    subject: str
    severity: Literal["warning", "critical"]
    message: str
    details: dict[str, Any]
    raised_at: datetime
    seen_at: datetime
    resolved_at: datetime | None
