"""Beat as a metronome: for each due moment of the schedule it writes a job row, and never a message.

`schedule_slots` lets every moment be fired once, however many beats run. The relay publishes the rows.
A moment that passes while no beat runs, or while the database is away, is not made up for: the next one is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from celery import Celery
from celery.beat import ScheduleEntry, Scheduler
from celery.schedules import ParseException, crontab
from typing_extensions import override

from spotify_insights.accounts.jobs import RefreshExpiringTokens
from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.database import Database
from spotify_insights.errors import SetupError
from spotify_insights.jobs.celery_app import create_celery
from spotify_insights.jobs.enqueue import enqueue_for_slot
from spotify_insights.jobs.job import Job
from spotify_insights.jobs.upkeep import CleanupOldJobs, MonitorFailedJobs
from spotify_insights.listening.jobs import IngestAllUsersData
from spotify_insights.observability import get_logger
from spotify_insights.settings import Settings

_log = get_logger(__name__)
# How long beat may sleep when nothing is due: it must still notice a stop and a changed clock.
LONGEST_SLEEP_SECONDS: Final = 5


@dataclass(frozen=True)
class Scheduled:
    """A job and when it runs, in UTC."""

    job: Job
    when: crontab


def schedule_of(settings: Settings) -> Mapping[str, Scheduled]:
    """Everything that happens by the clock, under the name of its task.

    Raises:
        SetupError: a cron setting is not a cron expression.
    """
    jobs = {
        "nightly_ingestion_cron": IngestAllUsersData(),
        "refresh_expiring_tokens_cron": RefreshExpiringTokens(),
        "cleanup_old_jobs_cron": CleanupOldJobs(),
        "monitor_failed_jobs_cron": MonitorFailedJobs(),
    }
    return {
        job.task_name: Scheduled(job=job, when=_crontab(setting, getattr(settings, setting)))
        for setting, job in jobs.items()
    }


def fire(database: Database, name: str, job: Job, *, slot: datetime) -> bool:
    """Queue `job` for this moment of its schedule; False where that has been done already."""
    with database.transaction(acting_for=SYSTEM) as tx:
        job_id = enqueue_for_slot(tx, job, schedule=name, slot=slot)
    if job_id is not None:
        _log.info("slot_fired", schedule=name, slot=slot.isoformat(), job_id=str(job_id))
    return job_id is not None


def create_beat(settings: Settings, database: Database) -> tuple[Celery, type[Scheduler]]:
    """The application and scheduler class that `celery.beat.Service` runs."""
    schedule = schedule_of(settings)
    app = create_celery(settings.redis_url.get_secret_value())
    app.conf.beat_schedule = {
        name: {"task": name, "schedule": scheduled.when} for name, scheduled in schedule.items()
    }

    class SlotScheduler(Scheduler):
        # Nothing is sent from here, so beat must not wait for a broker either.
        producer = None  # type: ignore[assignment]  # the base class only hands it to `apply_async`

        @override
        def apply_async(
            self, entry: ScheduleEntry, producer: Any = None, advance: bool = True, **kwargs: Any
        ) -> None:
            name = entry.name or ""
            fire(database, name, schedule[name].job, slot=_slot_of(entry))

    return app, SlotScheduler


def _slot_of(entry: ScheduleEntry) -> datetime:
    """The moment that became due: the first match of the expression after the last run."""
    if not isinstance(entry.schedule, crontab) or entry.last_run_at is None:
        raise TypeError("Every entry of the schedule is a cron expression with a last run.")
    last_run, until_due, _ = entry.schedule.remaining_delta(entry.last_run_at)
    slot: datetime = last_run + until_due
    return slot.replace(second=0, microsecond=0)


def _crontab(setting: str, expression: str) -> crontab:
    try:
        return crontab.from_string(expression)
    except (ParseException, ValueError):
        raise SetupError(
            f"The setting {setting.upper()} is not a cron expression such as '0 2 * * *'."
        ) from None
