"""Snapshots that change and insights about them, asked for and written as the service does it."""

import json
from typing import Any
from uuid import UUID

from sqlalchemy import select

from ingestions import ingest, told_top_tracks
from jobs_inline import job_row, work_off
from spotify_insights.database.actor import SYSTEM
from spotify_insights.insights.models import GeneratedInsight
from spotify_insights.insights.request import request_insight
from spotify_insights.insights.types import InsightType, ToneMode
from spotify_insights.jobs.models import BackgroundJob
from spotify_insights.listening.time_range import TimeRange
from spotify_insights.pretend_spotify.faults import CannedAnswer
from spotify_insights.pretend_spotify.running import RunningPretendSpotify
from spotify_insights.runtime import Runtime

WELLNESS, NEUTRAL = InsightType.WELLNESS, ToneMode.NEUTRAL


def snapshot_with_top_track(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify, user_id: UUID, place: int
) -> UUID:
    """Ingest `a_listener` with the track of this place moved to the top: each place is another content."""
    items = told_top_tracks(pretend_spotify, TimeRange.SHORT_TERM)
    items.insert(0, items.pop(place))
    answer = CannedAnswer(path="/v1/me/top/tracks", status=200, body=json.dumps({"items": items}))
    pretend_spotify.control.queue(answer)
    job = ingest(runtime, user_id)
    assert job.result is not None
    return UUID(str(job.result["snapshot_id"]))


def asked_for(
    runtime: Runtime, snapshot_id: UUID, insight_type: InsightType = WELLNESS, tone: ToneMode = NEUTRAL
) -> BackgroundJob:
    """The task of a request for an insight, not yet worked on."""
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        requested = request_insight(
            tx, snapshot_id, insight_type, tone, narrator=runtime.narrator, acting_for=SYSTEM
        )
    return job_row(runtime.database, requested.task_id)


def written(
    runtime: Runtime, snapshot_id: UUID, insight_type: InsightType = WELLNESS, tone: ToneMode = NEUTRAL
) -> UUID:
    """The id of the insight that a request led to, written now or before."""
    task = asked_for(runtime, snapshot_id, insight_type, tone)
    work_off(runtime)
    return UUID(str(result_of(job_row(runtime.database, task.id))["insight_id"]))


def result_of(job: BackgroundJob) -> dict[str, Any]:
    assert (job.status, job.error) == ("succeeded", None)
    assert job.result is not None
    return job.result


def insights(runtime: Runtime) -> list[GeneratedInsight]:
    """All stored versions, oldest first."""
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        return list(tx.session.scalars(select(GeneratedInsight).order_by(GeneratedInsight.id)))
