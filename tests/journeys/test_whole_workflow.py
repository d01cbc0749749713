"""The journey from a stranger to an insight, as a client of the API makes it."""

from typing import Any

from starlette.testclient import TestClient

from jobs_inline import work_off
from spotify_insights.runtime import Runtime


def test_a_listener_gets_from_registration_to_three_insights(client: TestClient, runtime: Runtime) -> None:
    registration = {"spotify_user_id": "spotify_abc123", "display_name": "Alice Johnson"}
    user = client.post("/api/users/register", json=registration)
    again = client.post("/api/users/register", json=registration)
    assert (user.status_code, again.status_code) == (201, 200)
    user_id = user.json()["user_id"]
    assert again.json()["user_id"] == user_id

    handover = {"user_id": user_id, "access_token": "BQD...", "refresh_token": "AQC...", "expires_in": 3600}
    assert client.post("/api/tokens/store", json=handover).status_code == 201

    asked = client.post("/api/listening/ingest", params={"user_id": user_id, "time_range": "medium_term"})
    assert asked.status_code == 202
    assert finished(client, runtime, asked.headers["Location"], before="PENDING")["new_plays"] > 0

    [snapshot] = client.get("/api/listening/snapshots", params={"user_id": user_id, "limit": 1}).json()
    assert sum(snapshot["mood_patterns"].values()) == 1
    assert 0 <= snapshot["mood_diversity_score"] <= 1

    contents = set()
    for insight_type in ("wellness", "roast", "productivity"):
        request = {
            "snapshot_id": snapshot["snapshot_id"],
            "insight_type": insight_type,
            "tone_mode": "supportive",
        }
        first = client.post("/api/insights/generate", params=request)
        insight_id = finished(client, runtime, first.headers["Location"], before="PENDING")["insight_id"]
        repeat = client.post("/api/insights/generate", params=request)
        reused = finished(client, runtime, repeat.headers["Location"], before="SUCCESS")
        assert reused == {"insight_id": insight_id, "reused": True}
        insight = client.get(f"/api/insights/{insight_id}").json()
        assert insight["llm_model"]
        assert insight["prompt_version"]
        contents.add(insight["content"])
    assert len(contents) == 3
    assert len(client.get(f"/api/insights/user/{user_id}").json()) == 3


def finished(client: TestClient, runtime: Runtime, location: str, *, before: str) -> dict[str, Any]:
    """The result of a task whose status was `before` until its job was run."""
    assert client.get(location).json()["status"] == before
    work_off(runtime)
    task = client.get(location).json()
    assert (task["status"], task["error"]) == ("SUCCESS", None)
    result: dict[str, Any] = task["result"]
    return result
