"""Cleaning up forgets what is older than its retention, and only that, in small steps."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import event, text

from job_trials import at_once, claimed, enqueued, present
from jobs_inline import job_row
from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.database import Database
from spotify_insights.database.table import new_id
from spotify_insights.jobs.attempt import Attempt, JobCancelledError
from spotify_insights.jobs.cancel import cancel_job
from spotify_insights.jobs.job import JobStatus
from spotify_insights.jobs.run import run_job
from spotify_insights.jobs.upkeep.cleanup import CleanupOldJobs, cleanup_old_jobs
from spotify_insights.jobs.upkeep.retention import Retention
from upkeep_trials import A_DAY, A_MINUTE, Row, ended, forget_all, job_ids, put

RETENTION = Retention(finished_job_days=30, failed_job_days=90, dead_job_days=365, slot_days=7, alert_days=60)
NOTHING = {
    "canaries_deleted": 0,
    "finished_jobs_deleted": 0,
    "failed_jobs_deleted": 0,
    "dead_jobs_deleted": 0,
    "slots_deleted": 0,
    "alerts_deleted": 0,
}


def clean_up(database: Database, *, retention: Retention = RETENTION, batch: int = 1000) -> Any:
    """Run the job; its result. The job itself is gone from the table afterwards."""
    job_id = enqueued(database, CleanupOldJobs())
    assert run_job(
        database,
        job_id,
        CleanupOldJobs,
        lambda attempt, job: cleanup_old_jobs(attempt, job, retention=retention, batch=batch),
    )
    result = job_row(database, job_id).result
    with database.transaction(acting_for=SYSTEM) as tx:
        tx.session.execute(text("DELETE FROM background_jobs WHERE id = :job_id"), {"job_id": job_id})
    return result


@pytest.mark.parametrize(
    ("status", "days", "counted"),
    [
        ("succeeded", RETENTION.finished_job_days, "finished_jobs_deleted"),
        ("cancelled", RETENTION.finished_job_days, "finished_jobs_deleted"),
        ("failed", RETENTION.failed_job_days, "failed_jobs_deleted"),
        ("dead", RETENTION.dead_job_days, "dead_jobs_deleted"),
    ],
)
def test_each_kind_of_ended_job_stays_for_its_own_time(
    database: Database, status: str, days: int, counted: str
) -> None:
    put(database, Row(status=status, ended=days * A_DAY + A_MINUTE))
    [young] = put(database, Row(status=status, ended=days * A_DAY - A_MINUTE))

    assert clean_up(database) == NOTHING | {counted: 1}
    assert job_ids(database) == {young}
    assert clean_up(database) == NOTHING


def test_an_operator_may_keep_dead_jobs_for_the_shortest_time(database: Database) -> None:
    retention = Retention(finished_job_days=300, failed_job_days=200, dead_job_days=100)
    rows = [Row(status=status, ended=150 * A_DAY) for status in ("succeeded", "failed", "dead")]
    succeeded, failed, _ = put(database, *rows)

    assert clean_up(database, retention=retention) == NOTHING | {"dead_jobs_deleted": 1}
    assert job_ids(database) == {succeeded, failed}


def test_what_has_not_ended_stays_however_old_it_is(database: Database) -> None:
    active = put(
        database,
        Row(queued=1000 * A_DAY, due=1000 * A_DAY),
        Row(status="running", queued=1000 * A_DAY, due=1000 * A_DAY),
    )
    assert clean_up(database) == NOTHING
    assert job_ids(database) == set(active)


def test_a_parent_stays_as_long_as_one_of_its_children_and_goes_with_the_last(database: Database) -> None:
    old = 40 * A_DAY
    [parent] = put(database, Row(status="succeeded", ended=old))
    [dead_child, _] = put(
        database,
        Row(status="dead", ended=old, parent_id=parent),
        Row(status="succeeded", ended=old, parent_id=parent),
    )
    [other_parent] = put(database, Row(status="succeeded", ended=old))
    put(database, *[Row(status="succeeded", ended=old, parent_id=other_parent)] * 5)

    assert clean_up(database, batch=2)["finished_jobs_deleted"] == 7
    assert job_ids(database) == {parent, dead_child}


def test_old_canaries_go_whatever_the_purge_missed_but_for_the_last_of_each_queue(database: Database) -> None:
    old = [Row("spotify.canary", "spotify", status="succeeded", ended=days * A_DAY) for days in (3, 4, 5)]
    [last, *_] = put(database, *old)
    assert clean_up(database) == NOTHING | {"canaries_deleted": 2}
    assert job_ids(database) == {last}


def slots(database: Database) -> set[tuple[str, timedelta]]:
    """What is there, as whole days before the present."""
    moment = present(database)
    with database.transaction(acting_for=SYSTEM) as tx:
        rows = tx.session.execute(text("SELECT schedule, slot FROM schedule_slots")).all()
    return {(row.schedule, timedelta(days=round((moment - row.slot) / A_DAY))) for row in rows}


def fire(database: Database, *fired: tuple[str, int]) -> None:
    with database.transaction(acting_for=SYSTEM) as tx:
        for schedule, days in fired:
            tx.session.execute(
                text(
                    "INSERT INTO schedule_slots (schedule, slot)"
                    " VALUES (:schedule, clock_timestamp() - make_interval(days => :days))"
                ),
                {"schedule": schedule, "days": days},
            )


def test_old_slots_go_but_never_the_newest_of_a_schedule(database: Database) -> None:
    fire(
        database, ("yearly", 800), ("yearly", 400), ("weekly", 15), ("weekly", 8), ("weekly", 1), ("once", 90)
    )

    assert clean_up(database) == NOTHING | {"slots_deleted": 3}

    assert slots(database) == {("yearly", 400 * A_DAY), ("weekly", A_DAY), ("once", 90 * A_DAY)}


@hypothesis_settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    fired=st.sets(st.tuples(st.sampled_from("abc"), st.integers(0, 30)), max_size=25),
    batch=st.integers(1, 8),
)
def test_after_any_cleanup_the_relay_still_knows_how_far_each_schedule_came(
    database: Database, fired: set[tuple[str, int]], batch: int
) -> None:
    forget_all(database)
    fire(database, *fired)

    clean_up(database, batch=batch)

    newest = {schedule: min(days for name, days in fired if name == schedule) for schedule, _ in fired}
    expected = {(name, days) for name, days in fired if days < RETENTION.slot_days} | set(newest.items())
    assert slots(database) == {(name, days * A_DAY) for name, days in expected}


def test_resolved_alerts_go_and_open_ones_stay(database: Database) -> None:
    days = RETENTION.alert_days
    with database.transaction(acting_for=SYSTEM) as tx:
        for subject, resolved in (("old", days + 1), ("young", days - 1), ("open", None)):
            tx.session.execute(
                text("""
                    INSERT INTO alerts (id, kind, subject, severity, message, details, raised_at, resolved_at)
                    VALUES (:id, 'dead_jobs', :subject, 'warning', '', '{}',
                            clock_timestamp() - interval '1000 days',
                            clock_timestamp() - make_interval(days => CAST(:resolved AS integer)))
                """),
                {"id": new_id(), "subject": subject, "resolved": resolved},
            )

    assert clean_up(database) == NOTHING | {"alerts_deleted": 1}

    with database.transaction(acting_for=SYSTEM) as tx:
        assert set(tx.session.scalars(text("SELECT subject FROM alerts"))) == {"young", "open"}


def test_no_statement_deletes_more_than_a_batch(database: Database) -> None:
    put(database, *ended("a.task", *["succeeded"] * 23, ago=40 * A_DAY))
    sizes: list[int] = []

    def note(_connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if "DELETE FROM background_jobs" in statement and cursor.rowcount > 0:
            sizes.append(cursor.rowcount)

    event.listen(database.engine, "after_cursor_execute", note)
    try:
        result = clean_up(database, batch=10)
    finally:
        event.remove(database.engine, "after_cursor_execute", note)

    assert result["finished_jobs_deleted"] == 23
    # The last one is the test's own, of the job that cleaned up.
    assert sizes == [10, 10, 3, 1]


def test_what_somebody_else_holds_is_left_for_the_next_time(database: Database) -> None:
    held, _ = put(database, *ended("a.task", "succeeded", "succeeded", ago=40 * A_DAY))
    with database.transaction(acting_for=SYSTEM) as tx:
        tx.session.execute(text("SELECT 1 FROM background_jobs WHERE id = :id FOR UPDATE"), {"id": held})
        assert clean_up(database)["finished_jobs_deleted"] == 1
    assert job_ids(database) == {held}
    assert clean_up(database)["finished_jobs_deleted"] == 1


def test_several_cleanups_at_once_delete_each_row_once(database: Database) -> None:
    put(database, *ended("a.task", *["succeeded"] * 200, ago=40 * A_DAY))
    attempts = [
        Attempt(
            database=database,
            job_id=job_id,
            job=CleanupOldJobs(),
            lease_token=token,
            number=1,
            max_attempts=5,
        )
        for job_id, token in running_cleanups(database, 4)
    ]

    def run(barrier: threading.Barrier) -> int:
        attempt = attempts.pop()
        barrier.wait()
        cleanup_old_jobs(attempt, CleanupOldJobs(), retention=RETENTION, batch=20)
        result = job_row(database, attempt.job_id).result or {}
        deleted = result["finished_jobs_deleted"]
        assert isinstance(deleted, int)
        return deleted

    assert sum(at_once(4, run)) == 200


def running_cleanups(database: Database, number: int) -> list[tuple[Any, Any]]:
    ids = put(database, *[Row(CleanupOldJobs.task_name, status="running")] * number)
    with database.transaction(acting_for=SYSTEM) as tx:
        rows = tx.session.execute(
            text(
                "UPDATE background_jobs SET deadline_at = lease_expires_at, started_at = clock_timestamp()"
                " WHERE id = ANY(:ids) RETURNING id, lease_token"
            ),
            {"ids": ids},
        ).all()
    return [(row.id, row.lease_token) for row in rows]


def test_a_cancelled_cleanup_stops_between_two_batches(database: Database) -> None:
    rows = put(database, *ended("a.task", *["succeeded"] * 3, ago=40 * A_DAY))
    attempt = claimed(database, enqueued(database, CleanupOldJobs()), CleanupOldJobs)
    with database.transaction(acting_for=SYSTEM) as tx:
        cancel_job(tx, attempt.job_id, acting_for=SYSTEM)

    with pytest.raises(JobCancelledError):
        cleanup_old_jobs(attempt, CleanupOldJobs(), retention=RETENTION)

    assert job_ids(database) >= set(rows)
    assert job_row(database, attempt.job_id).status == JobStatus.RUNNING
