"""A foreign page cannot make a browser change anything in its user's name."""

import pytest
from starlette.testclient import TestClient

from access_trials import a_session, required_settings, running_required
from makers import a_user
from problem_documents import reasons_of
from spotify_insights.runtime import Runtime
from spotify_insights.settings import Settings
from spotify_insights.web.session_cookie import cookie_name

OWN = "http://127.0.0.1:8000"
FROM_OWN_PAGES = [
    {"Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "none"},
    {"Origin": OWN},
    {"Sec-Fetch-Site": "same-origin", "Origin": OWN},
]
FROM_ELSEWHERE = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Origin": OWN},
    {"Sec-Fetch-Site": "SAME-ORIGIN"},
    {"Sec-Fetch-Site": ""},
    {"Origin": "https://evil.example"},
    {"Origin": "http://127.0.0.1:8001"},
    {"Origin": "https://127.0.0.1:8000"},
    {"Origin": "http://127.0.0.1"},
    {"Origin": "http://localhost:8000"},
    {"Origin": "http://127.0.0.1:8000.evil.example"},
    {"Origin": "null"},
    {"Origin": ""},
]


def test_own_pages_change_things_with_the_session(settings: Settings, runtime: Runtime) -> None:
    user_id = a_user(runtime)
    cookie = {"Cookie": f"theme=dark; {cookie_name(settings)}={a_session(runtime, user_id)}"}
    with running_required(settings) as client:
        for headers in FROM_OWN_PAGES:
            change = {"timezone": "Asia/Tokyo"}
            answer = client.patch(f"/api/users/{user_id}", json=change, headers=cookie | headers)
            assert answer.status_code == 204


def test_foreign_pages_change_nothing_with_the_session(settings: Settings, runtime: Runtime) -> None:
    user_id = a_user(runtime)
    cookie = {"Cookie": f"theme=dark; {cookie_name(settings)}={a_session(runtime, user_id)}"}
    address = f"/api/users/{user_id}"
    with running_required(settings) as client:
        for headers in [*FROM_ELSEWHERE, {}]:
            refused = client.patch(address, json={"timezone": "Asia/Tokyo"}, headers=cookie | headers)
            reasons_of(refused, 403, "cross_site")
        # Reading is no change, and what it gives no foreign page can see.
        kept = client.get(address, headers=cookie | {"Sec-Fetch-Site": "cross-site"}).json()

    assert kept["timezone"] == "UTC"


def test_every_method_that_may_change_something_is_looked_at(settings: Settings) -> None:
    cookie = {"Cookie": f"{cookie_name(settings)}=x", "Sec-Fetch-Site": "cross-site"}
    with running_required(settings) as client:
        for method in ("POST", "PUT", "PATCH", "DELETE", "INVENTED"):
            reasons_of(client.request(method, "/api/tasks", headers=cookie), 403, "cross_site")


def test_a_form_of_a_foreign_page_signs_nobody_in(settings: Settings) -> None:
    with running_required(settings) as client:
        for headers in FROM_ELSEWHERE:
            form = {"username": "evil", "password": ""}
            reasons_of(client.post("/sign-in", data=form, headers=headers), 403, "cross_site")
        evil = {"Sec-Fetch-Site": "cross-site", "Accept": "text/html"}
        page = client.post("/sign-in", data={"username": "evil"}, headers=evil)

    assert (page.status_code, page.headers["content-type"]) == (403, "text/html; charset=utf-8")


def test_a_callback_of_a_provider_is_let_through(settings: Settings) -> None:
    with running_required(settings) as client:
        answer = client.get(
            "/auth/spotify/callback?state=x&code=y",
            headers={"Sec-Fetch-Site": "cross-site", "Cookie": f"{cookie_name(settings)}=x"},
        )

    assert "did not come from" not in answer.text


def test_a_program_with_a_key_is_no_browser(settings: Settings) -> None:
    shown = {"Authorization": "Bearer si_x", "Sec-Fetch-Site": "cross-site", "Origin": "https://app.example"}
    with running_required(settings) as client:
        reasons_of(client.post("/api/listening/ingest", headers=shown), 401, "unauthenticated")


@pytest.mark.parametrize(
    ("path", "authorization"),
    [
        ("/account/sessions/end-others", "Basic Og=="),
        ("/account/sessions/end-others", "Bearer si_x"),
        ("/api/tasks", "Basic Og=="),
        ("/api/tasks", ""),
    ],
)
def test_another_header_is_no_way_around(settings: Settings, path: str, authorization: str) -> None:
    evil = {"Sec-Fetch-Site": "cross-site", "Authorization": authorization}
    with running_required(settings) as client:
        answer = client.post(path, headers=evil | {"Cookie": f"{cookie_name(settings)}=x"})
        reasons_of(answer, 403, "cross_site")


class TestWithoutSignIn:
    """Everything is allowed there, so that a foreign page would need no cookie."""

    @pytest.mark.parametrize(
        "headers",
        [
            {},
            *FROM_OWN_PAGES,
            {"Origin": "http://localhost:8000", "Host": "localhost:8000"},
            {"Origin": "http://localhost:8000"},
            {"Origin": "http://[::1]:9000", "Host": "[::1]:9000"},
        ],
        ids=str,
    )
    def test_programs_and_own_pages_may(self, lasting_client: TestClient, headers: dict[str, str]) -> None:
        body = {"spotify_user_id": "somebody"}
        answer = lasting_client.post("/api/users/register", json=body, headers=headers)

        assert answer.status_code in {200, 201}

    @pytest.mark.parametrize(
        "headers",
        [
            {"Sec-Fetch-Site": "same-site"},
            {"Sec-Fetch-Site": "cross-site"},
            {"Origin": "http://127.0.0.1:3000"},
            {"Origin": "http://localhost"},
            {"Origin": "https://localhost:9000", "Host": "localhost:8000"},
        ],
        ids=str,
    )
    def test_another_program_of_this_machine_may_not(
        self, lasting_client: TestClient, headers: dict[str, str]
    ) -> None:
        # Without a body there is no preflight that would hold it back.
        order = "/api/listening/ingest?user_id=01890000-0000-7000-8000-000000000000"

        reasons_of(lasting_client.post(order, headers=headers), 403, "cross_site")


def test_the_cookie_of_an_encrypted_installation_is_recognised_too(settings: Settings) -> None:
    given = settings.model_copy(update={"public_url": "https://insights.example"})
    cookie = {"Cookie": f"{cookie_name(required_settings(given))}=x", "Host": "insights.example"}
    with running_required(given) as client:
        assert cookie_name(given).startswith("__Host-")
        reasons_of(client.delete("/api/tasks", headers=cookie), 403, "cross_site")
        own = cookie | {"Origin": "https://insights.example"}
        assert client.delete("/api/tasks", headers=own).status_code == 405
