"""What a listener granted is stored, shown, and looked at before a call."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from app_calls import requests_made
from jobs_inline import job_row, queued_jobs, work_off
from makers import a_connected_user
from sign_in_journeys import Visitor, answered_at_spotify, rows
from spotify_insights.accounts.access import AccessTokens
from spotify_insights.database.actor import SYSTEM
from spotify_insights.listening.request import request_ingestion
from spotify_insights.listening.time_range import TimeRange
from spotify_insights.pretend_spotify.faults import CannedAnswer
from spotify_insights.pretend_spotify.running import RunningPretendSpotify
from spotify_insights.runtime import Runtime
from spotify_insights.spotify.scopes import REQUESTED_SCOPES, ApiCall, missing_scopes
from stored_tokens import let_access_end_in, token_row


def test_the_sign_in_asks_for_the_union_of_what_the_calls_need() -> None:
    assert set().union(*(call.scopes for call in ApiCall)) == REQUESTED_SCOPES
    assert missing_scopes(None) == []
    assert missing_scopes([]) == sorted(REQUESTED_SCOPES)
    assert missing_scopes(["user-top-read"], needed=ApiCall.TOP_TRACKS.scopes) == []


def test_less_than_was_asked_for_is_stored_shown_and_refused_without_a_call(
    visitor: Visitor, client: TestClient, runtime: Runtime, pretend_spotify: RunningPretendSpotify
) -> None:
    narrower = visitor.leave().replace("user-read-recently-played+", "")
    visitor.come_back(answered_at_spotify(narrower))
    [user] = rows(runtime.database, "users")
    shown = connection(client, user["id"])
    assert shown["scope"] == ["user-top-read"]
    assert shown["missing_scopes"] == ["user-read-recently-played"]
    [job] = queued_jobs(runtime.database)
    before = requests_made(pretend_spotify)
    [used] = rows(runtime.database, "spotify_app_days", "calls")
    work_off(runtime)
    done = job_row(runtime.database, job.id)
    assert (done.status, done.error_code) == ("failed", "spotify_insufficient_scope")
    assert done.error == (
        "This needs a permission that the connection lacks. "
        "Connect Spotify again and allow user-read-recently-played."
    )
    made = requests_made(pretend_spotify) - before
    [spent] = rows(runtime.database, "spotify_app_days", "calls")
    assert spent["calls"] == used["calls"] + made  # type: ignore[operator]
    asked = [seen.path for seen in pretend_spotify.control.requests()]
    assert ApiCall.RECENTLY_PLAYED.path not in asked


def test_everything_that_was_asked_for_leaves_nothing_missing(
    visitor: Visitor, client: TestClient, runtime: Runtime
) -> None:
    visitor.sign_in()
    [user] = rows(runtime.database, "users")
    assert connection(client, user["id"])["missing_scopes"] == []


def test_where_nobody_knows_what_was_granted_spotify_decides(client: TestClient, runtime: Runtime) -> None:
    user_id = a_connected_user(runtime)
    assert connection(client, user_id)["scope"] is None
    assert connection(client, user_id)["missing_scopes"] == []
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        request_ingestion(tx, user_id, TimeRange.MEDIUM_TERM)
    [job] = queued_jobs(runtime.database)
    work_off(runtime)
    assert job_row(runtime.database, job.id).status == "succeeded"


@pytest.mark.parametrize(
    ("answered", "stored"),
    [
        (', "scope": "user-top-read"', ["user-top-read"]),
        ("", ["user-read-recently-played", "user-top-read"]),
    ],
)
def test_a_refresh_says_what_is_left(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify, answered: str, stored: list[str]
) -> None:
    user_id = a_connected_user(runtime)
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        tx.session.execute(
            text("UPDATE spotify_tokens SET scope = '{user-read-recently-played,user-top-read}'")
        )
    let_access_end_in(runtime.database, user_id, 0)
    body = f'{{"access_token": "BQD-new", "token_type": "Bearer", "expires_in": 3600{answered}}}'
    pretend_spotify.control.queue(CannedAnswer(path="/api/token", status=200, body=body))
    tokens: AccessTokens = runtime.tokens
    assert tokens.current(user_id).scopes == frozenset(stored)
    assert token_row(runtime.database, user_id).scope == stored


def connection(client: TestClient, user_id: UUID | object) -> dict[str, Any]:
    [shown] = client.get(f"/api/users/{user_id}/connections").json()
    assert isinstance(shown, dict)
    return shown
