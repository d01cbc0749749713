"""Becoming somebody: first by the printed link, then by invitation, or everybody where that is open."""

import threading

import pytest
from starlette.testclient import TestClient

from access_trials import change
from page_trials import (
    ADMIN,
    PASSWORD,
    Browser,
    a_persons_browser,
    an_admins_browser,
    an_invitation,
    choosing,
    events,
    installation,
    rows,
    setup_path,
    token_of,
)
from spotify_insights.access.one_time_links import LinkOverError, hash_of_token
from spotify_insights.database.actor import AUTHENTICATION
from spotify_insights.runtime import Runtime
from spotify_insights.settings import Settings
from spotify_insights.sign_in.first_admin import make_first_admin
from spotify_insights.sign_in.local_accounts import Credentials

_ROLES = (
    "SELECT a.username, u.role, u.timezone FROM users u JOIN local_accounts a ON a.user_id = u.id ORDER BY 1"
)


def test_whoever_opens_the_printed_link_becomes_the_admin_and_is_signed_in(
    site: TestClient, runtime: Runtime
) -> None:
    browser = Browser(site)
    path = setup_path(site)

    assert browser.get("/account").headers["location"] == "/sign-in"
    assert "You are the first" in browser.get(path).text
    answer = browser.post(path, **choosing("Robin"))

    assert (answer.status_code, answer.headers["location"]) == (303, "/account?welcome=1")
    assert "Admin" in browser.get("/account").text
    assert rows(runtime, _ROLES) == [("robin", "admin", "Europe/Berlin")]
    assert events(runtime.settings.database_url.get_secret_value()) == ["account_created", "sign_in"]


def test_every_set_up_link_dies_with_the_first_admin(site: TestClient, runtime: Runtime) -> None:
    used, other = setup_path(site), setup_path(site)
    assert Browser(site).post(used, **choosing("robin")).status_code == 303

    for path in (used, other):
        assert Browser(site).get(path).status_code == 410
        late = Browser(site).post(path, **choosing("mallory"))
        assert late.status_code == 410
        assert "si_session" not in late.headers.get("set-cookie", "")
    assert [name for name, _, _ in rows(runtime, _ROLES)] == ["robin"]


def test_two_people_with_two_links_at_once_make_one_admin(site: TestClient, runtime: Runtime) -> None:
    served: Runtime = site.app.state.runtime  # type: ignore[attr-defined]
    tokens = [hash_of_token(token_of(setup_path(site))) for _ in range(4)]
    together, made = threading.Barrier(len(tokens)), []

    def become(number: int) -> None:
        credentials = Credentials(username=f"person-{number}", password_hash="-")
        with served.database.transaction(acting_for=AUTHENTICATION) as tx:
            together.wait()
            try:
                made.append(make_first_admin(tx, served.audit, credentials, token_hash=tokens[number]))
            except LinkOverError:
                return

    threads = [threading.Thread(target=become, args=[number]) for number in range(len(tokens))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(made) == 1
    assert rows(runtime, "SELECT id FROM users") == [(made[0],)]


@pytest.mark.parametrize("token", ["", "x", "%00", "a" * 400])
def test_an_invented_token_opens_nothing(site: TestClient, runtime: Runtime, token: str) -> None:
    for path in ("/setup", "/invitation", "/reset-password"):
        assert Browser(site).get(f"{path}?token={token}").status_code == 410
        answer = Browser(site).post(f"{path}?token={token}", **choosing("mallory"))
        assert answer.status_code == 410
    assert rows(runtime, _ROLES) == []


def test_an_expired_set_up_link_opens_nothing(site: TestClient, runtime: Runtime) -> None:
    path = setup_path(site)
    change(runtime, "UPDATE one_time_links SET expires_at = clock_timestamp() - interval '1 second'")

    assert Browser(site).get(path).status_code == 410
    assert Browser(site).post(path, **choosing("robin")).status_code == 410


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"username": "x"}, "3 to 64"),
        ({"username": "rob in"}, "3 to 64"),
        ({"password": "short", "password_again": "short"}, "at least 10"),
        ({"password": "Password1234", "password_again": "Password1234"}, "first passwords"),
        ({"password": "aaaaaaaaaaaaa", "password_again": "aaaaaaaaaaaaa"}, "first passwords"),
        ({"username": "robin@example.org", "password": "Robin@Example.org"}, "not the same"),
        (
            {
                "username": "robin@example.org",
                "password": "Robin@Example.org",
                "password_again": "Robin@Example.org",
            },
            "than your name",
        ),
        ({"password": "é" * 513, "password_again": "é" * 513}, "1024 bytes"),
        ({"password_again": "something else"}, "not the same"),
    ],
)
def test_what_cannot_be_used_is_told_beside_its_field_and_the_link_goes_on_working(
    site: TestClient, fields: dict[str, str], said: str
) -> None:
    path = setup_path(site)
    answer = Browser(site).post(path, **{**choosing("robin"), **fields})

    assert answer.status_code == 422
    assert said in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert PASSWORD not in answer.text
    assert Browser(site).get(path).status_code == 200


