"""The account page: what it shows, and what its buttons do."""

import re

import pytest
from starlette.testclient import TestClient

from access_trials import a_session, bearer, change
from makers import a_connected_user
from page_trials import ADMIN, Browser, a_persons_browser, events, rows
from spotify_insights.runtime import Runtime
from spotify_insights.settings import Settings
from spotify_insights.web.session_cookie import cookie_name


@pytest.fixture
def listener(site: TestClient, runtime: Runtime, settings: Settings) -> Browser:
    """The browser of somebody who is connected with Spotify."""
    browser = Browser(site)
    browser.cookies = {cookie_name(settings): a_session(runtime, a_connected_user(runtime))}
    return browser


def test_a_connection_shows_the_days_it_has_left_and_can_be_ended(
    listener: Browser, runtime: Runtime
) -> None:
    page = listener.get("/account").text
    assert "Connected" in page
    assert re.search(r"18\d days left", page)

    assert listener.post("/account/connections/spotify/disconnect").status_code == 303
    page = listener.get("/account").text
    assert "Nothing is connected yet" in page
    assert "Connect Spotify" in page
    assert rows(runtime, "SELECT * FROM spotify_tokens") == []
    assert "disconnected" in events(runtime.settings.database_url.get_secret_value())


def test_a_connection_that_ended_asks_to_be_renewed(listener: Browser, runtime: Runtime) -> None:
    change(
        runtime,
        "UPDATE spotify_tokens SET status = 'reauth_required', sealed_access_token = NULL,"
        " sealed_refresh_token = NULL",
    )
    page = listener.get("/account").text

    assert "Connect again" in page
    assert 'href="/auth/spotify/login"' in page


def test_a_key_is_shown_once_and_does_what_was_chosen_until_it_is_revoked(
    site: TestClient, admin: Browser
) -> None:
    made = admin.post("/account/keys", name="Notebook", scopes=["profile:read", "keys"], days="30")
    [key] = re.findall(r"si_[A-Za-z0-9]{12}_[A-Za-z0-9_-]+", made.text)

    assert site.get("/api/keys", headers=bearer(key)).status_code == 200
    assert site.get("/api/admin/queues", headers=bearer(key)).status_code == 403
    page = admin.get("/account").text
    assert "Notebook" in page
    assert key not in page
    assert admin.post(f"/account/keys/{key.split('_')[1]}/revoke").status_code == 303
    assert site.get("/api/keys", headers=bearer(key)).status_code == 401


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": ""}, "what the key is for"),
        ({"scopes": []}, "at least one scope"),
        ({"scopes": ["act_for_users"]}, "no scope that its creator lacks"),
        ({"days": "9999"}, "1 to"),
        ({"days": "²"}, "as a number"),
    ],
)
def test_a_key_that_cannot_be_made_is_told_so(
    admin: Browser, fields: dict[str, str | list[str]], said: str
) -> None:
    answer = admin.post("/account/keys", **{"name": "Notebook", "scopes": ["keys"], "days": "30", **fields})

    assert answer.status_code == 422
    assert said in answer.text


def test_other_sign_ins_are_seen_and_ended_and_nobody_elses(site: TestClient, admin: Browser) -> None:
    phone, sam = Browser(site), a_persons_browser(admin, site, "sam")
    phone.sign_in(ADMIN)
    page = admin.get("/account").text
    [other] = re.findall(r"/account/sessions/([0-9a-f-]{36})/end", page)

    assert "Firefox on Linux" in page
    assert sam.post(f"/account/sessions/{other}/end").status_code == 404
    assert phone.get("/account").status_code == 200
    assert admin.post(f"/account/sessions/{other}/end").status_code == 303
    assert phone.get("/account").status_code == 303
    phone.sign_in(ADMIN)
    assert admin.post("/account/sessions/end-others").status_code == 303
    assert phone.get("/account").status_code == 303
    assert sam.get("/account").status_code == 200


def test_name_and_time_zone_are_kept_and_what_is_typed_is_text(admin: Browser, runtime: Runtime) -> None:
    name = '<script>alert("x")</script>'
    assert admin.post("/account/profile", display_name=name, timezone="Asia/Tokyo").status_code == 303
    page = admin.get("/account").text

    assert name not in page
    assert "&lt;script&gt;" in page
    assert 'value="Asia/Tokyo"' in page
    wrong = admin.post("/account/profile", display_name="Robin", timezone="Mars/Base")
    assert wrong.status_code == 422
    assert "not known" in wrong.text
    assert rows(runtime, "SELECT display_name, timezone FROM users") == [(name, "Asia/Tokyo")]


def test_an_export_is_asked_for(admin: Browser, runtime: Runtime) -> None:
    assert admin.post("/account/export").status_code == 303
    assert "being put together" in admin.get("/account?export_requested=1").text
    assert rows(
        runtime, "SELECT count(*) FROM background_jobs WHERE task_name LIKE 'scheduled.export_user_data'"
    ) == [(1,)]


def test_whoever_leaves_has_to_mean_it(site: TestClient, admin: Browser, runtime: Runtime) -> None:
    sam = a_persons_browser(admin, site, "sam")
    unsure = sam.post("/account/erase", confirmation="erase")
    assert unsure.status_code == 422
    assert "that you mean it" in unsure.text

    gone = sam.post("/account/erase", confirmation=" Erase  everything ")
    assert gone.headers["location"] == "/sign-in?erased=1"
    assert cookie_name(runtime.settings) not in sam.cookies
    assert sam.sign_in("sam").status_code == 422
    assert "erasure_requested" in events(runtime.settings.database_url.get_secret_value())


def test_the_last_admin_cannot_leave(admin: Browser) -> None:
    answer = admin.post("/account/erase", confirmation="erase everything")

    assert answer.status_code == 409
    assert "last admin" in answer.text
    assert admin.get("/account").status_code == 200


def test_signing_out_ends_the_session(site: TestClient, admin: Browser) -> None:
    copied = Browser(site)
    copied.cookies = dict(admin.cookies)
    assert admin.post("/auth/logout").status_code == 303

    assert copied.get("/account").status_code == 303
