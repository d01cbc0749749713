"""Sign-in with Spotify: who comes back is found or made, connected, and signed in."""

import re
from urllib.parse import parse_qs, urlsplit

import httpx2
from sqlalchemy import text
from starlette.testclient import TestClient

from jobs_inline import queued_jobs, work_off
from sign_in_journeys import LOGIN, Visitor, answered_at_spotify, events, rows
from spotify_insights.accounts.register import Identity, register_user
from spotify_insights.database.actor import SYSTEM
from spotify_insights.pretend_spotify.running import RunningPretendSpotify
from spotify_insights.runtime import Runtime
from spotify_insights.spotify.scopes import REQUESTED_SCOPES
from stored_tokens import refresh_calls, stored_access_token, stored_refresh_token, token_row

TASK = "spotify.ingest_listening_data"


def test_the_browser_goes_away_with_state_and_challenge_and_asks_for_what_the_calls_need(
    visitor: Visitor, pretend_spotify: RunningPretendSpotify
) -> None:
    address = visitor.leave()
    asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    assert address.startswith(f"{pretend_spotify.base_url}/authorize?")
    assert asked["redirect_uri"] == "http://127.0.0.1:8000/auth/spotify/callback"
    assert asked["response_type"] == "code"
    assert set(asked["scope"].split()) == REQUESTED_SCOPES
    assert asked["code_challenge_method"] == "S256"
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", asked["state"])
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", asked["code_challenge"])


def test_what_is_kept_meanwhile_reveals_neither_state_nor_verifier_nor_cookie(
    visitor: Visitor, runtime: Runtime
) -> None:
    state = parse_qs(urlsplit(visitor.leave()).query)["state"][0]
    [kept] = rows(runtime.database, "sign_in_attempts")
    text_of_row = str(kept)
    assert state not in text_of_row
    assert visitor.cookies["si_sign_in"] not in text_of_row
    assert str(kept["sealed_code_verifier"]).startswith("v1:")


def test_the_first_sign_in_makes_the_user_connects_them_and_queues_one_ingestion(
    visitor: Visitor, runtime: Runtime, pretend_spotify: RunningPretendSpotify
) -> None:
    answer = visitor.sign_in()
    assert (answer.status_code, answer.headers["location"]) == (303, "/account?connected=spotify")
    [user] = rows(runtime.database, "users")
    [identity] = rows(runtime.database, "user_identities")
    assert identity["user_id"] == user["id"]
    assert identity["provider_user_id"] == pretend_spotify.control.user_id_of("omnivore")
    assert identity["account_id"]
    assert user["display_name"]
    stored = token_row(runtime.database, identity["user_id"])  # type: ignore[arg-type]
    assert (stored.status, frozenset(stored.scope or [])) == ("connected", REQUESTED_SCOPES)
    [job] = queued_jobs(runtime.database)
    assert (job.task_name, job.owner_id) == (TASK, user["id"])
    assert work_off(runtime)
    assert rows(runtime.database, "listening_snapshots", "time_range") == [{"time_range": "medium_term"}]
    assert [event for event, _ in events(runtime.database)] == ["account_created", "connected", "sign_in"]


def test_the_session_is_the_browsers_and_the_address_with_the_code_is_left_at_once(
    visitor: Visitor,
) -> None:
    answer = visitor.sign_in()
    assert visitor.session
    assert "si_sign_in" not in visitor.cookies
    assert "code=" not in answer.headers["location"]
    assert answer.headers["cache-control"] == "no-store"
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert visitor.get("/account").status_code == 200


def test_a_later_sign_in_renews_the_tokens_and_queues_nothing(visitor: Visitor, runtime: Runtime) -> None:
    visitor.sign_in()
    work_off(runtime)
    [user] = rows(runtime.database, "users")
    before = stored_access_token(runtime, user["id"])  # type: ignore[arg-type]
    elsewhere = Visitor(visitor.client)
    assert elsewhere.sign_in().headers["location"] == "/account?connected=spotify"
    assert len(rows(runtime.database, "users")) == 1
    assert stored_access_token(runtime, user["id"]) != before  # type: ignore[arg-type]
    assert queued_jobs(runtime.database) == []
    assert len(rows(runtime.database, "sessions")) == 2
    assert visitor.get("/account").status_code == 200, "the other browser stays signed in"


def test_a_connection_that_had_ended_works_again_after_signing_in(
    visitor: Visitor, runtime: Runtime, client: TestClient
) -> None:
    visitor.sign_in()
    work_off(runtime)
    [user] = rows(runtime.database, "users")
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        tx.session.execute(
            text(
                "UPDATE spotify_tokens SET status = 'reauth_required', sealed_access_token = NULL,"
                " sealed_refresh_token = NULL, refresh_expires_at = clock_timestamp() - interval '1 day'"
            )
        )
    Visitor(client).sign_in()
    row = token_row(runtime.database, user["id"])  # type: ignore[arg-type]
    assert row.status == "connected"
    assert row.refresh_expires_at > row.authorized_at
    assert len(queued_jobs(runtime.database)) == 1
    assert ("reauthorised", {"provider": "spotify"}) in events(runtime.database)
    [connection] = client.get(f"/api/users/{user['id']}/connections").json()
    assert (connection["status"], connection["reminder"]) == ("connected", None)


