from collections.abc import Iterator

import pytest

from as_owner import ANYBODY, as_owner
from job_trials import Notes
from spotify_insights.database.database import Database


@pytest.fixture
def notes(database: Database) -> Iterator[Notes]:
    """A table of the test's own for the effects of its jobs."""
    as_owner(
        database.url,
        "CREATE TABLE notes (number serial, job_id uuid NOT NULL, lease_token uuid NOT NULL)",
        f"GRANT ALL ON notes, notes_number_seq TO {ANYBODY}",
    )
    yield Notes(database)
    as_owner(database.url, "DROP TABLE notes")
