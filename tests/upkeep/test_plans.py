"""However long the history is, a scrape and a purge read what is open and what is recent, and no more."""

import json
from collections.abc import Iterator
from typing import Any, Final

import psycopg
import pytest
from sqlalchemy import event, text

from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.database import Database
from spotify_insights.jobs.upkeep.figures import job_figures
from spotify_insights.jobs.upkeep.monitor import watch
from spotify_insights.jobs.upkeep.purge import purge
from spotify_insights.jobs.upkeep.retention import Retention
from spotify_insights.jobs.upkeep.thresholds import Thresholds

pytestmark = pytest.mark.slow

FINISHED: Final = 200_000
# A month of history: what ended lately or is open makes up a few hundred rows of it.
_FILL: Final = f"""
    INSERT INTO background_jobs (id, task_name, queue, deduplication_key, arguments, status, attempts,
                                 queued_at, available_at, finished_at, error_code)
    SELECT gen_random_uuid(), queue || '.task', queue, n::text, '{{}}', status, 1,
           moment, moment, CASE WHEN status <> 'queued' THEN moment END, 'broken'
      FROM generate_series(1, {FINISHED}) AS n,
           LATERAL (SELECT (ARRAY['spotify', 'insights', 'scheduled'])[1 + n % 3] AS queue,
                           clock_timestamp() - n * interval '30 days' / {FINISHED} AS moment,
                           CASE WHEN n % 2000 = 0 THEN 'dead' WHEN n % 2000 = 1 THEN 'failed'
                                WHEN n % 100 = 2 THEN 'cancelled' ELSE 'succeeded' END AS status) AS job;
    INSERT INTO background_jobs (id, task_name, queue, deduplication_key, arguments, status, attempts,
                                 queued_at, available_at, finished_at)
    SELECT gen_random_uuid(), queue || '.canary', queue, '{{}}', '{{}}', 'succeeded', 1,
           moment, moment, moment
      FROM generate_series(1, 90) AS minute, unnest(ARRAY['spotify', 'insights', 'scheduled']) AS queue,
           LATERAL (SELECT clock_timestamp() - minute * interval '1 minute'
                           - CASE queue WHEN 'spotify' THEN interval '3 hours' ELSE interval '0' END
                           AS moment) AS job;
    INSERT INTO background_jobs (id, task_name, queue, deduplication_key, arguments, available_at)
    SELECT gen_random_uuid(), 'spotify.task', 'spotify', n::text, '{{}}',
           clock_timestamp() + n * interval '1 minute'
      FROM generate_series(-50, 50) AS n;
"""  # noqa: S608  # only constants are put in
# The spotify queue has been silent for three hours: about 900 jobs have ended since, and the purge looks back
# over twice that. A fiftieth of the table is more than any of that.
MOST_ROWS: Final = FINISHED // 50


@pytest.fixture
def long_history(database: Database) -> Iterator[Database]:
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute(_FILL)
        connection.execute("ANALYZE background_jobs")
        yield database
        connection.execute("TRUNCATE background_jobs CASCADE")


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


def rows_read(plan: dict[str, Any]) -> float:
    """From the table of jobs, with those that a filter then threw away."""
    read: float = sum(
        node["Actual Loops"]
        * (
            node["Actual Rows"]
            + node.get("Rows Removed by Filter", 0)
            + node.get("Rows Removed by Index Recheck", 0)
        )
        for node in nodes(plan)
        if node.get("Relation Name") == "background_jobs"
    )
    return read


def scans_everything(plan: dict[str, Any]) -> bool:
    return any(
        node["Node Type"] == "Seq Scan" and node["Relation Name"] == "background_jobs" for node in nodes(plan)
    )


def explained(database: Database, statement: str, parameters: Any = None) -> dict[str, Any]:
    with psycopg.connect(database.url) as connection:
        explain = f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}"
        row = connection.execute(explain, parameters).fetchone()
        connection.rollback()
    assert row is not None
    plan: dict[str, Any] = row[0][0]["Plan"]
    return plan


def test_a_scrape_reads_a_sliver_of_a_long_history(long_history: Database) -> None:
    read = job_figures()
    plan = explained(long_history, read.statement, read.parameters)
    assert not scans_everything(plan)
    assert 0 < rows_read(plan) < MOST_ROWS


def statements_of(database: Database, action: Any) -> list[tuple[str, Any]]:
    """Those about jobs, with their parameters, as psycopg gets them."""
    seen: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if "background_jobs" in statement:
            seen.append((statement, parameters))

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        action()
    finally:
        event.remove(database.engine, "before_cursor_execute", note)
    return seen


def test_a_purge_reads_a_sliver_of_a_long_history(long_history: Database) -> None:
    def once() -> None:
        with long_history.transaction(acting_for=SYSTEM) as tx:
            assert purge(tx, Retention())["canaries"] > 0
            tx.session.execute(text("ROLLBACK"))

    [(statement, parameters)] = statements_of(long_history, once)
    plan = explained(long_history, statement, parameters)
    assert not scans_everything(plan)
    assert 0 < rows_read(plan) < MOST_ROWS


def test_a_look_of_the_monitor_never_scans_the_whole_history(long_history: Database) -> None:
    looks = statements_of(long_history, lambda: watch(long_history, Thresholds()))
    assert len(looks) == 5
    for statement, parameters in looks:
        plan = explained(long_history, statement, parameters)
        assert not scans_everything(plan), statement
        assert rows_read(plan) < MOST_ROWS, json.dumps(plan, indent=1)
