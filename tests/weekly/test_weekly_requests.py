"""Weekly insights by request, and what a week's snapshot is not good for."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from ingestions import count, rows
from invented_weeks import Heard
from jobs_inline import job_row, queued_jobs, work_off
from makers import a_connected_user, a_user
from problem_documents import reasons_of
from spotify_insights.insights.types import InsightType, ToneMode
from spotify_insights.listening.time_range import CalendarRange, TimeRange
from spotify_insights.runtime import Runtime
from stored_rows import a_snapshot
from weekly_trials import as_played, has_played, result_of, run_slot, stand_at


@pytest.fixture
def user_id(runtime: Runtime) -> UUID:
    return a_user(runtime)


@pytest.fixture
def snapshot_id(runtime: Runtime, user_id: UUID, monkeypatch: pytest.MonkeyPatch) -> str:
    """The snapshot of a week for which the letter is written already, in the neutral voice."""
    heard = [Heard((f"Artist {n % 4}",), f"Song {n % 12}", n % 7, 8 + n % 9) for n in range(40)]
    has_played(runtime, user_id, as_played(heard))
    stand_at(monkeypatch, datetime(2026, 11, 22, 9, 30, tzinfo=UTC))
    slot = run_slot(runtime)
    assert result_of(slot) == {"listeners": 1}
    [row] = [job for job in _all_results(runtime, user_id) if "snapshot_id" in job]
    return str(row["snapshot_id"])


def _all_results(runtime: Runtime, user_id: UUID) -> list[dict[str, Any]]:
    found = rows(
        runtime.database, "SELECT id FROM background_jobs WHERE owner_id = :user_id", user_id=user_id
    )
    return [result_of(job_row(runtime.database, job_id)) for (job_id,) in found]


def generate(client: TestClient, snapshot_id: str, insight_type: str, tone: str = "neutral") -> Any:
    order = {"snapshot_id": snapshot_id, "insight_type": insight_type, "tone_mode": tone}
    return client.post("/api/insights/generate", params=order)


def test_a_letter_can_be_asked_for_in_every_other_tone(
    runtime: Runtime, client: TestClient, user_id: UUID, snapshot_id: str
) -> None:
    for tone in ToneMode:
        assert generate(client, snapshot_id, "weekly", tone).status_code == 202
        work_off(runtime)
    listed = client.get(f"/api/insights/user/{user_id}", params={"insight_type": "weekly"}).json()
    assert {letter["tone_mode"] for letter in listed} == set(ToneMode)
    assert len({letter["content"] for letter in listed}) == len(ToneMode)
    assert {(letter["version"], letter["superseded_by"]) for letter in listed} == {(1, None)}
    assert {letter["time_range"] for letter in listed} == {"week"}


def test_the_letter_of_the_slot_is_the_one_that_a_request_gets(
    client: TestClient, user_id: UUID, snapshot_id: str
) -> None:
    [letter] = client.get(f"/api/insights/user/{user_id}").json()
    task = client.get(generate(client, snapshot_id, "weekly").headers["location"]).json()
    assert (task["status"], task["task_name"]) == ("SUCCESS", "insights.generate_weekly_insight")
    assert task["result"] == {"insight_id": letter["insight_id"], "reused": True}


@pytest.mark.parametrize("time_range", TimeRange)
def test_a_weekly_insight_about_another_range_is_refused(
    runtime: Runtime, client: TestClient, user_id: UUID, time_range: TimeRange
) -> None:
    other = a_snapshot(runtime, user_id, time_range=time_range)
    answer = generate(client, str(other), "weekly")
    reasons = reasons_of(answer, 422, "invalid_input")
    assert reasons == {
        "insight_type": "A weekly insight needs the snapshot of a week. Choose one with time_range week."
    }
    assert queued_jobs(runtime.database) == []


@pytest.mark.parametrize("insight_type", [kind for kind in InsightType if kind != "weekly"])
def test_a_week_is_too_short_for_any_other_insight(
    runtime: Runtime, client: TestClient, snapshot_id: str, insight_type: InsightType
) -> None:
    reasons = reasons_of(generate(client, snapshot_id, insight_type), 422, "invalid_input")
    assert reasons["insight_type"].startswith(f"One week is too short for a {insight_type} insight.")
    assert queued_jobs(runtime.database) == []


def test_a_week_cannot_be_ingested_from_spotify(runtime: Runtime, client: TestClient) -> None:
    order = {"user_id": str(a_connected_user(runtime)), "time_range": CalendarRange.WEEK.value}
    answer = client.post("/api/listening/ingest", params=order)
    assert "time_range" in reasons_of(answer, 422, "invalid_input")
    assert count(runtime.database, "background_jobs") == 0


def test_snapshots_of_weeks_are_found_by_their_range(
    runtime: Runtime, client: TestClient, user_id: UUID, snapshot_id: str
) -> None:
    a_snapshot(runtime, user_id)

    def listed(**query: str) -> list[dict[str, Any]]:
        asked = {"user_id": str(user_id), **query}
        documents: list[dict[str, Any]] = client.get("/api/listening/snapshots", params=asked).json()
        return documents

    assert {snapshot["time_range"] for snapshot in listed()} == {"week", "medium_term"}
    [week] = listed(time_range="week")
    assert week["snapshot_id"] == snapshot_id
    assert week["top_artists"][0]["plays"] == 10
    assert week["rhythm"]["plays"] == 40


def test_the_document_knows_the_week(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    ranges = document["components"]["schemas"]["CalendarRange"]
    assert "week" in (ranges.get("enum") or [ranges.get("const")])
    assert "weekly" in document["components"]["schemas"]["InsightType"]["enum"]
    [asked] = [
        parameter
        for parameter in document["paths"]["/api/listening/ingest"]["post"]["parameters"]
        if parameter["name"] == "time_range"
    ]
    assert "CalendarRange" not in str(asked)
