from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from access_trials import a_family, a_session, access_token_of, an_api_key, bearer, change, cookie_header
from makers import a_user
from spotify_insights.access.sessions import (
    end_all_sessions,
    shortened_address,
    shortened_user_agent,
    start_session,
)
from spotify_insights.database.actor import SYSTEM
from spotify_insights.runtime import Runtime
from spotify_insights.settings import Settings


def status_with(client: TestClient, settings: Settings, cookie: str, user_id: UUID) -> int:
    return client.get(f"/api/users/{user_id}", headers=cookie_header(settings, cookie)).status_code


def test_a_browser_with_its_session_is_known(
    runtime: Runtime, settings: Settings, required_client: TestClient
) -> None:
    user_id = a_user(runtime)

    assert status_with(required_client, settings, a_session(runtime, user_id), user_id) == 200
    assert required_client.get(f"/api/users/{user_id}").status_code == 401


def test_only_a_hash_is_stored_and_every_sign_in_has_a_value_of_its_own(runtime: Runtime) -> None:
    user_id = a_user(runtime)
    values = {a_session(runtime, user_id) for _ in range(3)}
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        stored = str(tx.session.connection().exec_driver_sql("SELECT * FROM sessions").all())

    assert len(values) == 3
    assert min(len(value) for value in values) >= 43
    assert not any(value in stored for value in values)


def test_a_session_says_for_how_long_the_browser_may_keep_it(runtime: Runtime) -> None:
    user_id = a_user(runtime)
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        started = start_session(tx, user_id, days=12, address=None, user_agent=None)

    assert started.lasts == timedelta(days=12)
    assert started.value.get_secret_value() not in repr(started)


@pytest.mark.parametrize(
    "ended",
    [
        "revoked_at = clock_timestamp()",
        "expires_at = clock_timestamp()",
        "last_seen_at = clock_timestamp() - interval '7 days 1 second'",
    ],
    ids=["revoked", "over", "idle"],
)
def test_a_session_that_has_ended_lets_nobody_in(
    runtime: Runtime, settings: Settings, required_client: TestClient, ended: str
) -> None:
    user_id = a_user(runtime)
    cookie = a_session(runtime, user_id)
    before = status_with(required_client, settings, cookie, user_id)
    change(runtime, f"UPDATE sessions SET {ended}")  # noqa: S608  # our own words

    assert (before, status_with(required_client, settings, cookie, user_id)) == (200, 401)


def test_a_browser_that_was_away_for_less_than_the_idle_days_is_still_known(
    runtime: Runtime, settings: Settings, required_client: TestClient
) -> None:
    user_id = a_user(runtime)
    cookie = a_session(runtime, user_id)
    change(runtime, "UPDATE sessions SET last_seen_at = clock_timestamp() - interval '6 days 23 hours'")

    assert status_with(required_client, settings, cookie, user_id) == 200


def test_a_made_up_value_lets_nobody_in(
    runtime: Runtime, settings: Settings, required_client: TestClient
) -> None:
    user_id = a_user(runtime)

    for value in ("x", "A" * 43, "%00", "'; --"):
        assert status_with(required_client, settings, value, user_id) == 401


def test_signing_out_ends_the_session_drops_the_cookie_and_leads_home(
    runtime: Runtime, settings: Settings, required_client: TestClient
) -> None:
    user_id = a_user(runtime)
    cookie = a_session(runtime, user_id)
    answer = required_client.post("/auth/logout", headers=cookie_header(settings, cookie))

    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert 'si_session=""' in answer.headers["set-cookie"]
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert status_with(required_client, settings, cookie, user_id) == 401


def test_signing_out_twice_or_without_a_session_is_no_problem(
    runtime: Runtime, settings: Settings, required_client: TestClient
) -> None:
    headers = cookie_header(settings, a_session(runtime, a_user(runtime)))
    answers = [required_client.post("/auth/logout", headers=headers) for _ in range(2)]
    answers.append(required_client.post("/auth/logout", headers={"Sec-Fetch-Site": "same-origin"}))

    assert [answer.status_code for answer in answers] == [303] * 3


def test_a_listener_sees_where_they_are_signed_in(
    runtime: Runtime, settings: Settings, required_client: TestClient
) -> None:
    user_id, somebody_else = a_user(runtime), a_user(runtime)
    cookie = a_session(runtime, user_id)
    a_family(runtime, user_id)
    a_session(runtime, somebody_else)
    listed = required_client.get("/api/sessions", headers=cookie_header(settings, cookie)).json()

    assert [(entry["kind"], entry["current"]) for entry in listed] == [("token", False), ("browser", True)]
    assert listed[1]["address"] == "192.0.2.0/24"
    assert listed[1]["user_agent"] == "Trial/1.0"
    assert cookie not in str(listed)


