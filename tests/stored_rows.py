"""Snapshots, insights and tasks put into the database directly, where a test is about reading them."""

from datetime import date, timedelta
from uuid import UUID, uuid4

from spotify_insights.database.actor import SYSTEM
from spotify_insights.insights.models import GeneratedInsight
from spotify_insights.insights.types import InsightType, ToneMode
from spotify_insights.jobs.enqueue import enqueue, record_finished
from spotify_insights.listening.jobs import IngestListeningData
from spotify_insights.listening.snapshot import Coverage, Snapshot
from spotify_insights.listening.store_snapshot import store_snapshot
from spotify_insights.listening.time_range import TimeRange
from spotify_insights.runtime import Runtime

_FIRST_DAY = date(2026, 1, 1)


def a_snapshot(
    runtime: Runtime, user_id: UUID, *, day: int = 0, time_range: TimeRange = TimeRange.MEDIUM_TERM
) -> UUID:
    """The snapshot of a listener without any music on one day of 2026; it invalidates no cache."""
    snapshot = Snapshot(
        snapshot_date=_FIRST_DAY + timedelta(days=day),
        time_range=time_range,
        timezone="UTC",
        audio_features={},
        mood_patterns=None,
        mood_diversity_score=None,
        effective_moods=None,
        rhythm=None,
        top_tracks=(),
        top_artists=(),
        coverage=Coverage(tracks=0, tracks_with_features=0, share=0.0, providers={}),
    )
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        return store_snapshot(tx.session, user_id, snapshot)


def an_insight(
    runtime: Runtime,
    user_id: UUID,
    snapshot_id: UUID,
    *,
    insight_type: InsightType = InsightType.WELLNESS,
) -> UUID:
    """One more insight about the snapshot; it supersedes nothing and invalidates no cache."""
    row = GeneratedInsight(
        user_id=user_id,
        snapshot_id=snapshot_id,
        insight_type=insight_type,
        tone_mode=ToneMode.NEUTRAL,
        time_range=TimeRange.MEDIUM_TERM,
        locale="en",
        llm_model="none",
        prompt_version="none",
        schema_version="1",
        snapshot_hash="none",
        fingerprint=str(uuid4()),
        content="Nothing was played.",
        structured={},
        generation_ms=0,
    )
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        tx.session.add(row)
    return row.id


def a_finished_task(runtime: Runtime, user_id: UUID) -> UUID:
    """A task that has succeeded."""
    job = IngestListeningData(user_id=user_id, time_range=TimeRange.MEDIUM_TERM)
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        return record_finished(tx, job, result={"new_plays": 0})


def a_waiting_task(runtime: Runtime, user_id: UUID) -> UUID:
    """A task that nobody has begun."""
    job = IngestListeningData(user_id=user_id, time_range=TimeRange.MEDIUM_TERM)
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        return enqueue(tx, job)
