"""From when on something is worth an operator's attention."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from spotify_insights.settings import Settings


@dataclass(frozen=True)
class Thresholds:
    """Whatever reaches its threshold is an alert.

    Args:
        failure_percent: so many of a task's jobs that ended within `failure_window` failed or died.
        failure_minimum_jobs: fewer ended jobs than this say nothing about a rate.
        dead_window: jobs that died longer ago have been seen by now.
        waiting: the oldest due job of a queue has waited so long.
        silent: a canary has waited so long, and its queue has ended nothing else in that time.
    """

    failure_percent: int = 25
    failure_window: timedelta = timedelta(minutes=60)
    failure_minimum_jobs: int = 5
    dead_window: timedelta = timedelta(days=7)
    waiting: timedelta = timedelta(minutes=10)
    silent: timedelta = timedelta(minutes=5)

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """The thresholds that the settings ask for."""
        return cls(
            failure_percent=settings.alert_failure_percent,
            failure_window=timedelta(minutes=settings.alert_failure_window_minutes),
            failure_minimum_jobs=settings.alert_failure_minimum_jobs,
            dead_window=timedelta(days=settings.alert_dead_days),
            waiting=timedelta(minutes=settings.alert_waiting_minutes),
            silent=timedelta(minutes=settings.alert_silent_minutes),
        )
