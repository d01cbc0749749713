"""Beat: the schedule from the settings, each of its moments fired once, and no broker needed for it."""

import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
from celery.beat import ScheduleEntry, Scheduler
from celery.schedules import crontab
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from sqlalchemy import select

from job_trials import at_once, claimed
from jobs_inline import queued_jobs
from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.database import Database
from spotify_insights.errors import SetupError
from spotify_insights.jobs.celery_app import create_celery
from spotify_insights.jobs.enqueue import enqueue_for_slot
from spotify_insights.jobs.models import ScheduleSlot
from spotify_insights.jobs.upkeep import MonitorFailedJobs
from spotify_insights.settings import Settings
from spotify_insights.worker.beat import _slot_of, create_beat, fire, schedule_of

NAME: Final = MonitorFailedJobs.task_name
NOON: Final = datetime(2026, 11, 22, 12, tzinfo=UTC)
CRON_SETTINGS: Final = [name for name in Settings.model_fields if name.endswith("_cron")]


def slots(database: Database) -> dict[tuple[str, datetime], object]:
    """The job of every fired slot."""
    with database.transaction(acting_for=SYSTEM) as tx:
        return {(row.schedule, row.slot): row.job_id for row in tx.session.scalars(select(ScheduleSlot))}


def test_the_schedule_is_the_documented_one(settings: Settings) -> None:
    when = {name: scheduled.when for name, scheduled in schedule_of(settings).items()}

    assert when == {
        "scheduled.ingest_all_users_data": crontab(minute="0", hour="2"),
        "spotify.refresh_expiring_tokens": crontab(minute="0,30"),
        "scheduled.cleanup_old_jobs": crontab(minute="0", hour="3", day_of_week="monday"),
        "scheduled.monitor_failed_jobs": crontab(minute="*/5"),
    }
    assert {name: scheduled.job.task_name for name, scheduled in schedule_of(settings).items()} == {
        name: name for name in when
    }


@pytest.mark.parametrize("setting", CRON_SETTINGS)
def test_every_cron_setting_moves_one_job_of_the_schedule(settings: Settings, setting: str) -> None:
    usual = schedule_of(settings)
    moved = schedule_of(settings.model_copy(update={setting: "17 4 1 6 *"}))

    changed = [name for name in usual if moved[name].when != usual[name].when]
    assert len(changed) == 1
    assert moved[changed[0]].when == crontab(minute=17, hour=4, day_of_month=1, month_of_year=6)


@pytest.mark.parametrize(
    "expression",
    ["", "daily", "0 2 * *", "0 2 * * * *", "60 * * * *", "* 24 * * *", "0 0 30 2 *", "x * * * *"],
)
def test_a_wrong_cron_setting_is_named_in_one_sentence(settings: Settings, expression: str) -> None:
    for setting in CRON_SETTINGS:
        with pytest.raises(SetupError) as raised:
            schedule_of(settings.model_copy(update={setting: expression}))
        assert raised.value.message == (
            f"The setting {setting.upper()} is not a cron expression such as '0 2 * * *'."
        )


@given(st.lists(st.text("0123456789*/-,x", max_size=3), max_size=6).map(" ".join))
def test_whatever_a_cron_setting_says_it_is_understood_or_refused(expression: str) -> None:
    settings = Settings.model_construct(
        **{name: field.default for name, field in Settings.model_fields.items() if name.endswith("_cron")}
        | {"nightly_ingestion_cron": expression}
    )
    with suppress(SetupError):
        schedule_of(settings)


def test_a_slot_is_fired_once(database: Database) -> None:
    assert fire(database, NAME, MonitorFailedJobs(), slot=NOON) is True
    assert fire(database, NAME, MonitorFailedJobs(), slot=NOON) is False

    [job] = queued_jobs(database)
    assert job.task_name == NAME
    assert slots(database) == {(NAME, NOON): job.id}


def test_a_slot_stays_fired_after_its_job_has_ended(database: Database) -> None:
    fire(database, NAME, MonitorFailedJobs(), slot=NOON)
    [job] = queued_jobs(database)
    with claimed(database, job.id, MonitorFailedJobs).completion():
        pass

    assert fire(database, NAME, MonitorFailedJobs(), slot=NOON) is False
    assert queued_jobs(database) == []


def test_many_beats_at_once_fire_each_slot_once(database: Database) -> None:
    moments = [NOON + timedelta(minutes=5 * number) for number in range(4)]

    def beat(barrier: threading.Barrier) -> list[bool]:
        fired = []
        for moment in moments:
            barrier.wait()
            fired.append(fire(database, NAME, MonitorFailedJobs(), slot=moment))
        return fired

    assert [sum(attempts) for attempts in zip(*at_once(6, beat), strict=True)] == [1] * len(moments)
    assert {moment for _, moment in slots(database)} == set(moments)


