"""Importing with a browser: the form works without scripts, and says in words what came of it."""

from collections.abc import Iterator
from typing import Any

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from conftest import Servers
from jobs_inline import queued_jobs, work_off
from page_trials import Browser, an_admins_browser, inline_parts, installation
from spotify_insights.runtime import Runtime
from spotify_insights.settings import Settings
from upload_trials import EXPORT, everything


@pytest.fixture
def browser(settings: Settings) -> Iterator[Browser]:
    with installation(settings) as client:
        yield an_admins_browser(client)


def send(
    browser: Browser, content: bytes = EXPORT, *, name: str = "my_spotify_data.zip", **fields: str
) -> Any:
    """Send the form of the page."""
    return browser._send(  # as its other forms are sent
        "POST", "/imports", files={"file": (name, content)}, data=fields
    )


def text_of(page: Response) -> str:
    """What is on it, in one line."""
    assert page.status_code == 200, page.text
    return " ".join(page.text.split())


def test_an_import_from_its_upload_to_its_undoing(browser: Browser, runtime: Runtime, empty: Servers) -> None:
    before = everything(empty)
    assert 'href="/imports"' in browser.get("/account").text
    assert "Extended streaming history" in text_of(browser.get("/imports"))

    answer = send(browser)
    assert (answer.status_code, answer.headers["location"]) == (303, "/imports")

    waiting = browser.get("/imports")
    assert waiting.headers["refresh"]
    assert "begins in a moment" in text_of(waiting)
    assert 'type="file"' not in waiting.text
    assert inline_parts(waiting.text) == []

    work_off(runtime)
    done = browser.get("/imports")
    assert "refresh" not in done.headers
    assert (
        "3 plays, 1 skip, 1 podcast episode, 1 audiobook chapter, from 10 rows. "
        "Besides: 2 known already, 1 without a name, 1 unreadable. "
        "1 of the rows came from private sessions." in text_of(done)
    )
    assert inline_parts(done.text) == []

    address = done.text.partition('action="/imports/')[2].partition('"')[0]
    assert browser.post(f"/imports/{address}").headers["location"] == "/imports"
    assert "Undoing an import" in text_of(browser.get("/imports"))
    work_off(runtime)
    assert "Nothing yet." in text_of(browser.get("/imports"))
    assert everything(empty, besides=_MOVING) == {
        table: rows for table, rows in before.items() if table not in _MOVING
    }


def test_a_dry_run_shows_what_it_would_bring(browser: Browser, runtime: Runtime) -> None:
    send(browser, dry_run="1")
    work_off(runtime)

    page = text_of(browser.get("/imports"))

    assert "nothing is stored.</strong> The last file would bring: 3 plays, 1 skip" in page
    assert "Nothing yet." in page


def test_a_file_that_is_no_export_is_told_on_the_page(browser: Browser, runtime: Runtime) -> None:
    send(browser, b"%PDF-1.7", name="holiday.pdf")
    work_off(runtime)

    assert "This file is neither a zip nor JSON" in text_of(browser.get("/imports"))


def test_no_chosen_file_is_told_beside_the_field(browser: Browser, runtime: Runtime) -> None:
    answer = send(browser, b"", name="nothing.zip")

    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.text
    assert "Choose the zip that Spotify sent" in answer.text
    assert queued_jobs(runtime.database) == []


def test_a_foreign_page_cannot_upload(browser: Browser, runtime: Runtime, settings: Settings) -> None:
    with installation(settings) as client:
        cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
        answer = _from_elsewhere(client, cookies)

    assert answer.status_code == 403
    assert queued_jobs(runtime.database) == []


def _from_elsewhere(client: TestClient, cookies: str) -> Response:
    return client.post(
        "/imports",
        files={"file": ("a.zip", EXPORT)},
        headers={"Cookie": cookies, "Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
    )


# What every request of a browser may touch.
_MOVING = ("sessions", "installation_secrets")
