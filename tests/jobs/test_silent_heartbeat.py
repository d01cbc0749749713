"""A heartbeat outlives a database that falls silent, and whatever else may happen to one renewal."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest
from structlog.testing import capture_logs

from frozen_postgres import frozen_backend, frozen_server, server_to_freeze
from job_trials import A_SECOND, WriteNote, claimed, enqueued, present, set_from_now
from jobs_inline import job_row
from server_trials import eventually
from spotify_insights.database.database import Database
from spotify_insights.embedded.postgres import EmbeddedPostgres
from spotify_insights.jobs.heartbeat import heartbeat

OFTEN = 0.02
PATIENCE = 1.0


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    with server_to_freeze(tmp_path_factory.mktemp("postgres") / "data") as server:
        yield server


@pytest.fixture
def job_database(postgres: EmbeddedPostgres) -> Iterator[Database]:
    opened = Database(postgres.url, pool_size=2, application_name="a worker", patience=PATIENCE)
    yield opened
    opened.close()


@pytest.fixture
def watching(postgres: EmbeddedPostgres) -> Iterator[Database]:
    opened = Database(postgres.url, pool_size=1, application_name="a test")
    yield opened
    opened.close()


def is_renewed(watching: Database, job_id: UUID) -> bool:
    end = job_row(watching, job_id).lease_expires_at
    return end is not None and end > present(watching) + timedelta(seconds=30)


def connections(url: str) -> list[int]:
    """The server processes behind the worker's connections."""
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT pid FROM pg_stat_activity WHERE application_name = 'a worker'")
        return [row[0] for row in rows]


def test_the_lease_is_renewed_over_another_connection_where_one_falls_silent(
    postgres: EmbeddedPostgres, job_database: Database, watching: Database
) -> None:
    job_id = enqueued(job_database, WriteNote(about="one connection"))
    attempt = claimed(job_database, job_id)
    with ExitStack() as frozen, heartbeat(attempt, interval=OFTEN):
        for pid in connections(postgres.url):
            frozen.enter_context(frozen_backend(pid))
        set_from_now(watching, job_id, lease_expires_at=A_SECOND)
        assert eventually(lambda: is_renewed(watching, job_id), within=10)


@pytest.mark.slow
def test_the_lease_is_renewed_when_the_database_moves_again(
    postgres: EmbeddedPostgres, job_database: Database, watching: Database
) -> None:
    job_id = enqueued(job_database, WriteNote(about="the whole server"))
    attempt = claimed(job_database, job_id)
    assert postgres.pid is not None
    with capture_logs() as log, heartbeat(attempt, interval=OFTEN):
        with frozen_server(postgres.pid):
            assert eventually(lambda: "lease_not_renewed" in [line["event"] for line in log], within=10)
        set_from_now(watching, job_id, lease_expires_at=A_SECOND)
        assert eventually(lambda: is_renewed(watching, job_id), within=10)


def test_a_renewal_that_fails_for_an_unforeseen_reason_is_not_the_last(
    job_database: Database, watching: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = enqueued(job_database, WriteNote(about="the unforeseen"))
    attempt = claimed(job_database, job_id)
    real, failures = attempt.renew, iter([ZeroDivisionError("unforeseen"), MemoryError()])

    def renew() -> bool:
        for failure in failures:
            raise failure
        return real()

    monkeypatch.setattr(attempt, "renew", renew)
    with capture_logs() as log, heartbeat(attempt, interval=OFTEN):
        set_from_now(watching, job_id, lease_expires_at=A_SECOND)
        assert eventually(lambda: is_renewed(watching, job_id), within=10)
    told = [line for line in log if line["event"] == "lease_not_renewed"]
    assert [line["log_level"] for line in told] == ["error", "error"]
