"""People through the API: registration, profile, and the state of their connections."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, text, update
from starlette.testclient import TestClient

from makers import a_connected_user, a_user
from problem_documents import reasons_of
from spotify_insights.accounts.models import SpotifyToken, User
from spotify_insights.clock import now
from spotify_insights.database.actor import SYSTEM
from spotify_insights.runtime import Runtime

ALICE = {"spotify_user_id": "alice", "display_name": "Alice Johnson", "timezone": "Europe/Berlin"}


def number_of_users(runtime: Runtime) -> int:
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        return tx.session.scalars(select(func.count()).select_from(User)).one()


def test_registering_again_finds_the_same_user_unchanged(client: TestClient) -> None:
    first = client.post("/api/users/register", json=ALICE)
    user_id = first.json()["user_id"]
    again = client.post("/api/users/register", json=ALICE | {"display_name": "Mallory", "timezone": "UTC"})

    assert (first.status_code, first.json()["created"]) == (201, True)
    assert (again.status_code, again.json()) == (200, {"user_id": user_id, "created": False})
    user = client.get(f"/api/users/{user_id}").json()
    assert (user["display_name"], user["timezone"]) == ("Alice Johnson", "Europe/Berlin")


def test_a_race_of_registrations_makes_one_user(client: TestClient, runtime: Runtime) -> None:
    def register(_: int) -> tuple[int, str]:
        answer = client.post("/api/users/register", json=ALICE)
        return answer.status_code, answer.json()["user_id"]

    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(register, range(64)))

    assert sorted(status for status, _ in answers) == [200] * 63 + [201]
    assert len({user_id for _, user_id in answers}) == 1
    assert number_of_users(runtime) == 1


def test_people_with_names_of_any_script_are_shown_as_they_are(client: TestClient) -> None:
    name = "宇多田ヒカル 🎵 \u202eZ\u0351a\u0352lgo <script>'\"&"
    user_id = client.post("/api/users/register", json={"spotify_user_id": "x", "display_name": name}).json()[
        "user_id"
    ]

    assert client.get(f"/api/users/{user_id}").json()["display_name"] == name


def test_a_user_is_shown_with_every_identity(client: TestClient) -> None:
    user_id = client.post("/api/users/register", json=ALICE | {"email": "alice@example.org"}).json()[
        "user_id"
    ]

    user = client.get(f"/api/users/{user_id}").json()

    moments = (user.pop("created_at"), user.pop("updated_at"))
    assert all(abs(datetime.fromisoformat(moment) - now()) < timedelta(minutes=1) for moment in moments)
    assert user == {
        "user_id": user_id,
        "display_name": "Alice Johnson",
        "email": "alice@example.org",
        "timezone": "Europe/Berlin",
        "role": "user",
        "preferences": {},
        "identities": [{"provider": "spotify", "provider_user_id": "alice"}],
    }


def test_a_profile_change_is_seen_at_once_and_leaves_the_rest(client: TestClient, runtime: Runtime) -> None:
    user_id = a_user(runtime)
    before = client.get(f"/api/users/{user_id}").json()

    changed = client.patch(f"/api/users/{user_id}", json={"timezone": "Asia/Tokyo"})

    assert (changed.status_code, changed.content) == (204, b"")
    after = client.get(f"/api/users/{user_id}").json()
    assert after.pop("updated_at") > before.pop("updated_at")
    assert after == before | {"timezone": "Asia/Tokyo"}


def test_preferences_are_merged_key_by_key(client: TestClient, runtime: Runtime) -> None:
    user_id = a_user(runtime)
    changes: list[dict[str, Any]] = [
        {"locale": "en", "llm": True, "size": 3},
        {"locale": "de", "llm": None, "roast": False},
        {},
    ]

    for preferences in changes:
        assert client.patch(f"/api/users/{user_id}", json={"preferences": preferences}).status_code == 204

    stored = client.get(f"/api/users/{user_id}").json()["preferences"]
    assert stored == {"locale": "de", "size": 3, "roast": False}


def test_preferences_do_not_grow_without_end(client: TestClient, runtime: Runtime) -> None:
    address = f"/api/users/{a_user(runtime)}"
    fifty = {f"first-{number}": number for number in range(50)}

    assert client.patch(address, json={"preferences": fifty}).status_code == 204
    one_more = client.patch(address, json={"preferences": {"one-more": 1}})
    exchange = client.patch(address, json={"preferences": {"one-more": 1, "first-0": None}})

    assert reasons_of(one_more, 422, "invalid_input").keys() == {"preferences"}
    assert exchange.status_code == 204
    assert len(client.get(address).json()["preferences"]) == 50


def test_an_empty_change_changes_nothing(client: TestClient, runtime: Runtime) -> None:
    user_id = a_user(runtime)
    before = client.get(f"/api/users/{user_id}").json()

    assert client.patch(f"/api/users/{user_id}", json={}).status_code == 204

    assert client.get(f"/api/users/{user_id}").json() | {"updated_at": ""} == before | {"updated_at": ""}


def test_nobody_is_connected_before_tokens_are_stored(client: TestClient, runtime: Runtime) -> None:
    assert client.get(f"/api/users/{a_user(runtime)}/connections").json() == []


@pytest.mark.parametrize(
    ("left", "days"),
    [
        ("30 days 1 hour", 30),
        ("1 day -1 minute", 0),
        ("1 day 1 minute", 1),
        ("1 minute", 0),
        ("-3 days", 0),
    ],
)
def test_a_connection_counts_the_whole_days_that_are_left(
    client: TestClient, runtime: Runtime, left: str, days: int
) -> None:
    user_id = a_connected_user(runtime)
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        tx.session.execute(
            text(
                "UPDATE spotify_tokens SET refresh_expires_at = clock_timestamp() + CAST(:left AS interval)"
            ),
            {"left": left},
        )

    [connection] = client.get(f"/api/users/{user_id}/connections").json()

    assert connection["days_left"] == days


def test_a_connection_shows_its_state_and_no_token(client: TestClient, runtime: Runtime) -> None:
    user_id = a_connected_user(runtime, access_token="BQD-canary", refresh_token="AQC-canary")

    answer = client.get(f"/api/users/{user_id}/connections")

    [connection] = answer.json()
    assert connection.keys() == {
        "provider",
        "status",
        "scope",
        "access_expires_at",
        "authorized_at",
        "reauthorize_before",
        "days_left",
        "missing_scopes",
        "reminder",
    }
    assert (connection["provider"], connection["status"]) == ("spotify", "connected")
    assert "canary" not in answer.text
    assert sealed_text(runtime, user_id) not in answer.text


def test_a_connection_that_has_ended_says_so(client: TestClient, runtime: Runtime) -> None:
    user_id = a_connected_user(runtime)
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        tx.session.execute(update(SpotifyToken).values(status="reauth_required"))

    [connection] = client.get(f"/api/users/{user_id}/connections").json()

    assert connection["status"] == "reauth_required"


def sealed_text(runtime: Runtime, user_id: UUID) -> str:
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        sealed = tx.session.scalars(
            text("SELECT sealed_access_token FROM spotify_tokens WHERE user_id = :user_id"),
            {"user_id": user_id},
        ).one()
    return str(sealed)
