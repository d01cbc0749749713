"""The monitor turns what goes wrong into alerts: raised once, kept up to date, resolved when it is over."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs
from structlog.typing import EventDict

from alert_trials import TASK, THRESHOLDS, alerts
from job_trials import at_once, claimed, enqueued, set_from_now, somebody_waits_for_a_lock
from jobs_inline import job_row
from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.database import Database
from spotify_insights.database.table import new_id
from spotify_insights.jobs.attempt import FencedError
from spotify_insights.jobs.job import Queue
from spotify_insights.jobs.run import run_job
from spotify_insights.jobs.upkeep.alerts import Changes, alert_documents, await_turn
from spotify_insights.jobs.upkeep.canary import CANARIES
from spotify_insights.jobs.upkeep.monitor import MonitorFailedJobs, monitor_failed_jobs, watch
from upkeep_trials import A_DAY, A_MINUTE, Row, answer_of, ended, forget_all, put


@dataclass(frozen=True)
class Monitoring:
    """One run of the monitor's job: what it stored as its result, and what it logged."""

    result: Any
    log: list[EventDict]

    @property
    def events(self) -> list[tuple[str, str]]:
        return [(line["event"], line["log_level"]) for line in self.log]


def monitored(database: Database) -> Monitoring:
    job_id = enqueued(database, MonitorFailedJobs())
    with capture_logs() as log:
        assert run_job(
            database,
            job_id,
            MonitorFailedJobs,
            lambda attempt, job: monitor_failed_jobs(attempt, job, thresholds=THRESHOLDS),
        )
    return Monitoring(
        job_row(database, job_id).result, [line for line in log if line["event"].startswith("alert_")]
    )


def test_an_alert_is_raised_once_updated_while_it_lasts_and_resolved_when_it_is_over(
    database: Database,
) -> None:
    put(database, *ended(TASK, "dead"))
    first = monitored(database)
    [raised] = alerts(database)

    put(database, *ended(TASK, "dead"))
    second = monitored(database)
    [updated] = alerts(database)

    with database.transaction(acting_for=SYSTEM) as tx:
        tx.session.execute(text("DELETE FROM background_jobs WHERE status = 'dead'"))
    third = monitored(database)
    [resolved] = alerts(database)

    assert first.result == {"raised": 1, "still_open": 0, "resolved": 0}
    assert second.result == {"raised": 0, "still_open": 1, "resolved": 0}
    assert third.result == {"raised": 0, "still_open": 0, "resolved": 1}
    assert [run.events for run in (first, second, third)] == [
        [("alert_raised", "warning")],
        [("alert_still_open", "info")],
        [("alert_resolved", "info")],
    ]
    assert raised["alert_id"] == updated["alert_id"] == resolved["alert_id"]
    assert raised["details"]["dead"] == 1
    assert updated["details"]["dead"] == 2
    assert updated["message"].startswith("2 jobs of")
    assert updated["raised_at"] == raised["raised_at"]
    assert updated["seen_at"] > raised["seen_at"]
    assert raised["resolved_at"] is None
    assert updated["resolved_at"] is None
    assert resolved["resolved_at"] > updated["seen_at"]


def test_what_comes_back_after_it_was_over_is_a_new_alert(database: Database) -> None:
    [job_id] = put(database, *ended(TASK, "dead"))
    monitored(database)
    set_from_now(database, job_id, finished_at=-8 * A_DAY)
    monitored(database)
    set_from_now(database, job_id, finished_at=-A_MINUTE)

    assert monitored(database).result["raised"] == 1

    newest, oldest = alerts(database)
    assert newest["resolved_at"] is None
    assert oldest["resolved_at"] is not None


def test_the_log_line_tells_all_that_the_alert_tells(database: Database) -> None:
    put(database, Row(queue="insights", queued=12 * A_MINUTE, due=12 * A_MINUTE))

    [line] = monitored(database).log

    [alert] = alerts(database)
    assert line["event"] == "alert_raised"
    assert {name: line[name] for name in ("kind", "subject", "severity", "message")} == {
        name: alert[name] for name in ("kind", "subject", "severity", "message")
    }
    assert "Queue insights has had a job waiting for 12 minutes." in line["message"]


def test_a_silent_queue_is_an_error_in_the_log(database: Database) -> None:
    put(database, Row(CANARIES[Queue.SPOTIFY].task_name, "spotify", queued=6 * A_MINUTE))
    assert monitored(database).events == [("alert_raised", "error")]


def test_nothing_wrong_is_nothing_said(database: Database) -> None:
    put(database, *ended(TASK, *["succeeded"] * 20), Row(due=A_MINUTE))
    run = monitored(database)
    assert run.result == {"raised": 0, "still_open": 0, "resolved": 0}
    assert run.log == []


def test_many_monitors_at_once_raise_each_alert_once(database: Database) -> None:
    for _ in range(3):
        forget_all(database)
        put(
            database,
            *ended("a.task", *["dead"] * 5),
            *ended("b.task", *["dead"] * 5),
            Row(queue="insights", due=A_DAY),
        )

        def look(barrier: threading.Barrier) -> Changes:
            barrier.wait()
            return watch(database, THRESHOLDS)

        seen = at_once(6, look)

        assert len(alerts(database)) == 5
        assert sorted(len(changes.raised) for changes in seen) == [0, 0, 0, 0, 0, 5]
        assert sum(len(changes.still_open) for changes in seen) == 25
        assert sum(len(changes.resolved) for changes in seen) == 0


def test_a_monitor_that_waited_for_another_looks_only_then(database: Database) -> None:
    with ThreadPoolExecutor(1) as pool:
        with database.transaction(acting_for=SYSTEM) as tx:
            await_turn(tx.session)
            waiting = pool.submit(watch, database, THRESHOLDS)
            assert somebody_waits_for_a_lock(database)
            put(database, *ended(TASK, "dead"))
        changes = waiting.result(timeout=20)
    assert [note.subject for note in changes.raised] == [TASK]


def test_a_monitor_that_lost_its_lease_changes_nothing_and_says_nothing(database: Database) -> None:
    put(database, *ended(TASK, "dead"))
    attempt = claimed(database, enqueued(database, MonitorFailedJobs()), MonitorFailedJobs)
    with database.transaction(acting_for=SYSTEM) as tx:
        tx.session.execute(
            text("UPDATE background_jobs SET lease_token = gen_random_uuid() WHERE id = :job_id"),
            {"job_id": attempt.job_id},
        )

    with capture_logs() as log, pytest.raises(FencedError):
        monitor_failed_jobs(attempt, MonitorFailedJobs(), thresholds=THRESHOLDS)

    assert alerts(database) == []
    assert [line for line in log if line["event"].startswith("alert_")] == []


def test_open_alerts_come_first_and_the_newest_first_among_equals(database: Database) -> None:
    kinds = [("first", "over"), ("second", None), ("third", "over"), ("fourth", None)]
    with database.transaction(acting_for=SYSTEM) as tx:
        for subject, over in kinds:
            tx.session.execute(
                text("""
                    INSERT INTO alerts (id, kind, subject, severity, message, details, resolved_at)
                    VALUES (:id, 'dead_jobs', :subject, 'warning', '', '{}',
                            CASE WHEN :over THEN clock_timestamp() END)
                """),
                {"id": new_id(), "subject": subject, "over": over is not None},
            )

    def subjects(limit: int) -> list[str]:
        return [alert["subject"] for alert in answer_of(database, alert_documents(limit=limit))]

    assert subjects(10) == ["fourth", "second", "third", "first"]
    assert subjects(3) == ["fourth", "second", "third"]
