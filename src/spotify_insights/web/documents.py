"""The JSON documents of the API, as OpenAPI describes them. PostgreSQL builds most of them itself."""

from datetime import date, datetime
from typing import Any, ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from spotify_insights.insights.types import InsightType, ToneMode
from spotify_insights.jobs.job import Queue
from spotify_insights.jobs.queries import TaskStatus
from spotify_insights.listening.snapshot import (
    Coverage,
    FeatureSummary,
    MoodPatterns,
    Rhythm,
    TopArtist,
    TopTrack,
)
from spotify_insights.listening.time_range import SnapshotRange
from spotify_insights.web.documented import Documented
from spotify_insights.web.parameters import INSIGHT_ID, SNAPSHOT_ID, TASK_ID, USER_ID


class IdentityDocument(BaseModel):
    provider: str
    provider_user_id: str


class UserDocument(Documented):
    """A user of this installation."""

    example: ClassVar = {
        "user_id": USER_ID,
        "display_name": "Alice Johnson",
        "email": None,
        "timezone": "Europe/Berlin",
        "role": "user",
        "preferences": {},
        "identities": [{"provider": "spotify", "provider_user_id": "spotify_abc123"}],
        "created_at": "2026-11-22T09:15:00.000Z",
        "updated_at": "2026-11-22T09:15:00.000Z",
    }

    user_id: UUID
    display_name: str | None
    email: str | None
    timezone: str
    role: Literal["user", "admin", "service"]
    preferences: dict[str, Any]
    identities: list[IdentityDocument]
    created_at: datetime
    updated_at: datetime


class ConnectionDocument(Documented):
    """The state of one connection; never a token."""

    example: ClassVar = {
        "provider": "spotify",
        "status": "connected",
        "scope": ["user-read-recently-played", "user-top-read"],
        "missing_scopes": [],
        "access_expires_at": "2026-11-22T10:15:00.000Z",
        "authorized_at": "2026-11-22T09:15:00.000Z",
        "reauthorize_before": "2027-05-22T09:15:00.000Z",
        "days_left": 180,
        "reminder": None,
    }

    provider: Literal["spotify", "listenbrainz"]
    status: Literal["connected", "reauth_required"]
    scope: list[str] | None = Field(description="What the listener granted; null where that is unknown.")
    missing_scopes: list[str] = Field(
        description="What they did not grant and the calls need: connecting again asks for it."
    )
    access_expires_at: datetime | None = Field(description="Null for a token that has no end.")
    authorized_at: datetime
    reauthorize_before: datetime | None = Field(
        description="Spotify ends the connection then; null where nobody does."
    )
    days_left: int | None
    reminder: str | None = Field(description="A sentence when the end is near: 30, 7 and 1 days before it.")


class TaskAccepted(Documented):
    """Work was taken on; poll `status_url`."""

    example: ClassVar = {"task_id": TASK_ID, "status_url": f"/api/tasks/{TASK_ID}"}

    task_id: UUID
    status_url: str


class Progress(BaseModel):
    """How far a task is in its present attempt."""

    step: str
    done: int
    total: int


class Children(BaseModel):
    """The tasks that a task queued, counted by their status; `done` are all that have ended."""

    total: int
    done: int
    queued: int
    running: int
    succeeded: int
    failed: int
    dead: int
    cancelled: int


class TaskDocument(Documented):
    """A task. `error` is always there: null, or one sentence."""

    example: ClassVar = {
        "task_id": TASK_ID,
        "task_name": "spotify.ingest_listening_data",
        "queue": "spotify",
        "user_id": USER_ID,
        "parent_id": None,
        "status": "SUCCESS",
        "result": {"snapshot_id": SNAPSHOT_ID, "new_plays": 50},
        "error": None,
        "error_code": None,
        "progress": None,
        "children": None,
        "attempts": 1,
        "max_attempts": 5,
        "snoozes": 0,
        "cancel_requested": False,
        "queued_at": "2026-11-22T09:15:01.000Z",
        "next_run_at": None,
        "started_at": "2026-11-22T09:15:01.020Z",
        "finished_at": "2026-11-22T09:15:01.480Z",
        "run_ms": 460,
    }

    task_id: UUID
    task_name: str
    queue: Queue
    user_id: UUID | None
    parent_id: UUID | None = Field(description="The task that queued this one.")
    status: TaskStatus
    result: dict[str, Any] | None
    error: str | None
    error_code: str | None
    progress: Progress | None = Field(description="Where a running task stands, if it says so.")
    children: Children | None = Field(description="What became of the tasks that it queued in turn.")
    attempts: int
    max_attempts: int
    snoozes: int = Field(description="How often it was put off without using up an attempt.")
    cancel_requested: bool
    queued_at: datetime
    next_run_at: datetime | None = Field(description="When a waiting task is due; null for all others.")
    started_at: datetime | None
    finished_at: datetime | None
    run_ms: int | None


class SnapshotDocument(Documented):
    """What one listener's music looked like on one day over one range."""

    example: ClassVar = {
        "snapshot_id": SNAPSHOT_ID,
        "user_id": USER_ID,
        "snapshot_date": "2026-11-22",
        "time_range": "medium_term",
        "timezone": "Europe/Berlin",
        "mood_patterns": {
            "upbeat": 0.41,
            "intense": 0.22,
            "wistful": 0.19,
            "calm": 0.12,
            "neutral": 0.06,
        },
        "mood_diversity_score": 0.91,
        "effective_moods": 3.5,
        "audio_features": {"energy": {"mean": 0.63, "spread": 0.18, "n": 50, "margin": 0.06}},
        "rhythm": None,
        "top_tracks": [],
        "top_artists": [],
        "coverage": {
            "tracks": 50,
            "tracks_with_features": 50,
            "share": 1.0,
            "providers": {"spotify": 1.0},
        },
        "content_hash": "9f2c…",
        "computed_at": "2026-11-22T09:15:01.480Z",
    }

    snapshot_id: UUID
    user_id: UUID
    snapshot_date: date
    time_range: SnapshotRange
    timezone: str
    mood_patterns: MoodPatterns | None = Field(
        description="Shares that add up to 1; null where too few tracks have audio features."
    )
    mood_diversity_score: float | None = Field(ge=0, le=1)
    effective_moods: float | None
    audio_features: dict[str, FeatureSummary]
    rhythm: Rhythm | None
    top_tracks: list[TopTrack]
    top_artists: list[TopArtist]
    coverage: Coverage
    content_hash: str
    computed_at: datetime


class InsightDocument(Documented):
    """One version of one insight, with the facts behind it in `structured`."""

    example: ClassVar = {
        "insight_id": INSIGHT_ID,
        "user_id": USER_ID,
        "snapshot_id": SNAPSHOT_ID,
        "insight_type": "wellness",
        "tone_mode": "supportive",
        "time_range": "medium_term",
        "locale": "en",
        "content": "Mostly bright, with room for rain.\n\n…",
        "structured": {"headline": "Mostly bright, with room for rain."},
        "llm_model": "template",
        "prompt_version": "template-2",
        "generation_ms": 4,
        "version": 1,
        "superseded_by": None,
        "created_at": "2026-11-22T09:15:03.000Z",
    }

    insight_id: UUID
    user_id: UUID
    snapshot_id: UUID
    insight_type: InsightType
    tone_mode: ToneMode
    time_range: SnapshotRange
    locale: str
    content: str
    structured: dict[str, Any]
    llm_model: str
    prompt_version: str
    generation_ms: int
    version: int
    superseded_by: UUID | None
    created_at: datetime
