"""A new password: by knowing the old one, or by a link that an admin made."""

import pytest
from starlette.testclient import TestClient

from access_trials import a_session, an_api_key, bearer, change
from makers import a_user
from page_trials import ADMIN, PASSWORD, Browser, a_persons_browser, an_invitation, events, link_of, rows
from spotify_insights.accounts.register import Identity, add_identity
from spotify_insights.database.actor import SYSTEM
from spotify_insights.runtime import Runtime
from spotify_insights.settings import Settings
from spotify_insights.web.session_cookie import cookie_name
from stored_exports import made_export

NEW = "seven quiet elephants"


def changing(current: str = PASSWORD, new: str = NEW, again: str = NEW) -> dict[str, str]:
    return {"current_password": current, "password": new, "password_again": again}


def a_reset_link(admin: Browser, runtime: Runtime, username: str) -> str:
    [(user_id,)] = rows(runtime, "SELECT user_id FROM local_accounts WHERE username = :name", name=username)
    answer = admin.post(f"/people/{user_id}/password-reset")
    assert answer.status_code == 200, answer.text
    return link_of(answer.text)


def test_whoever_knows_the_password_changes_it_and_stays_signed_in_here_alone(
    site: TestClient, admin: Browser, runtime: Runtime
) -> None:
    elsewhere = Browser(site)
    elsewhere.sign_in(ADMIN)
    answer = admin.post("/account/password", **changing())

    assert answer.headers["location"] == "/account?password_changed=1"
    assert admin.get("/account").status_code == 200
    assert elsewhere.get("/account").status_code == 303
    assert Browser(site).sign_in(ADMIN).status_code == 422
    assert Browser(site).sign_in(ADMIN, NEW).status_code == 303
    assert "password_changed" in events(runtime.settings.database_url.get_secret_value())


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (changing(current="not mine at all"), "not your password"),
        (changing(again="something else"), "not the same"),
        (changing(new=ADMIN * 2, again=ADMIN * 2), None),
        (changing(new="qwertyuiop", again="qwertyuiop"), "first passwords"),
    ],
)
def test_what_cannot_be_used_changes_nothing(
    site: TestClient, admin: Browser, fields: dict[str, str], said: str | None
) -> None:
    answer = admin.post("/account/password", **fields)

    if said is None:
        assert answer.status_code == 303
        return
    assert answer.status_code == 422
    assert said in answer.text
    assert Browser(site).sign_in(ADMIN).status_code == 303


def test_a_link_for_a_new_password_works_once_and_ends_every_session_and_key(
    site: TestClient, admin: Browser, runtime: Runtime
) -> None:
    sam = a_persons_browser(admin, site, "sam")
    [(sams_id,)] = rows(runtime, "SELECT user_id FROM local_accounts WHERE username = 'sam'")
    key = bearer(an_api_key(runtime, sams_id))
    path = a_reset_link(admin, runtime, "sam")
    finder = Browser(site)

    assert "sam" in finder.get(path).text
    assert finder.post(path, password="short", password_again="short").status_code == 422
    done = finder.post(path, password=NEW, password_again=NEW)
    assert (done.status_code, "Your new password counts" in done.text) == (200, True)
    assert "also be entered" not in done.text
    assert finder.post(path, password=PASSWORD, password_again=PASSWORD).status_code == 410
    assert finder.get(path).status_code == 410
    assert sam.get("/account").status_code == 303
    assert site.get("/api/keys", headers=key).status_code == 401
    assert sam.sign_in("sam").status_code == 422
    assert sam.sign_in("sam", NEW).status_code == 303


def test_after_a_reset_no_link_of_theirs_works_and_the_other_ways_in_are_named(
    site: TestClient, admin: Browser, runtime: Runtime
) -> None:
    sam = a_persons_browser(admin, site, "sam", role="admin")
    [(sams_id,)] = rows(runtime, "SELECT user_id FROM local_accounts WHERE username = 'sam'")
    invitation = an_invitation(sam, role="admin")
    export = made_export(runtime, sams_id)
    download = sam.post(f"/account/exports/{export}/download").headers["location"]
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        add_identity(tx, sams_id, Identity("listenbrainz", "mallory"))
    path = a_reset_link(admin, runtime, "sam")
    page = Browser(site).post(path, password=NEW, password_again=NEW).text

    assert "also be entered through ListenBrainz" in page
    assert "Disconnect on your account" in page
    assert [Browser(site).get(link).status_code for link in (invitation, download)] == [410, 404]


def test_a_newer_link_and_time_end_an_older_one(site: TestClient, admin: Browser, runtime: Runtime) -> None:
    a_persons_browser(admin, site, "sam")
    older, newer = a_reset_link(admin, runtime, "sam"), a_reset_link(admin, runtime, "sam")

    assert Browser(site).get(older).status_code == 410
    assert Browser(site).get(newer).status_code == 200
    change(runtime, "UPDATE one_time_links SET expires_at = clock_timestamp() - interval '1 second'")
    assert Browser(site).post(newer, password=NEW, password_again=NEW).status_code == 410


def test_who_signs_in_elsewhere_has_no_password_to_change(
    site: TestClient, admin: Browser, runtime: Runtime, settings: Settings
) -> None:
    listener = a_user(runtime)
    browser = Browser(site)
    browser.cookies = {cookie_name(settings): a_session(runtime, listener)}

    assert browser.get("/account/password").status_code == 409
    assert admin.post(f"/people/{listener}/password-reset").status_code == 409
