"""When a snapshot changes within its day, a new insight supersedes the old one, which stays readable."""

from typing import Any
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from ingestions import a_listener
from insight_trials import asked_for, insights, snapshot_with_top_track, written
from spotify_insights.insights.types import InsightType, ToneMode
from spotify_insights.pretend_spotify.running import RunningPretendSpotify
from spotify_insights.runtime import Runtime


@pytest.fixture
def user_id(runtime: Runtime) -> UUID:
    return a_listener(runtime)


def test_each_change_of_the_snapshot_makes_the_next_version(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify, user_id: UUID
) -> None:
    snapshot_id = snapshot_with_top_track(runtime, pretend_spotify, user_id, 0)
    first = written(runtime, snapshot_id)
    assert snapshot_with_top_track(runtime, pretend_spotify, user_id, 7) == snapshot_id
    assert asked_for(runtime, snapshot_id).status == "queued", "what is stored is about something else"
    second = written(runtime, snapshot_id)
    snapshot_with_top_track(runtime, pretend_spotify, user_id, 9)
    third = written(runtime, snapshot_id)
    assert [(insight.id, insight.version, insight.superseded_by) for insight in insights(runtime)] == [
        (first, 1, second),
        (second, 2, third),
        (third, 3, None),
    ]


def test_only_the_same_type_and_tone_is_superseded(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify, user_id: UUID
) -> None:
    snapshot_id = snapshot_with_top_track(runtime, pretend_spotify, user_id, 0)
    others = [
        written(runtime, snapshot_id, InsightType.ROAST, ToneMode.NEUTRAL),
        written(runtime, snapshot_id, InsightType.WELLNESS, ToneMode.DIRECT),
    ]
    old = written(runtime, snapshot_id)
    snapshot_with_top_track(runtime, pretend_spotify, user_id, 7)
    new = written(runtime, snapshot_id)
    superseded_by = {insight.id: insight.superseded_by for insight in insights(runtime)}
    assert superseded_by == {old: new, new: None} | dict.fromkeys(others)


def test_an_insight_about_content_that_has_come_back_is_the_current_one_again(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify, user_id: UUID, client: TestClient
) -> None:
    snapshot_id = snapshot_with_top_track(runtime, pretend_spotify, user_id, 0)
    first = written(runtime, snapshot_id)
    snapshot_with_top_track(runtime, pretend_spotify, user_id, 7)
    second = written(runtime, snapshot_id)
    assert read(client, first)["superseded_by"] == str(second)

    snapshot_with_top_track(runtime, pretend_spotify, user_id, 0)
    assert written(runtime, snapshot_id) == first
    superseded_by = {insight.id: insight.superseded_by for insight in insights(runtime)}
    assert superseded_by == {first: None, second: first}
    assert read(client, first)["superseded_by"] is None
    assert read(client, second)["superseded_by"] == str(first)


def test_what_clients_have_read_is_renewed(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify, user_id: UUID, client: TestClient
) -> None:
    snapshot_id = snapshot_with_top_track(runtime, pretend_spotify, user_id, 0)
    first = written(runtime, snapshot_id)
    for _ in range(2):  # from the database, then from the cache
        assert listed(client, user_id) == [(str(first), 1, None)]
        assert read(client, first)["superseded_by"] is None
    before = snapshot_hash(client, user_id)

    snapshot_with_top_track(runtime, pretend_spotify, user_id, 7)
    assert snapshot_hash(client, user_id) != before
    second = written(runtime, snapshot_id)
    for _ in range(2):
        assert listed(client, user_id) == [(str(second), 2, None), (str(first), 1, str(second))]
        assert read(client, first)["superseded_by"] == str(second)


def listed(client: TestClient, user_id: UUID) -> list[tuple[str, int, str | None]]:
    """The listener's insights as the API lists them."""
    documents = client.get(f"/api/insights/user/{user_id}").raise_for_status().json()
    return [(one["insight_id"], one["version"], one["superseded_by"]) for one in documents]


def read(client: TestClient, insight_id: UUID) -> Any:
    return client.get(f"/api/insights/{insight_id}").raise_for_status().json()


def snapshot_hash(client: TestClient, user_id: UUID) -> str:
    """The content of the listener's only snapshot, as the API lists it."""
    [snapshot] = (
        client.get("/api/listening/snapshots", params={"user_id": str(user_id)}).raise_for_status().json()
    )
    content_hash: str = snapshot["content_hash"]
    return content_hash
