"""An installation with sign-in, and its first admin."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from page_trials import Browser, an_admins_browser, installation
from spotify_insights.settings import Settings


@pytest.fixture
def site(settings: Settings) -> Iterator[TestClient]:
    with installation(settings) as client:
        yield client


@pytest.fixture
def admin(site: TestClient) -> Browser:
    return an_admins_browser(site)
