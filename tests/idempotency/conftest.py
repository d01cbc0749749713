"""What the tests of idempotency keys share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import Servers
from live_api import LiveApi, running_api


@pytest.fixture(scope="module")
def live_api(
    migrated: Servers, key_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveApi]:
    """The API as a program of its own."""
    environment = {
        "DATABASE_URL": migrated.database_url,
        "REDIS_URL": migrated.redis_url,
        "TOKEN_KEYS_FILE": str(key_file),
    }
    with running_api(tmp_path_factory.mktemp("api"), environment) as running:
        yield running
