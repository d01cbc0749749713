"""Calendar ranges at the doors: asked for, listed, and told about in insights."""

import itertools
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from starlette.testclient import TestClient

from calendar_trials import snapshots, stand_at, taken
from history_trials import TIN_ROOF, a_listener, played
from ingestions import count
from jobs_inline import work_off
from makers import a_user
from problem_documents import reasons_of
from spotify_insights.insights.types import InsightType
from spotify_insights.listening.time_range import DAILY_RANGES, CalendarRange
from spotify_insights.runtime import Runtime

DAY = date(2026, 3, 31)


@pytest.fixture
def user_id(runtime: Runtime) -> UUID:
    """Somebody who played twelve songs by four artists, ten times each, on twenty days of March."""
    plays = [
        played(
            TIN_ROOF,
            f"2026-03-{1 + n % 20:02}T{8 + n // 20:02}:00:00",
            track_name=f"Song {n % 12}",
            artist_name=f"Artist {'ABCD'[n % 4]}",
            spotify_id=f"{n % 12:022}",
        )
        for n in range(120)
    ]
    return a_listener(runtime, plays, timezone="UTC")


def generate(client: TestClient, snapshot_id: str, insight_type: str) -> Any:
    order = {"snapshot_id": snapshot_id, "insight_type": insight_type, "tone_mode": "neutral"}
    return client.post("/api/insights/generate", params=order)


def test_calendar_ranges_can_be_asked_for_without_any_connection(
    runtime: Runtime, client: TestClient, user_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_at(monkeypatch, datetime(2026, 3, 31, 12, tzinfo=UTC))
    for time_range in DAILY_RANGES:
        order = {"user_id": str(user_id), "time_range": time_range.value}
        answer = client.post("/api/listening/ingest", params=order)
        assert answer.status_code == 202
        work_off(runtime)

        task = client.get(answer.headers["location"]).json()
        assert (task["status"], task["task_name"]) == ("SUCCESS", "listening.take_calendar_snapshots")
        [listed] = snapshots(client, user_id, time_range=time_range.value)
        assert task["result"] == {"snapshot_id": listed["snapshot_id"]}
        assert (listed["snapshot_date"], listed["rhythm"]["plays"]) == ("2026-03-31", 120)
    assert len(snapshots(client, user_id)) == 3


def test_nobody_is_summed_up_who_does_not_exist(runtime: Runtime, client: TestClient) -> None:
    order = {"user_id": str(uuid4()), "time_range": "month"}
    assert client.post("/api/listening/ingest", params=order).status_code == 404
    assert count(runtime.database, "background_jobs") == 0


def test_a_range_that_nobody_knows_is_refused_with_those_there_are(
    client: TestClient, runtime: Runtime
) -> None:
    user_id = str(a_user(runtime))
    for path, method in (("/api/listening/ingest", client.post), ("/api/listening/snapshots", client.get)):
        reason = reasons_of(
            method(path, params={"user_id": user_id, "time_range": "fortnight"}), 422, "invalid_input"
        )["time_range"]
        assert all(time_range.value in reason for time_range in DAILY_RANGES)


def test_insights_tell_of_calendar_ranges_what_is_true_of_them(
    runtime: Runtime, client: TestClient, user_id: UUID
) -> None:
    by_range = taken(runtime, user_id, DAY)["snapshot_ids"]
    assert by_range.keys() == set(DAILY_RANGES)
    asked_for = [kind for kind in InsightType if kind is not InsightType.WEEKLY]
    for snapshot_id, insight_type in itertools.product(by_range.values(), asked_for):
        assert generate(client, snapshot_id, insight_type).status_code == 202
    work_off(runtime)

    insights = client.get(f"/api/insights/user/{user_id}").json()
    assert {(each["time_range"], each["insight_type"]) for each in insights} == set(
        itertools.product(DAILY_RANGES, asked_for)
    )
    # Nobody at Spotify ranked anything here, and every play weighs the same.
    for insight, untrue in itertools.product(insights, ("Spotify", "by rank", "higher ranks", "favourites")):
        assert untrue not in insight["content"]
    for snapshot_id in by_range.values():
        assert reasons_of(generate(client, snapshot_id, "weekly"), 422, "invalid_input") == {
            "insight_type": "A weekly insight needs the snapshot of a week. Choose one with time_range week."
        }


def test_another_rule_makes_another_version_of_an_insight_and_the_same_rule_none(
    runtime: Runtime, client: TestClient, user_id: UUID
) -> None:
    def written() -> list[tuple[int, bool]]:
        snapshot_id = taken(runtime, user_id, DAY, CalendarRange.MONTH)["snapshot_id"]
        generate(client, snapshot_id, "wellness").raise_for_status()
        work_off(runtime)
        insights = client.get(f"/api/insights/user/{user_id}").json()
        return [(insight["version"], insight["superseded_by"] is None) for insight in insights]

    assert written() == [(1, True)]
    assert written() == [(1, True)]
    client.patch(f"/api/users/{user_id}", json={"preferences": {"play_rule": "lastfm"}}).raise_for_status()
    assert written() == [(2, True), (1, False)]
    assert written() == [(2, True), (1, False)]
    client.patch(f"/api/users/{user_id}", json={"preferences": {"play_rule": None}}).raise_for_status()
    assert written() == [(2, False), (1, True)]