def test_a_slot_joins_the_job_of_the_slot_before_if_that_still_waits(database: Database) -> None:
    later = NOON + timedelta(minutes=5)
    assert fire(database, NAME, MonitorFailedJobs(), slot=NOON) is True
    assert fire(database, NAME, MonitorFailedJobs(), slot=later) is True

    [job] = queued_jobs(database)
    assert slots(database) == {(NAME, NOON): job.id, (NAME, later): job.id}


def test_a_slot_whose_transaction_is_rolled_back_is_still_to_be_fired(database: Database) -> None:
    with suppress(ZeroDivisionError), database.transaction(acting_for=SYSTEM) as tx:
        enqueue_for_slot(tx, MonitorFailedJobs(), schedule=NAME, slot=NOON)
        raise ZeroDivisionError

    assert fire(database, NAME, MonitorFailedJobs(), slot=NOON) is True


def entry_of(expression: str, last_run: datetime) -> ScheduleEntry:
    return ScheduleEntry(
        name=NAME,
        task=NAME,
        schedule=crontab.from_string(expression),
        last_run_at=last_run,
        app=create_celery("redis://127.0.0.1:1/0"),
    )


@pytest.mark.parametrize(
    ("expression", "last_run", "slot"),
    [
        ("*/5 * * * *", "2026-11-22T12:00:00.4", "2026-11-22T12:05"),
        ("*/30 * * * *", "2026-12-31T23:30:02", "2027-01-01T00:00"),
        ("0 2 * * *", "2026-11-21T02:00:03", "2026-11-22T02:00"),
        ("0 2 * * *", "2026-11-22T01:59:59.9", "2026-11-22T02:00"),
        ("0 3 * * 1", "2026-11-22T12:00:00", "2026-11-23T03:00"),  # a Sunday, then the Monday
        ("0 9 * * 0", "2026-11-22T09:00:01", "2026-11-29T09:00"),
        ("15 6 1 * *", "2026-01-31T08:00:00", "2026-02-01T06:15"),
        ("0 0 29 2 *", "2026-11-22T00:00:00", "2028-02-29T00:00"),
    ],
)
def test_the_slot_is_the_first_exact_minute_after_the_last_run(
    expression: str, last_run: str, slot: str
) -> None:
    entry = entry_of(expression, datetime.fromisoformat(last_run).replace(tzinfo=UTC))

    assert _slot_of(entry) == datetime.fromisoformat(slot).replace(tzinfo=UTC)


@given(
    st.integers(0, 23),
    st.integers(0, 59),
    st.datetimes(datetime(2026, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_the_slot_of_a_daily_job_is_its_next_time_of_day(hour: int, minute: int, last_run: datetime) -> None:
    today = last_run.replace(hour=hour, minute=minute, second=0, microsecond=0)
    slot = _slot_of(entry_of(f"{minute} {hour} * * *", last_run))

    # Within the minute of a slot that slot has been fired.
    assert slot == (today if today > last_run else today + timedelta(days=1))


def beat_that_slept_since(moment: datetime, settings: Settings, database: Database) -> Scheduler:
    """A scheduler all of whose entries ran last at that moment."""
    app, scheduler_class = create_beat(settings, database)
    scheduler = scheduler_class(app=app)
    for entry in scheduler.schedule.values():
        entry.last_run_at = moment
    return scheduler


def tick_until_nothing_is_due(scheduler: Scheduler) -> None:
    for _ in range(20):
        if scheduler.tick() > 0:
            return
    pytest.fail("Something is always due.")


def test_each_due_slot_becomes_a_job_row_with_any_number_of_beats_and_no_broker(
    settings: Settings, database: Database
) -> None:
    # Once a year, so that no second slot becomes due while the test runs.
    yearly = dict.fromkeys(CRON_SETTINGS, "0 3 16 11 *")
    # Nobody listens there: a beat that needed a broker could not fire.
    alone = settings.model_copy(update={**yearly, "redis_url": SecretStr("redis://127.0.0.1:1/0")})
    slot = datetime(2025, 11, 16, 3, tzinfo=UTC)

    for _ in range(2):
        tick_until_nothing_is_due(beat_that_slept_since(slot - timedelta(seconds=90), alone, database))
        jobs = queued_jobs(database)
        assert sorted(job.task_name for job in jobs) == sorted(schedule_of(settings))
        assert slots(database) == {(job.task_name, slot): job.id for job in jobs}


def test_a_beat_that_is_up_to_date_fires_nothing(settings: Settings, database: Database) -> None:
    yearly = settings.model_copy(update=dict.fromkeys(CRON_SETTINGS, "0 0 29 2 *"))
    app, scheduler_class = create_beat(yearly, database)

    tick_until_nothing_is_due(scheduler_class(app=app))

    assert queued_jobs(database) == []
