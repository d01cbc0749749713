"""An insight that exists is not written again; anything that shapes the text makes another one."""

from uuid import UUID, uuid4

import pytest
from starlette.testclient import TestClient

from ingestions import a_listener, ingested, snapshot_rows
from insight_trials import asked_for, insights, result_of, snapshot_with_top_track, written
from jobs_inline import job_row, work_off
from spotify_insights.database.actor import SYSTEM
from spotify_insights.errors import NotFoundError
from spotify_insights.insights.types import InsightType, ToneMode
from spotify_insights.listening.store_snapshot import load_snapshot, store_snapshot
from spotify_insights.listening.time_range import TimeRange
from spotify_insights.pretend_spotify.running import RunningPretendSpotify
from spotify_insights.runtime import Runtime


@pytest.fixture
def user_id(runtime: Runtime) -> UUID:
    return a_listener(runtime)


@pytest.fixture
def snapshot_id(runtime: Runtime, pretend_spotify: RunningPretendSpotify, user_id: UUID) -> UUID:
    return snapshot_with_top_track(runtime, pretend_spotify, user_id, 0)


def test_an_identical_request_is_answered_from_what_is_stored(runtime: Runtime, snapshot_id: UUID) -> None:
    insight_id = written(runtime, snapshot_id)
    # Nobody has worked on this task: it was finished from the start.
    task = asked_for(runtime, snapshot_id)
    assert result_of(task) == {"insight_id": str(insight_id), "reused": True}
    assert (task.attempts, task.run_ms) == (0, 0)
    assert [insight.id for insight in insights(runtime)] == [insight_id]


def test_requests_for_what_is_being_written_share_one_task(runtime: Runtime, snapshot_id: UUID) -> None:
    tasks = {asked_for(runtime, snapshot_id).id for _ in range(3)}
    assert len(tasks) == 1


def test_an_insight_that_is_stored_when_its_task_begins_is_not_written_twice(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify, user_id: UUID
) -> None:
    """The snapshot had changed when the task was asked for, and is what it was when a worker comes to it."""
    snapshot_id = snapshot_with_top_track(runtime, pretend_spotify, user_id, 0)
    insight_id = written(runtime, snapshot_id)
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        _, unchanged = load_snapshot(tx.session, snapshot_id, acting_for=SYSTEM)
    snapshot_with_top_track(runtime, pretend_spotify, user_id, 5)
    waiting = asked_for(runtime, snapshot_id)
    assert waiting.status == "queued"
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        store_snapshot(tx.session, user_id, unchanged)
    work_off(runtime)
    reused = result_of(job_row(runtime.database, waiting.id))
    assert reused == {"insight_id": str(insight_id), "reused": True}
    assert len(insights(runtime)) == 1


def test_every_type_and_tone_is_an_insight_of_its_own(runtime: Runtime, snapshot_id: UUID) -> None:
    of_this_range = [insight_type for insight_type in InsightType if insight_type != InsightType.WEEKLY]
    asked = [(insight_type, tone) for insight_type in of_this_range for tone in ToneMode]
    for insight_type, tone in asked:
        written(runtime, snapshot_id, insight_type, tone)
    stored = insights(runtime)
    assert [(insight.insight_type, insight.tone_mode) for insight in stored] == asked
    assert {(insight.version, insight.superseded_by) for insight in stored} == {(1, None)}
    assert len({insight.fingerprint for insight in stored}) == len(asked)


def test_snapshots_of_other_ranges_and_listeners_have_their_own(runtime: Runtime, user_id: UUID) -> None:
    other = a_listener(runtime)
    for listener, time_range in (
        (user_id, TimeRange.SHORT_TERM),
        (user_id, TimeRange.LONG_TERM),
        (other, TimeRange.SHORT_TERM),
    ):
        ingested(runtime, listener, time_range)
    snapshots = [row.id for listener in (user_id, other) for row in snapshot_rows(runtime.database, listener)]
    assert len({written(runtime, snapshot_id) for snapshot_id in snapshots}) == 3
    assert {insight.superseded_by for insight in insights(runtime)} == {None}


def test_an_insight_says_what_it_was_made_of(runtime: Runtime, user_id: UUID, snapshot_id: UUID) -> None:
    written(runtime, snapshot_id, InsightType.ROAST, ToneMode.PLAYFUL)
    [insight] = insights(runtime)
    [snapshot] = snapshot_rows(runtime.database, user_id)
    assert (insight.user_id, insight.snapshot_id) == (user_id, snapshot_id)
    assert insight.snapshot_hash == snapshot.content_hash
    assert (insight.time_range, insight.locale) == (TimeRange.SHORT_TERM, "en")
    assert insight.llm_model == runtime.narrator.model
    assert insight.prompt_version == runtime.narrator.prompt_version
    assert insight.content.startswith(str(insight.structured["headline"]))
    assert insight.structured["facts"]


def test_a_snapshot_that_nobody_took_has_no_insights(runtime: Runtime, client: TestClient) -> None:
    with pytest.raises(NotFoundError) as refusal:
        asked_for(runtime, uuid4())
    assert refusal.value.message == "There is no such snapshot."
    request = {"snapshot_id": str(uuid4()), "insight_type": "wellness"}
    assert client.post("/api/insights/generate", params=request).status_code == 404
