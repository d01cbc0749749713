from collections.abc import Iterator

import pytest
from sqlalchemy import text

from job_trials import Notes
from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.database import Database


@pytest.fixture
def notes(database: Database) -> Iterator[Notes]:
    """A table of the test's own for the effects of its jobs."""
    with database.transaction(acting_for=SYSTEM) as tx:
        tx.session.execute(
            text("CREATE TABLE notes (number serial, job_id uuid NOT NULL, lease_token uuid NOT NULL)")
        )
    yield Notes(database)
    with database.transaction(acting_for=SYSTEM) as tx:
        tx.session.execute(text("DROP TABLE notes"))
