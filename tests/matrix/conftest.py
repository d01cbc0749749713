"""One installation for all tests of a module: everything in it is made new, and nothing is taken back."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import Servers
from matrix_world import World, running_world
from spotify_insights.settings import Settings
from walled_people import empty_tables


@pytest.fixture(scope="module")
def world(migrated: Servers, key_file: Path) -> Iterator[World]:
    empty_tables(migrated.database_url)
    settings = Settings.from_environment(
        {
            "DATABASE_URL": migrated.database_url,
            "REDIS_URL": migrated.redis_url,
            "TOKEN_KEYS_FILE": str(key_file),
            # Nobody here is slow enough for the limits, which have tests of their own.
            "REQUESTS_PER_MINUTE": "1000000",
            "SIGN_INS_PER_MINUTE": "1000000",
            "GENERATIONS_PER_MINUTE": "1000000",
            "UPLOADS_PER_HOUR": "1000000",
            "INSIGHTS_PER_DAY": "1000000",
        }
    )
    with running_world(settings) as running:
        yield running
    empty_tables(migrated.database_url)
