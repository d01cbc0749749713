"""Every page loads own files only, runs nothing that stands in it, and says what to do about trouble."""

from pathlib import Path

import jinja2
import pytest
from starlette.testclient import TestClient

import spotify_insights.web.pages
from page_trials import Browser, inline_parts, installation, setup_path
from spotify_insights.settings import Settings
from spotify_insights.web.pages.rendering import _TEMPLATES
from spotify_insights.web.pages.words import browser_of, day_of, moment_of, size_of

TEMPLATES = Path(spotify_insights.web.pages.__path__[0]) / "templates"
STRICT = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "connect-src": "'self'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
}


def policy_of(header: str) -> dict[str, str]:
    return dict(directive.strip().split(" ", 1) for directive in header.split(";"))


def assert_strict(page: str, policy: str) -> None:
    assert inline_parts(page) == []
    assert policy_of(policy).items() >= STRICT.items()
    assert "Spot" not in page.split("<title>")[1].split("</title>", maxsplit=1)[0].partition("·")[2]


def test_pages_are_strict_and_kept_nowhere(site: TestClient, admin: Browser) -> None:
    stranger = Browser(site)
    answers = [
        *(
            stranger.get(path)
            for path in ("/", "/sign-in", "/setup", "/invitation", "/register", "/reset-password")
        ),
        stranger.sign_in("nobody", "wrong"),
        stranger.post("/sign-in", next="x" * 3000),
        *(admin.get(path) for path in ("/", "/account", "/account/password", "/people")),
        admin.post("/account/sessions/00000000-0000-7000-8000-000000000000/end"),
    ]

    for answer in answers:
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert answer.headers["cache-control"] == "no-store"
        # Under `no-referrer` a browser would call its own form's origin "null", and it would be refused.
        assert answer.headers["referrer-policy"] == "same-origin"
        assert_strict(answer.text, answer.headers["content-security-policy"])
    assert [answer.status_code for answer in answers[-3:]] == [200, 200, 404]


def test_no_page_may_run_or_style_what_stands_in_it(client: TestClient) -> None:
    for path in ("/", "/docs", "/sign-in"):
        assert "unsafe" not in client.get(path).headers["content-security-policy"]


def test_the_page_for_the_first_admin_is_strict_too(site: TestClient) -> None:
    answer = Browser(site).get(setup_path(site))

    assert answer.status_code == 200
    assert_strict(answer.text, answer.headers["content-security-policy"])


@pytest.mark.parametrize("template", sorted(path.name for path in TEMPLATES.glob("*.html")))
def test_no_template_has_inline_parts_or_lets_markup_through(template: str) -> None:
    source = (TEMPLATES / template).read_text(encoding="utf-8")

    assert inline_parts(source) == []
    assert "| safe" not in source
    assert "autoescape false" not in source


def test_what_a_template_asks_for_and_nobody_gives_is_a_defect() -> None:
    with pytest.raises(jinja2.UndefinedError):
        _TEMPLATES.get_template("message.html").render(display_name="x", signed_in=False, path="/")


def test_the_start_page_shows_the_way_by_api_only_without_sign_in(
    client: TestClient, settings: Settings
) -> None:
    assert "POST /api/users/register" in client.get("/").text
    with installation(settings) as site:
        page = site.get("/").text
    assert "POST /api/users/register" not in page
    assert 'href="/sign-in"' in page


def test_without_sign_in_pages_know_nobody_and_still_let_join(client: TestClient) -> None:
    assert client.get("/account", follow_redirects=False).headers["location"] == "/sign-in"
    assert client.get("/register").status_code == 200


def test_moments_and_sizes_are_in_the_listeners_words() -> None:
    assert day_of("2026-11-22T23:30:00.000Z", "Europe/Berlin") == "23 November 2026"
    assert moment_of("2026-11-22T23:30:00.000Z", "America/New_York") == "22 November 2026, 18:30"
    assert [size_of(number) for number in (0, 999, 1000, 482_133, 12_500_000)] == [
        *("0 bytes", "999 bytes", "1.0 KB", "482 KB", "12 MB")
    ]
    edge = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0"
    assert [browser_of(name) for name in (edge, "curl/8.0", None)] == [
        "Edge on Windows",
        "curl/8.0",
        "A program",
    ]
