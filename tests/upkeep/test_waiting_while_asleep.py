"""Nothing waits while everything is off: waiting counts from when the schedule is kept again."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from celery.schedules import crontab
from sqlalchemy import text

from job_trials import AN_HOUR, enqueued, present
from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.database import Database
from spotify_insights.jobs.job import Queue
from spotify_insights.jobs.run import run_job
from spotify_insights.jobs.slots import Schedule, Scheduled, fire_due, next_slot
from spotify_insights.jobs.upkeep.alerts import alert_documents
from spotify_insights.jobs.upkeep.canary import CANARIES
from spotify_insights.jobs.upkeep.monitor import MonitorFailedJobs, watch
from spotify_insights.jobs.upkeep.thresholds import Thresholds
from spotify_insights.runtime import Runtime
from spotify_insights.schedule import schedule_of
from spotify_insights.settings import Settings
from spotify_insights.worker.tasks import Handlers
from upkeep_trials import A_DAY, A_MINUTE, Row, answer_of, put

THRESHOLDS = Thresholds()
NIGHT = timedelta(hours=9)
CANARY = CANARIES[Queue.SPOTIFY].task_name
SILENT, WAITING = ("queue_silent", "spotify"), ("queue_waiting", "spotify")
NOTHING: set[tuple[str, str]] = set()
SOON = timedelta(milliseconds=300)


@pytest.fixture
def usual(settings: Settings) -> Schedule:
    """The schedule that nobody has changed."""
    return schedule_of(settings)


def with_canaries(schedule: Schedule, expression: str) -> Schedule:
    """The schedule with another CANARY_CRON."""
    names = {canary.task_name for canary in CANARIES.values()}
    return {
        name: replace(scheduled, when=crontab.from_string(expression)) if name in names else scheduled
        for name, scheduled in schedule.items()
    }


def kept(
    database: Database,
    schedule: Schedule,
    *,
    since: timedelta,
    until: timedelta = timedelta(),
    late: timedelta = SOON,
) -> None:
    """Let the schedule have been kept between these two, which say how long ago; every slot is so late."""
    now = present(database)
    rows = [
        {"schedule": name, "slot": slot, "fired_at": slot + late}
        for name, scheduled in schedule.items()
        for slot in moments(scheduled, since=now - since, until=now - until)
    ]
    insert(database, rows)


def moments(scheduled: Scheduled, *, since: datetime, until: datetime) -> Iterable[datetime]:
    while (since := next_slot(scheduled.when, after=since)) < until:
        yield since


def insert(database: Database, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    with database.transaction(acting_for=SYSTEM) as tx:
        tx.session.execute(
            text(
                "INSERT INTO schedule_slots (schedule, slot, fired_at) VALUES (:schedule, :slot, :fired_at)"
            ),
            rows,
        )


def wait_since(database: Database, ago: timedelta) -> None:
    """Let the canary and another job of a queue wait for so long already."""
    put(
        database,
        Row(CANARY, "spotify", queued=ago, due=ago),
        Row("spotify.other", "spotify", queued=ago, due=ago),
    )


def open_alerts(database: Database) -> set[tuple[str, str]]:
    return {
        (alert["kind"], alert["subject"])
        for alert in answer_of(database, alert_documents(limit=100))
        if alert["resolved_at"] is None
    }


def told(database: Database) -> list[int]:
    """The seconds of which the last two alerts tell."""
    alerts = answer_of(database, alert_documents(limit=2))
    return [seconds for alert in alerts for seconds in alert["details"].values()]


def seen(database: Database, schedule: Schedule) -> set[tuple[str, str]]:
    """What is open after a look."""
    watch(database, THRESHOLDS, schedule)
    return open_alerts(database)


def looked_by_relay(runtime: Runtime) -> None:
    # By itself it would look in five minutes.
    watch = runtime.create_relay()._watch
    assert watch is not None
    watch()


def looked_by_worker(runtime: Runtime) -> None:
    job_id = enqueued(runtime.database, MonitorFailedJobs())
    assert run_job(
        runtime.database, job_id, MonitorFailedJobs, Handlers.of(runtime)[MonitorFailedJobs], worker="w"
    )


@pytest.mark.parametrize("look", [looked_by_relay, looked_by_worker])
def test_stopped_for_a_night_and_started_again_is_no_alert(
    runtime: Runtime, look: Callable[[Runtime], None]
) -> None:
    database, schedule = runtime.database, runtime.schedule()
    kept(database, schedule, since=NIGHT + AN_HOUR, until=NIGHT)
    wait_since(database, NIGHT)

    # A laptop wakes in the middle of anything: somebody may look before the first slot is fired.
    look(runtime)
    assert open_alerts(database) == NOTHING
    assert CANARY in runtime.create_relay().fire_due_slots()
    look(runtime)
    assert open_alerts(database) == NOTHING


def test_what_still_waits_after_waking_is_an_alert_in_its_time(database: Database, usual: Schedule) -> None:
    kept(database, usual, since=NIGHT + AN_HOUR, until=NIGHT)
    wait_since(database, NIGHT)

    kept(database, usual, since=THRESHOLDS.silent - 2 * A_MINUTE)
    assert seen(database, usual) == NOTHING
    forget_slots(database, since=NIGHT)
    kept(database, usual, since=THRESHOLDS.silent + 2 * A_MINUTE)
    assert seen(database, usual) == {SILENT}
    forget_slots(database, since=NIGHT)
    kept(database, usual, since=THRESHOLDS.waiting + 2 * A_MINUTE)
    assert seen(database, usual) == {SILENT, WAITING}

    [waited] = [
        alert["details"]["canary_waiting_seconds"]
        for alert in answer_of(database, alert_documents(limit=2))
        if alert["kind"] == "queue_silent"
    ]
    assert timedelta(seconds=waited) < THRESHOLDS.waiting + 3 * A_MINUTE


def test_a_worker_that_was_off_while_the_schedule_was_kept_is_told_in_full(
    database: Database, usual: Schedule
) -> None:
    kept(database, usual, since=NIGHT + AN_HOUR)
    wait_since(database, NIGHT)

    assert seen(database, usual) == {SILENT, WAITING}

    assert told(database) == [pytest.approx(NIGHT.total_seconds(), abs=60)] * 2


@pytest.mark.parametrize("expression", ["0 * * * *", "*/20 * * * *"])
def test_a_schedule_that_is_sparse_is_not_taken_for_sleep(
    database: Database, usual: Schedule, expression: str
) -> None:
    rare = with_canaries(usual, expression)
    canaries_only = {name: rare[name] for name in rare if name.endswith(".canary")}
    kept(database, rare, since=NIGHT)
    wait_since(database, 3 * AN_HOUR)

    assert seen(database, rare) == {SILENT, WAITING}
    assert seen(database, canaries_only) == {SILENT, WAITING}


@pytest.mark.parametrize("expression", ["0 * * * *", "*/20 * * * *"])
def test_a_sparse_schedule_that_was_missed_is_sleep(
    database: Database, usual: Schedule, expression: str
) -> None:
    rare = with_canaries(usual, expression)
    kept(database, rare, since=NIGHT + 2 * AN_HOUR, until=NIGHT)
    wait_since(database, NIGHT)

    fire_due(database, rare)

    assert seen(database, rare) == NOTHING


def test_without_canaries_the_other_slots_tell_of_a_night_off(database: Database, usual: Schedule) -> None:
    others = {name: usual[name] for name in usual if not name.endswith(".canary")}
    kept(database, others, since=NIGHT + AN_HOUR, until=NIGHT)
    put(database, Row("spotify.other", "spotify", queued=NIGHT, due=NIGHT))

    fire_due(database, others)
    assert seen(database, others) == NOTHING
    forget_slots(database, since=NIGHT)
    kept(database, others, since=THRESHOLDS.waiting + 6 * A_MINUTE)
    assert seen(database, others) == {WAITING}


def test_slots_seconds_ahead_of_their_moment_are_not_missed_ones(database: Database, usual: Schedule) -> None:
    kept(database, with_canaries(usual, "0 * * * *"), since=NIGHT, late=timedelta(seconds=-4))
    wait_since(database, 3 * AN_HOUR)
    assert seen(database, with_canaries(usual, "0 * * * *")) == {SILENT, WAITING}


@pytest.mark.parametrize(("late", "slept"), [(110, False), (130, True)])
def test_a_relay_that_was_busy_for_a_moment_did_not_sleep(
    database: Database, usual: Schedule, late: int, *, slept: bool
) -> None:
    canary = {CANARY: usual[CANARY]}
    # Whole minutes, so that the test sees the same slots in whatever second it runs.
    minute = present(database).replace(second=0, microsecond=0)
    on_time = [minute - number * A_MINUTE for number in range(4, 300)]
    slots = [(slot, slot + SOON) for slot in on_time]
    slots.append((minute - 3 * A_MINUTE, minute - 3 * A_MINUTE + timedelta(seconds=late)))
    insert(
        database,
        [{"schedule": CANARY, "slot": slot, "fired_at": fired_at} for slot, fired_at in slots],
    )
    wait_since(database, AN_HOUR)

    assert seen(database, canary) == (NOTHING if slept else {SILENT, WAITING})


def test_what_retention_leaves_is_enough(database: Database, usual: Schedule) -> None:
    """Awake for days, of which a day of slots is left; then off for days, of which nothing is left."""
    kept(database, usual, since=A_DAY)
    wait_since(database, 3 * A_DAY)
    assert seen(database, usual) == {SILENT, WAITING}
    assert told(database) == [pytest.approx(3 * A_DAY.total_seconds(), abs=60)] * 2

    forget_slots(database, since=2 * A_DAY)
    fire_due(database, usual)
    assert seen(database, usual) == NOTHING


def test_the_very_first_start_has_kept_nobody_waiting(database: Database, usual: Schedule) -> None:
    wait_since(database, NIGHT)
    assert seen(database, usual) == NOTHING
    fire_due(database, usual)
    assert seen(database, usual) == NOTHING


def test_an_alert_of_the_evening_is_over_in_the_morning_until_it_is_true_again(
    database: Database, usual: Schedule
) -> None:
    kept(database, usual, since=AN_HOUR)
    wait_since(database, AN_HOUR)
    assert seen(database, usual) == {SILENT, WAITING}

    forget_slots(database, since=NIGHT)
    kept(database, usual, since=NIGHT + AN_HOUR, until=NIGHT)
    fire_due(database, usual)
    assert seen(database, usual) == NOTHING


def forget_slots(database: Database, *, since: timedelta) -> None:
    with database.transaction(acting_for=SYSTEM) as tx:
        tx.session.execute(
            text("DELETE FROM schedule_slots WHERE slot > clock_timestamp() - :since"), {"since": since}
        )
