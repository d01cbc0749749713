from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from access_trials import a_session, an_access_token, an_api_key, bearer, change, cookie_header
from makers import a_user
from spotify_insights.database.actor import AUTHENTICATION, SYSTEM, Actor
from spotify_insights.database.hot_read import HotRead
from spotify_insights.runtime import Runtime
from spotify_insights.settings import Settings
from spotify_insights.web.hot_reads import HotReads

SHOWN = ["cookie", "key", "token"]


def shown_by(runtime: Runtime, settings: Settings, user_id: UUID, what: str) -> dict[str, str]:
    match what:
        case "cookie":
            return cookie_header(settings, a_session(runtime, user_id))
        case "key":
            return bearer(an_api_key(runtime, user_id))
        case _:
            return bearer(an_access_token(runtime, user_id))


def seconds_since_use(runtime: Runtime, what: str) -> tuple[float | None, str]:
    """How long ago the use was noted, and which transaction wrote the row."""
    table, column = ("api_keys", "last_used_at") if what == "key" else ("sessions", "last_seen_at")
    statement = f"SELECT extract(epoch FROM clock_timestamp() - {column}), xmin::text FROM {table}"  # noqa: S608
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        seconds, written_by = tx.session.execute(text(statement)).one()
        return None if seconds is None else float(seconds), written_by


def use_was_long_ago(runtime: Runtime, what: str, seconds: int) -> None:
    table, column = ("api_keys", "last_used_at") if what == "key" else ("sessions", "last_seen_at")
    change(
        runtime,
        f"UPDATE {table} SET {column} = clock_timestamp() - make_interval(secs => :seconds)",  # noqa: S608
        seconds=seconds,
    )


@pytest.mark.parametrize("what", SHOWN)
def test_use_is_noted_once_a_minute(
    runtime: Runtime, settings: Settings, required_client: TestClient, what: str
) -> None:
    user_id = a_user(runtime)
    headers = shown_by(runtime, settings, user_id, what)
    use_was_long_ago(runtime, what, 300)
    required_client.get(f"/api/users/{user_id}", headers=headers)
    noted, written_by = seconds_since_use(runtime, what)
    required_client.get(f"/api/users/{user_id}", headers=headers)

    assert noted is not None
    assert noted < 60
    assert seconds_since_use(runtime, what)[1] == written_by


def test_a_key_that_nobody_used_says_so(runtime: Runtime, required_client: TestClient) -> None:
    user_id = a_user(runtime)
    key = bearer(an_api_key(runtime, user_id))
    before = seconds_since_use(runtime, "key")[0]
    required_client.get(f"/api/users/{user_id}", headers=key)

    assert before is None
    assert seconds_since_use(runtime, "key")[0] is not None


def test_nobody_waits_for_a_note_that_somebody_else_is_writing(
    runtime: Runtime,
    settings: Settings,
    required_client: TestClient,
    caplog: pytest.LogCaptureFixture,
) -> None:
    user_id = a_user(runtime)
    headers = shown_by(runtime, settings, user_id, "cookie")
    use_was_long_ago(runtime, "cookie", 300)
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        tx.session.execute(text("SELECT 1 FROM sessions FOR NO KEY UPDATE"))
        answer = required_client.get(f"/api/users/{user_id}", headers=headers)

    assert answer.status_code == 200
    assert "use_not_noted" not in caplog.text


@pytest.mark.parametrize("what", SHOWN)
def test_who_asks_is_found_with_one_statement_in_each_request(
    runtime: Runtime,
    settings: Settings,
    required_client: TestClient,
    monkeypatch: pytest.MonkeyPatch,
    what: str,
) -> None:
    user_id = a_user(runtime)
    headers = shown_by(runtime, settings, user_id, what)
    asked: list[Actor] = []
    rows = HotReads.rows

    async def counting(self: HotReads, read: HotRead, *, acting_for: Actor) -> list[Any]:
        asked.append(acting_for)
        return await rows(self, read, acting_for=acting_for)

    monkeypatch.setattr(HotReads, "rows", counting)
    for _ in range(3):
        required_client.get(f"/api/users/{user_id}", headers=headers)

    assert asked.count(AUTHENTICATION) == 3
