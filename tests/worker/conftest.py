from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from job_trials import Notes
from spotify_insights.database.actor import SYSTEM
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
    with database.transaction(acting_for=SYSTEM) as tx:
        tx.session.execute(text("DROP TABLE IF EXISTS notes"))
        tx.session.execute(text(_MAKE))
    yield Notes(database)
    with database.transaction(acting_for=SYSTEM) as tx:
        tx.session.execute(text("DROP TABLE notes"))