def test_signing_in_again_in_one_browser_gives_a_new_session_and_ends_the_old_one(
    visitor: Visitor, runtime: Runtime
) -> None:
    visitor.sign_in()
    before = visitor.session
    visitor.sign_in()
    assert visitor.session != before
    stolen = Visitor(visitor.client, {"si_session": str(before)})
    assert stolen.get("/account").status_code == 303
    assert len(rows(runtime.database, "users")) == 1


def test_who_is_known_by_name_alone_is_known_by_account_id_from_now_on(
    visitor: Visitor, runtime: Runtime, pretend_spotify: RunningPretendSpotify
) -> None:
    spotify_id = pretend_spotify.control.user_id_of("omnivore")
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        known = register_user(tx, Identity("spotify", spotify_id)).user_id
    visitor.sign_in()
    [identity] = rows(runtime.database, "user_identities")
    assert identity["user_id"] == known
    assert identity["account_id"]
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        tx.session.execute(text("UPDATE user_identities SET provider_user_id = 'former-name'"))
    Visitor(visitor.client).sign_in()
    [identity] = rows(runtime.database, "user_identities")
    assert (identity["user_id"], identity["provider_user_id"]) == (known, spotify_id)


def test_what_a_service_says_of_its_users_lets_nobody_in(
    visitor: Visitor, runtime: Runtime, pretend_spotify: RunningPretendSpotify
) -> None:
    spotify_id = pretend_spotify.control.user_id_of("omnivore")
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        service = register_user(tx, Identity("spotify", "the-service"), role="service").user_id
        claimed = register_user(tx, Identity("spotify", spotify_id), registered_by=service).user_id
    visitor.sign_in()
    owners = {
        identity["user_id"]: identity["asserted_by"] for identity in rows(runtime.database, "user_identities")
    }
    assert owners[claimed] == service
    assert len(owners) == 3, "whoever signs in is somebody else"


def test_next_leads_on_to_a_path_of_this_site_alone(visitor: Visitor) -> None:
    for wanted, reached in (
        ("/account?tab=keys", "/account?tab=keys"),
        ("//evil.example", "/account?connected=spotify"),
        ("/\\evil.example", "/account?connected=spotify"),
        ("https://evil.example", "/account?connected=spotify"),
        ("/%0d%0aX:y", "/account?connected=spotify"),
        ("/" + "a" * 600, "/account?connected=spotify"),
    ):
        assert visitor.sign_in(path=f"{LOGIN}?next={wanted}").headers["location"] == reached, wanted


def test_another_name_for_this_machine_leads_to_the_public_address_first(visitor: Visitor) -> None:
    answer = visitor.get(f"{LOGIN}?next=/account", headers={"Host": "localhost:8000"})
    assert answer.status_code == 303
    moved = answer.headers["location"]
    assert moved.startswith(f"http://127.0.0.1:8000{LOGIN}?next=/account")
    assert "set-cookie" not in answer.headers
    again = visitor.get(moved.removeprefix("http://127.0.0.1:8000"), headers={"Host": "localhost:8000"})
    assert "/authorize?" in again.headers["location"], "a proxy that changes the host leads in no circle"


def test_two_tabs_of_one_browser_may_sign_in_at_once(visitor: Visitor) -> None:
    first, second = visitor.leave(), visitor.leave()
    back = answered_at_spotify(first)
    assert visitor.get("/sign-in").status_code == 200
    assert visitor.come_back(back).headers["location"] == "/account?connected=spotify"
    assert second != first


def test_the_calls_of_a_sign_in_count_in_the_budget(visitor: Visitor, runtime: Runtime) -> None:
    visitor.sign_in()
    [day] = rows(runtime.database, "spotify_app_days")
    assert day["calls"] == 2


def test_tokens_are_stored_sealed_and_usable(
    visitor: Visitor, runtime: Runtime, pretend_spotify: RunningPretendSpotify
) -> None:
    visitor.sign_in()
    [row] = rows(runtime.database, "spotify_tokens")
    user_id = row["user_id"]
    access = stored_access_token(runtime, user_id)  # type: ignore[arg-type]
    assert access not in str(row)
    assert stored_refresh_token(runtime, user_id) not in str(row)  # type: ignore[arg-type]
    calls = refresh_calls(pretend_spotify)
    assert runtime.tokens.current(user_id).token.get_secret_value() == access  # type: ignore[arg-type]
    assert refresh_calls(pretend_spotify) == calls
    with httpx2.Client(trust_env=False) as spotify:
        me = spotify.get(f"{pretend_spotify.api_url}/me", headers={"Authorization": f"Bearer {access}"})
    assert me.status_code == 200


def test_asking_for_headers_alone_neither_begins_nor_ends_an_attempt(
    visitor: Visitor, runtime: Runtime
) -> None:
    callback = answered_at_spotify(visitor.leave())
    cookies = {"Cookie": "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())}
    for address in (LOGIN, callback):
        path = address.removeprefix("http://127.0.0.1:8000")
        looked = visitor.client.head(path, headers=cookies, follow_redirects=False)
        assert (looked.status_code, looked.headers["allow"]) == (405, "GET")

    [attempt] = rows(runtime.database, "sign_in_attempts")
    assert attempt["used_at"] is None
    assert visitor.come_back(callback).headers["location"] == "/account?connected=spotify"
