"""Signing in, as somebody sees it: a real browser between this installation and the pretend Spotify."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from browser_windows import Window, served
from sign_in_journeys import answered_at_spotify
from spotify_insights.pretend_spotify.faults import (
    CannedAnswer,
    Fault,
    OwnerNotPremium,
    RateLimited,
    ServerFailure,
    UserNotAllowlisted,
)
from spotify_insights.pretend_spotify.listenbrainz import user_token_of
from spotify_insights.pretend_spotify.running import RunningPretendSpotify
from spotify_insights.settings import Settings

pytestmark = pytest.mark.slow
OpenWindow = Callable[[], Window]


def test_somebody_signs_in_sees_their_account_signs_out_and_comes_back(
    open_window: OpenWindow, address: str
) -> None:
    window = open_window()
    page = window.page
    page.goto(f"{address}/account")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    window.shot("sign-in")
    page.get_by_role("link", name="Continue with Spotify").click()
    window.shot("spotify-asks")
    agree(page)
    page.wait_for_url(f"{address}/account?connected=spotify")
    expect(page.get_by_role("heading", name="Spotify", exact=False).first).to_be_visible()
    expect(page.get_by_text("Connected", exact=True)).to_be_visible()
    window.shot("account")
    page.go_back()
    assert "code=" not in page.url
    page.goto(f"{address}/account")
    page.get_by_role("button", name="Sign out", exact=True).click()
    window.shot("signed-out")
    page.goto(f"{address}/account")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.get_by_role("link", name="Continue with Spotify").click()
    agree(page)
    page.wait_for_url(f"{address}/account?connected=spotify")
    cookies = {cookie["name"]: cookie for cookie in page.context.cookies()}
    assert cookies["si_session"]["httpOnly"]
    assert cookies["si_session"]["sameSite"] == "Lax"
    assert "si_sign_in" not in cookies
    assert page.evaluate("document.cookie") == ""


FAILURES: list[tuple[str, Fault | None, int, str]] = [
    ("declined", None, 400, "You did not agree"),
    (
        "expired-code",
        CannedAnswer(path="/api/token", status=400, body='{"error": "invalid_grant"}'),
        400,
        "Spotify no longer accepts this",
    ),
    ("not-on-the-list", UserNotAllowlisted(path="/v1/me"), 403, "Spotify does not let you use this app yet"),
    ("owner-without-premium", OwnerNotPremium(path="/v1/me"), 503, "Spotify has suspended this app"),
    (
        "app-refused",
        CannedAnswer(path="/api/token", status=400, body='{"error": "invalid_client"}'),
        502,
        "Spotify refuses this installation's app",
    ),
    ("slow-down", RateLimited(path="/v1/me", retry_after=90), 503, "Too many calls to Spotify just now"),
    ("spotify-away", ServerFailure(path="/api/token"), 503, "Spotify is not answering"),
]


def test_every_failure_is_a_page_that_says_what_to_do_and_leads_back(
    open_window: OpenWindow, address: str, pretend_spotify: RunningPretendSpotify
) -> None:
    window = open_window()
    page = window.page
    for name, fault, status, title in FAILURES:
        page.goto(f"{address}/auth/spotify/login")
        if fault is not None:
            pretend_spotify.control.queue(fault)
        with page.expect_navigation(url="**/auth/spotify/problem*") as navigation:
            page.get_by_role("button", name="Cancel" if name == "declined" else "Agree").click()
        answer = navigation.value
        assert answer is not None
        assert answer.status == status, name
        expect(page.get_by_role("heading", level=1)).to_have_text(title)
        assert "code=" not in page.url
        window.shot(name)
    page.goto(f"{address}/auth/spotify/login")
    agree(page)
    page.wait_for_url(f"{address}/account?connected=spotify")


def test_an_address_that_was_used_and_one_of_another_browser_sign_nobody_in(
    open_window: OpenWindow, address: str
) -> None:
    first, second = open_window(), open_window()
    seen: list[str] = []
    first.page.on("request", lambda request: seen.append(request.url))
    first.page.goto(f"{address}/auth/spotify/login")
    agree(first.page)
    first.page.wait_for_url(f"{address}/account?connected=spotify")
    [callback] = [url for url in seen if "/callback?" in url]
    first.page.goto(callback)
    expect(first.page.get_by_role("heading", level=1)).to_have_text("This was used already")
    first.shot("used-already")
    first.page.get_by_role("link", name="Go to your account").click()
    first.page.wait_for_url(f"{address}/account")

    first.page.goto(f"{address}/auth/spotify/login")
    second.page.goto(answered_at_spotify(first.page.url))
    expect(second.page.get_by_role("heading", level=1)).to_have_text("This began in another browser")
    second.shot("another-browser")
    assert [cookie for cookie in second.page.context.cookies() if cookie.get("name") == "si_session"] == []


def test_another_name_for_this_machine_ends_at_the_public_address(
    open_window: OpenWindow, open_address: str
) -> None:
    page = open_window().page
    page.goto(f"{open_address.replace('127.0.0.1', 'localhost')}/auth/spotify/login?next=/account")
    agree(page)
    page.wait_for_url(f"{open_address}/account?connected=spotify")


def test_a_listenbrainz_token_signs_in_and_a_wrong_one_is_told_beside_the_field(
    open_window: OpenWindow, address: str
) -> None:
    window = open_window()
    page = window.page
    page.goto(f"{address}/sign-in")
    page.get_by_role("link", name="ListenBrainz").click()
    window.shot("listenbrainz")
    page.get_by_label("User token").fill("not-a-token")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_text("ListenBrainz does not know this token")).to_be_visible()
    window.shot("listenbrainz-wrong-token")
    page.get_by_label("User token").fill(user_token_of("omnivore"))
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(f"{address}/account?connected=listenbrainz")
    page.get_by_role("link", name="Connect Spotify").click()
    agree(page)
    page.wait_for_url(f"{address}/account?connected=spotify")
    expect(page.get_by_text("Connected", exact=True)).to_have_count(2)
    window.shot("account-with-both")


def test_a_stranger_without_an_invitation_and_an_installation_without_an_app(
    open_window: OpenWindow, settings: Settings
) -> None:
    window = open_window()
    page = window.page
    with served(settings, auth_mode="required") as address:
        page.goto(f"{address}/auth/spotify/login")
        agree(page)
        expect(page.get_by_role("heading", level=1)).to_have_text("You need an invitation")
        window.shot("invitation-needed")
    with served(settings, spotify_client_id="") as address:
        page.goto(f"{address}/auth/spotify/login")
        expect(page.get_by_text(f"{address}/auth/spotify/callback")).to_be_visible()
        window.shot("not-configured")


def agree(page: Page) -> None:
    page.get_by_role("button", name="Agree").click()
