"""Beat: it fires each due moment of the schedule once, and needs no broker for it."""

from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
from celery.beat import Scheduler
from pydantic import SecretStr

from jobs_inline import queued_jobs
from schedule_trials import slots
from spotify_insights.database.database import Database
from spotify_insights.schedule import schedule_of
from spotify_insights.settings import Settings
from spotify_insights.worker.beat import create_beat

CRON_SETTINGS: Final = [name for name in Settings.model_fields if name.endswith("_cron")]


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