def test_what_has_ended_is_not_listed(
    runtime: Runtime, settings: Settings, required_client: TestClient
) -> None:
    user_id = a_user(runtime)
    for ended in ("revoked_at", "expires_at"):
        a_session(runtime, user_id)
        change(runtime, f"UPDATE sessions SET {ended} = clock_timestamp()")  # noqa: S608  # our own words
    a_session(runtime, user_id)
    change(runtime, "UPDATE sessions SET last_seen_at = clock_timestamp() - interval '8 days'")
    cookie = a_session(runtime, user_id)
    listed = required_client.get("/api/sessions", headers=cookie_header(settings, cookie)).json()

    assert [entry["current"] for entry in listed] == [True]


def test_a_listener_ends_the_session_of_a_lost_phone(
    runtime: Runtime, settings: Settings, required_client: TestClient
) -> None:
    user_id = a_user(runtime)
    phone, laptop = a_session(runtime, user_id), a_session(runtime, user_id)
    headers = cookie_header(settings, laptop)
    (lost,) = (
        entry["session_id"]
        for entry in required_client.get("/api/sessions", headers=headers).json()
        if not entry["current"]
    )
    ended = required_client.delete(f"/api/sessions/{lost}", headers=headers)

    assert ended.status_code == 204
    assert status_with(required_client, settings, phone, user_id) == 401
    assert status_with(required_client, settings, laptop, user_id) == 200
    assert required_client.delete(f"/api/sessions/{lost}", headers=headers).status_code == 404


def test_ending_the_session_of_a_program_ends_its_access_token(
    runtime: Runtime, settings: Settings, required_client: TestClient
) -> None:
    user_id = a_user(runtime)
    family = a_family(runtime, user_id)
    token = bearer(access_token_of(runtime, family))
    before = required_client.get(f"/api/users/{user_id}", headers=token).status_code
    cookie = cookie_header(settings, a_session(runtime, user_id))
    required_client.delete(f"/api/sessions/{family.session_id}", headers=cookie)

    assert (before, required_client.get(f"/api/users/{user_id}", headers=token).status_code) == (200, 401)


def test_the_session_of_somebody_else_looks_like_none_and_stays(
    runtime: Runtime, settings: Settings, required_client: TestClient
) -> None:
    theirs = a_user(runtime)
    family = a_family(runtime, theirs)
    mine = cookie_header(settings, a_session(runtime, a_user(runtime)))
    foreign = required_client.delete(f"/api/sessions/{family.session_id}", headers=mine)
    missing = required_client.delete("/api/sessions/01936e5f-3c4d-7e5f-8a6b-7c8d9e0f1a2b", headers=mine)
    token = bearer(access_token_of(runtime, family))

    assert (foreign.status_code, missing.status_code) == (404, 404)
    assert foreign.json()["detail"] == missing.json()["detail"]
    assert required_client.get(f"/api/users/{theirs}", headers=token).status_code == 200


def test_all_others_end_and_the_one_that_asks_stays(
    runtime: Runtime, settings: Settings, required_client: TestClient
) -> None:
    user_id, somebody_else = a_user(runtime), a_user(runtime)
    others = [a_session(runtime, user_id) for _ in range(2)]
    token = bearer(access_token_of(runtime, a_family(runtime, user_id)))
    key = bearer(an_api_key(runtime, user_id))
    mine, theirs = a_session(runtime, user_id), a_session(runtime, somebody_else)
    answer = required_client.delete("/api/sessions", headers=cookie_header(settings, mine))

    assert answer.json() == {"ended": 3}
    assert [status_with(required_client, settings, cookie, user_id) for cookie in others] == [401, 401]
    assert required_client.get(f"/api/users/{user_id}", headers=token).status_code == 401
    assert required_client.get(f"/api/users/{user_id}", headers=key).status_code == 200
    assert status_with(required_client, settings, mine, user_id) == 200
    assert status_with(required_client, settings, theirs, somebody_else) == 200


def test_a_new_password_can_end_every_session(
    runtime: Runtime, settings: Settings, required_client: TestClient
) -> None:
    user_id = a_user(runtime)
    cookies = [a_session(runtime, user_id) for _ in range(2)]
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        ended = end_all_sessions(tx, user_id)

    assert ended == 2
    assert [status_with(required_client, settings, cookie, user_id) for cookie in cookies] == [401, 401]


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        ("203.0.113.0/24", "203.0.113.0/24"),
        ("unknown", None),
    ],
)
def test_an_address_is_shortened_to_its_network(address: str, network: str | None) -> None:
    assert shortened_address(address) == network


@given(st.ip_addresses())
def test_shortening_again_changes_nothing(address: object) -> None:
    once = shortened_address(str(address))

    assert once is not None
    assert shortened_address(once) == once


@given(st.text(max_size=400))
def test_a_user_agent_can_always_be_stored_and_shown(user_agent: str) -> None:
    shortened = shortened_user_agent(user_agent)

    assert len(shortened) <= 200
    assert "\x00" not in shortened
    shortened.encode()
