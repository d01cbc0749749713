"""The numbers of /metrics are those of the job table."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import text

from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.database import Database
from spotify_insights.jobs.job import JobStatus, Queue
from spotify_insights.jobs.upkeep.canary import CANARIES
from spotify_insights.jobs.upkeep.figures import job_figures, read_figures
from upkeep_trials import A_DAY, A_MINUTE, Row, answer_of, forget_all, put

AN_HOUR = timedelta(hours=1)
# No moment lies so close to a bound that a slow machine could carry it across.
SINCE_DUE = st.sampled_from([5 * A_MINUTE, 3 * AN_HOUR, 2 * A_DAY, -AN_HOUR])
SINCE_END = st.sampled_from([A_MINUTE, 50 * A_MINUTE, 70 * A_MINUTE, 5 * A_DAY, 8 * A_DAY])


@st.composite
def jobs(draw: st.DrawFn) -> Row:
    queue = draw(st.sampled_from(list(Queue)))
    return Row(
        task_name=draw(st.sampled_from([CANARIES[queue].task_name, f"{queue}.other"])),
        queue=queue,
        status=draw(st.sampled_from(list(JobStatus))),
        due=draw(SINCE_DUE),
        published=draw(st.booleans()),
        ended=draw(SINCE_END),
    )


def counted_by_hand(rows: list[Row]) -> dict[str, Any]:
    counts: Counter[tuple[str, str]] = Counter()
    for row in rows:
        if row.status not in {"succeeded", "cancelled"} or row.ended < AN_HOUR:
            counts[row.queue, row.status] += 1
    due = [row for row in rows if row.status == "queued" and row.due >= timedelta(0)]
    unpublished = [row.due.total_seconds() for row in due if not row.published]
    canaries = [
        row
        for row in rows
        if row.task_name == f"{row.queue}.canary" and row.status == "succeeded" and row.ended < 7 * A_DAY
    ]
    return {
        "jobs": [
            {"queue": queue, "status": status, "count": count}
            for (queue, status), count in sorted(counts.items())
        ],
        "oldest_due_seconds": {
            queue.value: max((row.due.total_seconds() for row in due if row.queue == queue), default=None)
            for queue in Queue
        },
        "relay_lag_seconds": max(unpublished, default=0),
        "dead": sum(row.status == "dead" for row in rows),
        "failed": sum(row.status == "failed" for row in rows),
        "open_alerts": [],
        "canary_seconds": {
            queue.value: min(
                (row.ended.total_seconds() for row in canaries if row.queue == queue), default=None
            )
            for queue in Queue
        },
    }


def about(figures: dict[str, Any]) -> dict[str, Any]:
    """With the seconds as near as a slow machine may take."""

    def near(seconds: float | None) -> Any:
        return None if seconds is None else pytest.approx(seconds, abs=30)

    return (
        figures
        | {
            name: {queue: near(seconds) for queue, seconds in figures[name].items()}
            for name in ("oldest_due_seconds", "canary_seconds")
        }
        | {"relay_lag_seconds": pytest.approx(figures["relay_lag_seconds"], abs=30)}
    )


@hypothesis_settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(jobs(), max_size=25))
def test_the_figures_are_those_of_a_count_by_hand(database: Database, rows: list[Row]) -> None:
    forget_all(database)
    put(database, *rows)

    assert answer_of(database, job_figures()) == about(counted_by_hand(rows))


def test_both_ways_to_ask_give_the_same_answer(database: Database) -> None:
    put(database, Row(due=AN_HOUR), Row(status="dead", ended=A_DAY), Row(status="succeeded", ended=A_MINUTE))

    with database.transaction(acting_for=SYSTEM) as tx:
        figures = read_figures(tx.session)

    assert figures == about(answer_of(database, job_figures()))
    assert figures["oldest_due_seconds"]["scheduled"] is not None


def test_open_alerts_are_listed_and_resolved_ones_are_not(database: Database) -> None:
    with database.transaction(acting_for=SYSTEM) as tx:
        tx.session.execute(
            text("""
                INSERT INTO alerts (id, kind, subject, severity, message, details, resolved_at)
                VALUES (gen_random_uuid(), 'queue_silent', 'spotify', 'critical', '', '{}', NULL),
                       (gen_random_uuid(), 'dead_jobs', 'a.task', 'warning', '', '{}', NULL),
                       (gen_random_uuid(), 'dead_jobs', 'b.task', 'warning', '', '{}', clock_timestamp())
            """)
        )

    assert answer_of(database, job_figures())["open_alerts"] == [
        {"kind": "dead_jobs", "subject": "a.task", "severity": "warning"},
        {"kind": "queue_silent", "subject": "spotify", "severity": "critical"},
    ]
