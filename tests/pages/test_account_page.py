"""The account page: what it shows, and what its buttons do."""

import re

import pytest
from starlette.testclient import TestClient

from access_trials import a_session, bearer, change
from jobs_inline import work_off
from makers import a_connected_user
from page_trials import ADMIN, Browser, a_persons_browser, an_admins_browser, events, installation, rows
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


def test_what_was_the_only_way_in_can_be_forgotten_once_there_is_another(
    listener: Browser, runtime: Runtime
) -> None:
    listener.post("/account/connections/spotify/disconnect")
    assert "still signs you in" not in listener.get("/account").text

    change(
        runtime,
        "INSERT INTO local_accounts (user_id, username, password_hash) SELECT id, 'sam', 'hash' FROM users",
    )
    page = listener.get("/account").text
    assert "still signs you in" in page
    assert 'name="keep_uploads" value="1"' in page
    assert listener.post("/account/connections/spotify/disconnect").status_code == 303
    assert "still signs you in" not in listener.get("/account").text
    assert rows(runtime, "SELECT * FROM user_identities") == []


def test_disconnecting_spotify_says_what_goes_and_keeps_uploads_only_for_whoever_asks(
    listener: Browser, runtime: Runtime
) -> None:
    page = listener.get("/account").text
    assert "all your snapshots" in page
    assert "keep_uploads" not in page

    change(
        runtime,
        "WITH track AS (INSERT INTO tracks (spotify_id, name, source) VALUES ('a', 'A', 'spotify_export')"
        " RETURNING id) INSERT INTO plays (user_id, track_id, ended_at, source)"
        " SELECT users.id, track.id, now(), 'spotify_export' FROM users, track",
    )
    [box] = re.findall(r"<input[^>]*keep_uploads[^>]*>", listener.get("/account").text)
    assert "checked" not in box
    answer = listener.post("/account/connections/spotify/disconnect")
    assert "all snapshots and insights" in listener.get(answer.headers["location"]).text


def test_what_spotify_was_not_allowed_is_said(listener: Browser, runtime: Runtime) -> None:
    change(runtime, "UPDATE spotify_tokens SET scope = '{user-top-read}'")
    page = listener.get("/account?connected=spotify").text

    assert "Spotify was not allowed to tell what you played lately." in page
    assert "it was not allowed everything" in page
    assert 'href="/auth/spotify/login">Connect again' in page


def test_after_connecting_a_sentence_says_so_only_where_it_is_so(listener: Browser) -> None:
    assert "Spotify is connected. What you play" in listener.get("/account?connected=spotify").text
    assert "nothing is read" not in listener.get("/account?connected=listenbrainz").text
    assert "is disconnected" not in listener.get("/account?disconnected=spotify").text


def test_another_time_zone_is_offered_where_a_script_knows_it(listener: Browser) -> None:
    page = listener.get("/account").text
    [offer] = re.findall(r"<form[^>]*data-timezone-offer[^>]*>", page)
    assert 'data-timezone-offer="UTC" hidden' in offer


def test_an_admin_without_a_spotify_app_is_told_what_to_register(settings: Settings) -> None:
    with installation(settings, spotify_client_id=None) as site:
        admin = an_admins_browser(site)
        sam = a_persons_browser(admin, site, "sam")
        page, other = (browser.get("/account").text for browser in (admin, sam))
    assert "http://127.0.0.1:8000/auth/spotify/callback" in page.replace("<wbr>", "")
    assert "Set up Spotify" not in other


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


def test_a_form_that_shows_a_secret_works_once(site: TestClient, admin: Browser, runtime: Runtime) -> None:
    a_persons_browser(admin, site, "sam")
    [sam] = [row[0] for row in rows(runtime, "SELECT user_id FROM local_accounts WHERE username = 'sam'")]
    forms = re.findall(r'name="form" value="([^"]+)"', admin.get("/account").text + admin.get("/people").text)
    assert len(set(forms)) == len(forms) == 3
    for path, form, fields in (
        ("/account/keys", forms[0], {"name": "Notebook", "scopes": "keys"}),
        ("/people/invitations", forms[1], {"note": "For Kim"}),
        (f"/people/{sam}/password-reset", forms[2], {}),
    ):
        sent = [admin.post(path, form=form, **fields) for _ in range(2)]
        assert [answer.status_code for answer in sent] == [200, 409], path
        assert 'class="secret"' in sent[0].text
        assert "shown already" in sent[1].text
    assert rows(runtime, "SELECT count(*) FROM api_keys") == [(1,)]
    assert rows(runtime, "SELECT count(*) FROM one_time_links WHERE note = 'For Kim'") == [(1,)]


def test_a_form_that_could_not_be_used_may_be_sent_again(admin: Browser) -> None:
    fields = {"form": "one-and-the-same", "scopes": "keys"}
    assert admin.post("/account/keys", **fields).status_code == 422
    assert admin.post("/account/keys", name="Notebook", **fields).status_code == 200


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
    assert answer.text.count("autofocus") == 1


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
    assert "being put together" in admin.get("/account").text
    assert 'action="/account/export"' not in admin.get("/account").text
    work_off(runtime)
    page = admin.get("/account").text
    assert "being put together" not in page
    assert "Download" in page


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
