"""The job table (the truth about all background work), the fired slots of the schedule, and alerts."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from spotify_insights.database.table import Id, Table
from spotify_insights.jobs.job import JobStatus, Queue


def _one_of(column: str, values: type[Queue] | type[JobStatus]) -> str:
    return f"{column} IN ({', '.join(repr(value.value) for value in values)})"


class BackgroundJob(Table):
    """One piece of background work from its request to its end. All moments are the database's clock."""

    __tablename__ = "background_jobs"

    id: Mapped[Id]
    task_name: Mapped[str]
    queue: Mapped[str]
    # A system job has no owner; an owner's jobs vanish with the owner, which also fences running ones.
    owner_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    # Who may follow a job besides its owner. No foreign key: the job that erases somebody outlives them.
    requested_by: Mapped[UUID | None]
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("background_jobs.id", ondelete="SET NULL"))
    deduplication_key: Mapped[str]
    arguments: Mapped[dict[str, object]]

    status: Mapped[str] = mapped_column(server_default=JobStatus.QUEUED.value)
    attempts: Mapped[int] = mapped_column(server_default="0")
    max_attempts: Mapped[int] = mapped_column(server_default="5")
    snoozes: Mapped[int] = mapped_column(server_default="0")
    available_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    # No attempt begins after this moment: work that nobody could do in time is dead, not eternal.
    expires_at: Mapped[datetime | None]
    deadline_at: Mapped[datetime | None]

    published_at: Mapped[datetime | None]
    publishes: Mapped[int] = mapped_column(server_default="0")
    lease_token: Mapped[UUID | None]
    lease_expires_at: Mapped[datetime | None]
    # Which process of which worker holds the lease; the worker gives back what its processes leave behind.
    worker: Mapped[str | None]
    cancel_requested: Mapped[bool] = mapped_column(server_default=text("false"))

    progress: Mapped[dict[str, object] | None] = mapped_column(JSONB(none_as_null=True))
    result: Mapped[dict[str, object] | None] = mapped_column(JSONB(none_as_null=True))
    error_code: Mapped[str | None]
    error: Mapped[str | None]

    queued_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    run_ms: Mapped[int | None]

    __table_args__ = (
        CheckConstraint(_one_of("queue", Queue), name="queue_known"),
        CheckConstraint(_one_of("status", JobStatus), name="status_known"),
        CheckConstraint("(status = 'running') = (lease_token IS NOT NULL)", name="lease_while_running"),
        CheckConstraint("(lease_token IS NULL) = (lease_expires_at IS NULL)", name="lease_has_an_end"),
        CheckConstraint(
            "(status IN ('queued', 'running')) = (finished_at IS NULL)", name="finished_when_finished"
        ),
        CheckConstraint("attempts >= 0 AND max_attempts >= 1", name="attempts_sane"),
        # Equal work is done once: while a job is active, a second request joins it. A job that is being
        # cancelled will store nothing, so a request that comes after the cancellation makes a new one.
        Index(
            "uq_background_jobs_active",
            "task_name",
            "owner_id",
            "deduplication_key",
            unique=True,
            postgresql_where=text("status IN ('queued', 'running') AND NOT cancel_requested"),
            postgresql_nulls_not_distinct=True,
        ),
        Index("ix_background_jobs_due", "available_at", postgresql_where=text("status = 'queued'")),
        Index(
            "ix_background_jobs_unpublished",
            "available_at",
            postgresql_where=text("status = 'queued' AND published_at IS NULL"),
        ),
        Index("ix_background_jobs_lease", "lease_expires_at", postgresql_where=text("status = 'running'")),
        Index("ix_background_jobs_owner_newest", "owner_id", text("id DESC")),
        Index("ix_background_jobs_parent", "parent_id", postgresql_where=text("parent_id IS NOT NULL")),
        Index("ix_background_jobs_finished", "finished_at", postgresql_where=text("finished_at IS NOT NULL")),
        Index(
            "ix_background_jobs_troubled",
            text("id DESC"),
            postgresql_where=text("status IN ('failed', 'dead')"),
        ),
    )


class ScheduleSlot(Table):
    """A moment of the schedule that has been fired: its primary key lets each slot fire once."""

    __tablename__ = "schedule_slots"

    schedule: Mapped[str] = mapped_column(primary_key=True)
    slot: Mapped[datetime] = mapped_column(primary_key=True)
    job_id: Mapped[UUID | None]
    fired_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


class Alert(Table):
    """Something an operator should know, from the moment it was first seen until it was over.

    `subject` says what it is about (a queue, a task name, "all"); one alert per kind and subject is open.
    """

    __tablename__ = "alerts"

    id: Mapped[Id]
    kind: Mapped[str]
    subject: Mapped[str]
    severity: Mapped[str]
    message: Mapped[str]
    details: Mapped[dict[str, object]]
    raised_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    seen_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    resolved_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("severity IN ('warning', 'critical')", name="severity_known"),
        Index(
            "uq_alerts_open",
            "kind",
            "subject",
            unique=True,
            postgresql_where=text("resolved_at IS NULL"),
        ),
    )
