from collections.abc import Iterator
from pathlib import Path

import pytest

from as_owner import ANYBODY, as_owner
from job_trials import Notes
from spotify_insights.database.database import Database
from spotify_insights.settings import Settings
from worker_trials import Stage

_MAKE = "CREATE TABLE notes (number bigserial PRIMARY KEY, job_id uuid NOT NULL, lease_token uuid NOT NULL)"


@pytest.fixture
def stage(settings: Settings, tmp_path: Path) -> Stage:
    """Where trial workers act; leases are long, so that no test succeeds by waiting for one."""
    return Stage(settings.model_copy(update={"worker_grace_seconds": 20}), tmp_path)


@pytest.fixture
def notes(database: Database) -> Iterator[Notes]:
    as_owner(
        database.url,
        "DROP TABLE IF EXISTS notes",
        _MAKE,
        f"GRANT ALL ON notes, notes_number_seq TO {ANYBODY}",
    )
    yield Notes(database)
    as_owner(database.url, "DROP TABLE notes")
