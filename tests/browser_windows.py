"""A real Chromium, and an installation that it can reach, with its server in a thread of this process.

A folder of tests gets the fixtures by naming them in its conftest.

Set SCREENSHOTS to a folder to look at every page that a test has seen.
"""

import os
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, sync_playwright

from server_trials import eventually
from spotify_insights.database.role import DatabaseRole
from spotify_insights.runtime import Runtime
from spotify_insights.settings import Settings
from spotify_insights.web.app import create_app

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM = next((found for name in _NAMES if (found := shutil.which(name))), None)
# It talks to this machine alone, and asks its maker for nothing.
_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_LOOPBACK = {"127.0.0.1", "localhost"}
_numbers = count(1)


@dataclass
class Window:
    """One browser with cookies of its own, and a page in it."""

    page: Page
    folder: Path
    hosts: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("request", lambda request: self.hosts.add(urlsplit(request.url).hostname or ""))
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("console", self._listen)

    def shot(self, name: str) -> None:
        """A picture of the whole page."""
        self.page.screenshot(path=str(self.folder / f"{next(_numbers):02}-{name}.png"), full_page=True)

    def check(self) -> None:
        """Nothing was loaded from elsewhere, and no script or policy complained."""
        assert self.hosts <= _LOOPBACK
        assert self.faults == []

    def _listen(self, message: Any) -> None:
        # Chromium also reports every status from 400 on, which is what the pages are about.
        if "Failed to load resource" not in message.text and message.type in {"error", "warning"}:
            self.faults.append(message.text)


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots go."""
    folder = Path(os.environ.get("SCREENSHOTS") or tmp_path_factory.mktemp("screenshots"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


# Not for the whole session: as long as it is there, its event loop counts as running in this thread.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("There is no Chromium on this machine.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def open_window(chromium: Browser, pictures: Path) -> Iterator[Callable[[], Window]]:
    """Opens a browser that shares nothing with the others; at the end each is looked at once more."""
    windows: list[Window] = []

    def open_one() -> Window:
        page = chromium.new_context(viewport={"width": 1000, "height": 800}).new_page()
        windows.append(Window(page, pictures))
        return windows[-1]

    yield open_one
    for window in windows:
        window.page.context.close()
    for window in windows:
        window.check()


@contextmanager
def served(settings: Settings, **changes: object) -> Iterator[str]:
    """The app on a free port, which is also its PUBLIC_URL; the address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        chosen = settings.model_copy(
            update={
                "public_url": address,
                "sign_ins_per_minute": 1000,
                "requests_per_minute": 10_000,
                **changes,
            }
        )
        app = create_app(
            Runtime.from_settings(chosen, role=DatabaseRole.API, process="spotify-insights api"),
            with_relay=False,
        )
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
        thread = threading.Thread(target=server.run, args=([listener],), name="api", daemon=True)
        thread.start()
        try:
            assert eventually(lambda: server.started)
            yield address
        finally:
            server.should_exit = True
            thread.join(10)


@pytest.fixture
def address(settings: Settings) -> Iterator[str]:
    """Where an installation is that asks everybody to sign in, and lets everybody join."""
    with served(settings, auth_mode="required", registration="open") as served_at:
        yield served_at


@pytest.fixture
def open_address(settings: Settings) -> Iterator[str]:
    """Where an installation without sign-in is, which goes by every name of this machine."""
    with served(settings) as served_at:
        yield served_at
