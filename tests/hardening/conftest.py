"""What tests of the walls share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from conftest import Servers
from spotify_insights.database.role import DatabaseRole
from spotify_insights.runtime import Runtime
from spotify_insights.settings import Settings
from spotify_insights.web.app import create_app


@pytest.fixture(scope="module")
def lasting_client(migrated: Servers, key_file: Path) -> Iterator[TestClient]:
    """The API in this process, for many tests that care for no rows."""
    settings = Settings.from_environment(
        {
            "DATABASE_URL": migrated.database_url,
            "REDIS_URL": migrated.redis_url,
            "TOKEN_KEYS_FILE": str(key_file),
        }
    )
    app = create_app(Runtime.from_settings(settings, role=DatabaseRole.API), with_relay=False)
    with TestClient(app, base_url="http://127.0.0.1:8000", raise_server_exceptions=False) as started:
        yield started
