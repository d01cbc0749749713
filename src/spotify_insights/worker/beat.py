"""Beat as a metronome: at each due moment of the schedule it writes a job row, and never a message.

`schedule_slots` lets every moment be fired once, however many beats run. The relay publishes the rows, and
fires by itself what no beat has fired.
"""

from typing import Any, Final

from celery import Celery
from celery.beat import ScheduleEntry, Scheduler
from celery.schedules import crontab
from typing_extensions import override

from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.database import Database
from spotify_insights.jobs.celery_app import create_celery
from spotify_insights.jobs.slots import fire, next_slot
from spotify_insights.schedule import schedule_of
from spotify_insights.settings import Settings

# How long beat may sleep when nothing is due: it must still notice a stop and a changed clock.
LONGEST_SLEEP_SECONDS: Final = 5


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
            if not isinstance(entry.schedule, crontab) or entry.last_run_at is None:
                raise TypeError("Every entry of the schedule is a cron expression with a last run.")
            name = entry.name or ""
            slot = next_slot(entry.schedule, after=entry.last_run_at)
            with database.transaction(acting_for=SYSTEM) as tx:
                fire(tx, name, schedule[name].job, slot=slot)

    return app, SlotScheduler
