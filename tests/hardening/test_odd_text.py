"""Text that nobody means to send is refused as what it is; nothing crashes on it."""

import json
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as trial_settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from access_trials import a_session, an_admin, an_api_key, bearer, cookie_header
from page_trials import installation
from problem_documents import reasons_of
from spotify_insights.runtime import Runtime
from spotify_insights.settings import Settings

SOMEBODY = "01890000-0000-7000-8000-000000000000"
FORM = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}
JSON = {"Content-Type": "application/json"}
PASSWORDS = ["password", "password_again", "current_password"]
SECRETS = {*PASSWORDS, "api_key", "refresh_token", "token"}
# Each with its fields; what is typed last is odd, and the others are as they should be.
FORMS: list[tuple[str, dict[str, str]]] = [
    ("/sign-in", {"username": "robin", "next": "/account", "password": ""}),
    ("/setup", {"token": "x", "username": "robin", "display_name": "Robin", "timezone": "UTC"}),
    ("/invitation", {"token": "x", "username": "robin", "display_name": "Robin", "timezone": "UTC"}),
    ("/register", {"username": "robin", "display_name": "Robin", "timezone": "UTC"}),
    ("/reset-password", {"token": "x", **dict.fromkeys(PASSWORDS[:2], "short")}),
    ("/account/password", dict.fromkeys(PASSWORDS, "short")),
    ("/account/profile", {"display_name": "Robin", "timezone": "UTC"}),
    ("/account/keys", {"name": "Notebook", "scopes": "insights:read", "days": "x"}),
    ("/account/erase", {"confirmation": "no"}),
    ("/account/connections/spotify/disconnect", {"keep_uploads": ""}),
    ("/people/invitations", {"note": "For Sam", "role": "user", "days": "x"}),
    (f"/people/{SOMEBODY}/role", {"role": "user"}),
]
BODIES: list[tuple[str, str, dict[str, str | list[str]]]] = [
    ("POST", "/api/auth/token", {"grant_type": "password", "username": "robin", "password": "x"}),
    ("POST", "/api/auth/token", {"grant_type": "api_key", "api_key": "si_x"}),
    ("POST", "/api/auth/token", {"grant_type": "refresh_token", "refresh_token": "x"}),
    ("POST", "/api/keys", {"name": "Notebook", "scopes": ["keys"]}),
    ("POST", "/api/invitations", {"note": "For Sam", "role": "user"}),
    ("POST", "/api/admin/services", {"display_name": "Importer"}),
    ("PATCH", f"/api/admin/users/{SOMEBODY}", {"role": "admin"}),
    ("PATCH", f"/api/users/{SOMEBODY}", {"display_name": "Robin", "timezone": "UTC"}),
    (
        "POST",
        "/api/users/register",
        {"spotify_user_id": "robin", "display_name": "Robin", "timezone": "Mars"},
    ),
]
PATHS = [
    "/account/keys/{}/revoke",
    "/account/sessions/{}/end",
    "/account/exports/{}/download",
    "/people/{}/role",
    "/people/invitations/{}/withdraw",
    "/account/connections/{}/disconnect",
]
odd_text = st.one_of(
    st.sampled_from(
        ["\0", "a\0b", "\x1b[2J", "\r\nSet-Cookie: a=b", "²", "٣", "\u202e", "\ufffe", "ﷺ" * 900]
    ),
    st.text(st.characters(), max_size=60),
    st.integers(1, 6000).map(lambda length: "x" * length),
)
half_characters = st.text(st.characters(categories=["Cs", "Cc", "Ll"]), min_size=1, max_size=9)
lasting = trial_settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def site(settings: Settings) -> Iterator[TestClient]:
    with installation(settings, sign_ins_per_minute=100_000, requests_per_minute=100_000) as client:
        yield client


@pytest.fixture
def browser(settings: Settings, runtime: Runtime) -> dict[str, str]:
    return FORM | cookie_header(settings, a_session(runtime, an_admin(runtime)))


@pytest.fixture
def key(runtime: Runtime) -> dict[str, str]:
    return JSON | bearer(an_api_key(runtime, an_admin(runtime)))


def test_no_field_of_a_form_crashes_on_it(site: TestClient, browser: dict[str, str]) -> None:
    @lasting
    @given(st.sampled_from(FORMS), st.data(), st.one_of(odd_text, st.just("\udcff")))
    def send(form: tuple[str, dict[str, str]], data: st.DataObject, odd: str) -> None:
        path, fields = form
        field = data.draw(st.sampled_from(sorted(fields)))
        # What is secret is looked for in every answer, so it is nothing that another field may hold.
        odd = f"this is a secret {odd}" if field in SECRETS else odd
        sent = {
            name: value.encode("utf-8", "surrogatepass") for name, value in {**fields, field: odd}.items()
        }
        answer = site.post(path, data=sent, headers=browser)
        assert answer.status_code < 500, answer.text

    send()


def test_no_field_of_a_body_crashes_on_it(site: TestClient, key: dict[str, str]) -> None:
    @lasting
    @given(st.sampled_from(BODIES), st.data(), st.one_of(odd_text, half_characters))
    def send(body: tuple[str, str, dict[str, object]], data: st.DataObject, odd: str) -> None:
        method, path, fields = body
        field = data.draw(st.sampled_from(sorted(fields)))
        # What is secret is looked for in every answer, so it is nothing that another field may hold.
        odd = f"this is a secret {odd}" if field in SECRETS else odd
        value: object = [odd] if isinstance(fields[field], list) else odd
        shown = JSON if path == "/api/auth/token" else key
        answer = site.request(method, path, content=json.dumps({**fields, field: value}), headers=shown)
        assert answer.status_code < 500, answer.text

    send()


@pytest.mark.parametrize("path", PATHS)
def test_no_part_of_an_address_crashes_on_it(site: TestClient, browser: dict[str, str], path: str) -> None:
    for odd in ("%00", "%ff", "%ed%a0%80", "%E2%80%AE", "x" * 3000):
        answer = site.post(path.format(odd), headers=browser, content="role=user")
        assert 400 <= answer.status_code < 500, answer.text


def test_a_name_that_cannot_be_stored_is_nobodys(site: TestClient) -> None:
    page = site.post("/sign-in", content="username=a%00b&password=x", headers=FORM)

    assert page.status_code == 422
    assert "do not go together" in page.text


def test_pages_take_no_json_however_deep_and_the_api_says_so(site: TestClient) -> None:
    deep = b"[" * 500_000
    reasons_of(site.post("/sign-in", content=deep, headers=JSON), 415, "unsupported_content_type")
    for path in ("/api/auth/token", "/api/users/register"):
        reasons_of(site.post(path, content=deep, headers=JSON), 422, "invalid_input")
