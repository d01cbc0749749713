"""Which jobs and queues raise an alert, and which do not: read from a whole job table at once."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from alert_trials import SECONDS, THRESHOLDS, alerts, open_alerts
from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.database import Database
from spotify_insights.database.table import new_id
from spotify_insights.jobs.job import Queue
from spotify_insights.jobs.upkeep.canary import CANARIES
from spotify_insights.jobs.upkeep.monitor import watch
from upkeep_trials import A_DAY, A_MINUTE, Row, ended, put


def test_the_failure_rate_counts_each_task_within_its_window_and_nothing_that_never_ran(
    database: Database,
) -> None:
    just_inside, outside = THRESHOLDS.failure_window - A_MINUTE, THRESHOLDS.failure_window + A_MINUTE
    put(
        database,
        *ended("a.failing", "succeeded", "succeeded", "succeeded", "failed", "dead", ago=just_inside),
        *ended("b.too_long_ago", *["failed"] * 10, ago=outside),
        *ended("c.mostly_well", *["succeeded"] * 4, "cancelled", "failed"),
        *ended("d.too_few", *["failed"] * 4),
        # Answered from an earlier result: without an attempt.
        *[replace(row, attempts=0) for row in ended("e.answered", *["succeeded"] * 50)],
        *ended("e.answered", *["failed"] * 5),
    )

    watch(database, THRESHOLDS)

    rates = {
        alert["subject"]: (alert["details"]["failed"], alert["details"]["ended"])
        for alert in alerts(database)
        if alert["kind"] == "failure_rate"
    }
    assert rates == {"a.failing": (2, 5), "e.answered": (5, 5)}


def test_dead_jobs_are_told_by_task_until_they_are_old_news(database: Database) -> None:
    inside, outside = THRESHOLDS.dead_window - A_MINUTE, THRESHOLDS.dead_window + A_MINUTE
    put(
        database,
        *ended("a.task", "dead", ago=inside, error_code="expired"),
        *ended("b.task", "dead", ago=outside),
        *ended("c.task", "failed"),
    )

    watch(database, THRESHOLDS)

    assert open_alerts(database) == {("dead_jobs", "a.task")}
    assert alerts(database)[0]["details"] == {"dead": 1, "reasons": {"expired": 1}}


def test_only_due_jobs_wait(database: Database) -> None:
    put(
        database,
        Row(queue="insights", due=THRESHOLDS.waiting + SECONDS),
        Row(queue="scheduled", due=THRESHOLDS.waiting - 3 * SECONDS),
        Row(queue="spotify", queued=A_DAY, due=-A_MINUTE),
        Row(queue="spotify", status="running", due=A_DAY),
    )

    watch(database, THRESHOLDS)

    assert open_alerts(database) == {("queue_waiting", "insights")}


def canary_row(queue: Queue, **about: Any) -> Row:
    return Row(CANARIES[queue].task_name, queue, **about)


def test_a_queue_whose_canary_waits_is_silent_unless_a_worker_ends_its_jobs(database: Database) -> None:
    too_long = THRESHOLDS.silent + SECONDS
    put(
        database,
        canary_row(Queue.SPOTIFY, queued=too_long),
        # A long queue: others are served first.
        canary_row(Queue.INSIGHTS, queued=too_long),
        Row("insights.other", "insights", status="succeeded", ended=A_MINUTE),
        canary_row(Queue.SCHEDULED, queued=THRESHOLDS.silent - 3 * SECONDS),
    )

    watch(database, THRESHOLDS)

    assert open_alerts(database) == {("queue_silent", "spotify")}


@pytest.mark.parametrize(
    "other",
    [
        Row("spotify.other", "spotify", status="succeeded", ended=THRESHOLDS.silent + SECONDS),
        Row("spotify.other", "spotify", status="succeeded", attempts=0, ended=A_MINUTE),
        Row("insights.other", "insights", status="succeeded", ended=A_MINUTE),
        Row("spotify.other", "spotify", status="cancelled", ended=A_MINUTE),
    ],
    ids=["long ago", "answered without a worker", "of another queue", "cancelled in the queue"],
)
def test_what_needs_no_living_worker_does_not_hide_a_silent_queue(database: Database, other: Row) -> None:
    put(database, canary_row(Queue.SPOTIFY, queued=THRESHOLDS.silent + SECONDS), other)
    watch(database, THRESHOLDS)
    assert open_alerts(database) == {("queue_silent", "spotify")}


def test_a_canary_that_died_and_was_followed_by_a_new_one_is_still_silence(database: Database) -> None:
    put(
        database,
        canary_row(Queue.SPOTIFY, status="dead", queued=8 * A_MINUTE, ended=A_MINUTE),
        canary_row(Queue.SPOTIFY),
    )
    watch(database, THRESHOLDS)
    assert ("queue_silent", "spotify") in open_alerts(database)


def test_without_canaries_no_queue_is_called_silent(database: Database) -> None:
    put(database, canary_row(Queue.SPOTIFY, status="succeeded", ended=A_DAY))
    watch(database, THRESHOLDS)
    assert open_alerts(database) == set()


def test_alerts_of_others_are_left_alone(database: Database) -> None:
    with database.transaction(acting_for=SYSTEM) as tx:
        tx.session.execute(
            text("""
                INSERT INTO alerts (id, kind, subject, severity, message, details)
                VALUES (:id, 'disk_full', 'all', 'critical', 'The disk is full.', '{}')
            """),
            {"id": new_id()},
        )
    watch(database, THRESHOLDS)
    assert open_alerts(database) == {("disk_full", "all")}
