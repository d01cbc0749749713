"""What several tests of the HTTP API share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from conftest import Servers
from live_api import LiveApi, running_api
from spotify_insights.database.role import DatabaseRole
from spotify_insights.runtime import Runtime
from spotify_insights.settings import Settings
from spotify_insights.web.app import create_app


@pytest.fixture(scope="module")
def environment(migrated: Servers, key_file: Path) -> dict[str, str]:
    """The settings of an API on the tests' own servers."""
    return {
        "DATABASE_URL": migrated.database_url,
        "REDIS_URL": migrated.redis_url,
        "TOKEN_KEYS_FILE": str(key_file),
    }


@pytest.fixture(scope="module")
def live_api(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveApi]:
    """The API as a program of its own."""
    with running_api(tmp_path_factory.mktemp("api"), environment) as running:
        yield running


@pytest.fixture(scope="module")
def lasting_client(environment: dict[str, str]) -> Iterator[TestClient]:
    """The API in this process, for many tests that care for no rows."""
    app = create_app(
        Runtime.from_settings(Settings.from_environment(environment), role=DatabaseRole.API), with_relay=False
    )
    with TestClient(app, base_url="http://127.0.0.1:8000", raise_server_exceptions=False) as started:
        yield started