def test_an_invitation_lets_one_person_in(site: TestClient, admin: Browser, runtime: Runtime) -> None:
    path = an_invitation(admin)
    guest = Browser(site)

    assert "You are invited" in guest.get(path).text
    assert guest.post(path, **choosing("sam")).status_code == 303
    assert guest.get("/account").status_code == 200
    for late in (
        Browser(site).get(path),
        Browser(site).post(path, **choosing("eve")),
    ):
        assert late.status_code == 410
    assert [row[:2] for row in rows(runtime, _ROLES)] == [("robin", "admin"), ("sam", "user")]
    said = events(runtime.settings.database_url.get_secret_value())
    assert {"invitation_created", "invitation_accepted"} <= set(said)


def test_an_invitation_can_make_an_admin(site: TestClient, admin: Browser) -> None:
    assert a_persons_browser(admin, site, "sam", role="admin").get("/people").status_code == 200


def test_a_withdrawn_and_an_expired_invitation_let_nobody_in(
    site: TestClient, admin: Browser, runtime: Runtime
) -> None:
    withdrawn, expired = an_invitation(admin), an_invitation(admin)
    [(first,), (second,)] = rows(
        runtime, "SELECT id FROM one_time_links WHERE purpose = 'invitation' ORDER BY id"
    )
    assert admin.post(f"/people/invitations/{first}/withdraw").status_code == 303
    change(
        runtime,
        "UPDATE one_time_links SET expires_at = clock_timestamp() - interval '1 second' WHERE id = :id",
        id=second,
    )

    for path in (withdrawn, expired):
        assert Browser(site).get(path).status_code == 410
        answer = Browser(site).post(path, **choosing("eve"))
        assert answer.status_code == 410


def test_a_name_that_somebody_has_is_refused_and_uses_no_invitation_up(
    site: TestClient, admin: Browser
) -> None:
    path = an_invitation(admin)
    taken = Browser(site).post(path, **choosing(" ROBIN "))

    assert taken.status_code == 409
    assert "has this name already" in taken.text
    assert Browser(site).get(path).status_code == 200


def test_an_invitation_opens_no_other_door(site: TestClient, admin: Browser) -> None:
    path = an_invitation(admin)

    for elsewhere in ("/setup", "/reset-password"):
        answer = Browser(site).post(f"{elsewhere}?token={token_of(path)}", **choosing("eve"))
        assert answer.status_code == 410
    assert Browser(site).get(path).status_code == 200


def test_without_an_invitation_nobody_new_joins(site: TestClient, admin: Browser) -> None:
    assert admin.get("/account").status_code == 200
    for answer in (Browser(site).get("/register"), Browser(site).post("/register", **choosing("eve"))):
        assert answer.status_code == 403
        assert "By invitation only" in answer.text


def test_a_closed_installation_takes_no_invitations_either(settings: Settings) -> None:
    with installation(settings, registration="closed") as site:
        path = an_invitation(an_admins_browser(site))
        for answer in (
            Browser(site).get(path),
            Browser(site).post(path, **choosing("eve")),
            Browser(site).post("/register", **choosing("eve")),
        ):
            assert answer.status_code == 403
            assert "Nobody new at the moment" in answer.text


def test_an_open_installation_takes_everybody_as_a_user(settings: Settings, runtime: Runtime) -> None:
    with installation(settings, registration="open") as site:
        an_admins_browser(site)
        guest = Browser(site)
        assert "Create your account" in guest.get("/sign-in").text
        assert guest.post("/register", role="admin", **choosing("eve")).status_code == 303
        assert guest.get("/people").status_code == 403
    assert [row[:2] for row in rows(runtime, _ROLES)] == [("eve", "user"), (ADMIN, "admin")]
