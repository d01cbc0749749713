"""Browsers and people for tests of pages: each browser has cookies of its own and sends forms as one does."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from html.parser import HTMLParser
from typing import Any

import psycopg
from httpx2 import Response
from pydantic import SecretStr
from sqlalchemy import text
from starlette.testclient import TestClient
from typing_extensions import override

from access_trials import running_required
from spotify_insights.database.actor import SYSTEM
from spotify_insights.runtime import Runtime
from spotify_insights.settings import Settings
from spotify_insights.sign_in.first_admin import setup_link_if_needed

PASSWORD = "a violet teapot sings"
ADMIN = "robin"


class Browser:
    """One person's browser. It follows no redirects, so that tests see them."""

    def __init__(self, client: TestClient) -> None:
        self._client = client
        self.cookies: dict[str, str] = {}

    def get(self, path: str) -> Response:
        return self._send("GET", path)

    def post(self, path: str, **fields: str | list[str]) -> Response:
        """Send a form of one of our pages."""
        return self._send("POST", path, data=fields)

    def sign_in(self, username: str, password: str = PASSWORD, **fields: str) -> Response:
        return self.post("/sign-in", username=username, password=password, **fields)

    def _send(self, method: str, path: str, **given: Any) -> Response:
        headers = {"Sec-Fetch-Site": "same-origin", "User-Agent": "Mozilla/5.0 (X11; Linux) Firefox/140.0"}
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = self._client.request(method, path, headers=headers, **given)
        self._client.cookies.clear()
        for set_cookie in answer.headers.get_list("set-cookie"):
            name, _, value = set_cookie.partition(";")[0].partition("=")
            if "max-age=0" in set_cookie.lower():
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value
        return answer


class _Inline(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.inline: list[str] = []

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = {name for name, _ in attrs}
        self.inline += [f"{tag} {name}" for name in names if name.startswith("on") or name == "style"]
        if tag == "style" or (tag == "script" and "src" not in names):
            self.inline.append(tag)


def inline_parts(page: str) -> list[str]:
    """What of a page its policy would refuse: scripts, handlers and styles that stand in it."""
    parser = _Inline()
    parser.feed(page)
    return parser.inline


def link_of(page: str) -> str:
    """The path of the link that a page shows once."""
    found = re.search(r'<code class="secret"[^>]*>\s*https?://[^/]+(/[^<\s]+)', page.replace("<wbr>", ""))
    assert found is not None, page
    return unescape(found[1])


def token_of(path: str) -> str:
    """The token in a link's address."""
    return path.partition("token=")[2]


@contextmanager
def installation(settings: Settings, **given: Any) -> Iterator[TestClient]:
    """An installation with sign-in and these settings, and room for as many attempts as a test makes."""
    changed = {"sign_ins_per_minute": 1000, "requests_per_minute": 10_000, **given}
    with running_required(settings.model_copy(update=changed)) as client:
        yield client


def setup_path(client: TestClient) -> str:
    """A new link to the set-up page, as the server prints it."""
    runtime: Runtime = client.app.state.runtime  # type: ignore[attr-defined]  # an application of ours
    address = setup_link_if_needed(runtime.database, runtime.settings)
    assert isinstance(address, SecretStr)
    return address.get_secret_value().removeprefix(runtime.settings.public_url)


def an_admins_browser(client: TestClient, username: str = ADMIN) -> Browser:
    """The browser of the first admin, who has just set the installation up."""
    browser = Browser(client)
    answer = browser.post(setup_path(client), **choosing(username))
    assert answer.status_code == 303, answer.text
    return browser


def choosing(username: str, password: str = PASSWORD) -> dict[str, str]:
    """The fields of a form in which somebody chooses how to sign in."""
    return {
        "username": username,
        "password": password,
        "password_again": password,
        "timezone": "Europe/Berlin",
    }


def an_invitation(admin: Browser, **fields: str) -> str:
    """The path of a new invitation."""
    answer = admin.post("/people/invitations", **{"note": "For Sam", "role": "user", "days": "7", **fields})
    assert answer.status_code == 200, answer.text
    return link_of(answer.text)


def a_persons_browser(admin: Browser, client: TestClient, username: str, **invitation: str) -> Browser:
    """The browser of somebody who accepted the admin's invitation."""
    browser = Browser(client)
    answer = browser.post(an_invitation(admin, **invitation), **choosing(username))
    assert answer.status_code == 303, answer.text
    return browser


def rows(runtime: Runtime, statement: str, **parameters: Any) -> list[tuple[Any, ...]]:
    """What the database holds behind the pages."""
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        return [tuple(row) for row in tx.session.execute(text(statement), parameters)]


def start_until_it_waits(runtime: Runtime, thread: threading.Thread) -> None:
    """Start somebody who is to meet a lock that is held here; they may also be done without meeting it."""
    thread.start()
    while thread.is_alive() and not rows(runtime, "SELECT FROM pg_locks WHERE NOT granted"):
        pass


def events(database_url: str) -> list[str]:
    """What the audit log says happened, in order."""
    with psycopg.connect(database_url) as connection:
        return [row[0] for row in connection.execute("SELECT event FROM audit_log ORDER BY id")]
