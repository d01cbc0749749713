"""Whoever opens a wrong address with a browser reads a page that says what to do; programs get a document."""

import pytest
from starlette.testclient import TestClient

from access_trials import running_required
from problem_documents import reasons_of
from spotify_insights.settings import Settings

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
SOMEBODY = "01890000-0000-7000-8000-000000000000"


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/nothing", {}, 404),
        ("GET", "/static/nothing.css", {}, 404),
        ("DELETE", "/sign-in", {}, 405),
        ("HEAD", "/auth/spotify/login", {}, 405),
        ("GET", "/", {"Host": "evil.example"}, 403),
        ("POST", "/sign-in", {"Content-Type": "application/json"}, 415),
    ],
)
def test_a_browser_is_told_by_a_page(
    lasting_client: TestClient, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    content = b"{}" if method == "POST" else None
    page = lasting_client.request(method, path, headers=BROWSER | headers, content=content)
    program = lasting_client.request(method, path, headers=headers, content=content)

    assert (page.status_code, page.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert method == "HEAD" or "<a " in page.text
    assert (program.status_code, program.headers["content-type"]) == (status, "application/problem+json")
    assert page.headers.get("allow") == program.headers.get("allow")


def test_the_api_speaks_to_programs_whatever_they_accept(lasting_client: TestClient) -> None:
    reasons_of(lasting_client.get("/api/nothing", headers=BROWSER), 404, "not_found")
    reasons_of(lasting_client.put("/api/tasks", headers=BROWSER), 405, "method_not_allowed")


@pytest.mark.parametrize(
    ("form", "page"),
    [
        ("/account/keys", "/account"),
        ("/account/keys/A1b2C3d4E5f6/revoke", "/account"),
        ("/account/erase", "/account"),
        ("/account/profile", "/account"),
        ("/account/connections/spotify/disconnect", "/account"),
        ("/people/invitations", "/people"),
        (f"/people/{SOMEBODY}/role", "/people"),
        ("/auth/logout", "/"),
    ],
)
def test_the_address_of_a_form_leads_to_its_page(lasting_client: TestClient, form: str, page: str) -> None:
    answer = lasting_client.get(form, headers=BROWSER, follow_redirects=False)

    assert (answer.status_code, answer.headers["location"]) == (303, page)


def test_another_name_of_this_machine_leads_to_the_one_that_cookies_know(settings: Settings) -> None:
    here = BROWSER | {"Host": "localhost:8000"}
    with running_required(settings) as client:
        page = client.get("/people/a%20b?next=/x%20y", headers=here)
        assert (page.status_code, page.headers["location"]) == (
            303,
            "http://127.0.0.1:8000/people/a%20b?next=/x%20y",
        )
        for method, path, headers in (
            ("GET", "/account", {"Host": "localhost:8000"}),
            ("GET", "/api/tasks", here),
            ("POST", "/sign-in", here),
            ("GET", "/account", BROWSER | {"Host": "evil.example"}),
        ):
            answer = client.request(method, path, headers=headers)
            assert answer.status_code == 421, (method, path, headers)


def test_a_public_name_is_never_led_to_by_another_one(settings: Settings) -> None:
    given = settings.model_copy(update={"public_url": "https://insights.example"})
    with running_required(given) as client:
        page = client.get("/account", headers=BROWSER | {"Host": "localhost:8000"})

    assert page.status_code == 421
    assert 'href="https://insights.example' in page.text
