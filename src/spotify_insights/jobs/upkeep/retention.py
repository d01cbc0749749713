"""How long the job table and its neighbours remember."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

from spotify_insights.database.database import Transaction
from spotify_insights.settings import Settings

PurgeBatch = Callable[[Transaction], int]
"""Deletes one small bounded batch of what is too old; the number of rows."""


@dataclass(frozen=True)
class Retention:
    """Days after which things are forgotten, counted from their end.

    Args:
        finished_job_days: jobs that succeeded or were cancelled.
        failed_job_days: jobs for which waiting would not have helped.
        dead_job_days: jobs that an operator may want to run again.
        slot_days: fired moments of the schedule; the newest of each schedule is never forgotten.
        alert_days: alerts, from the moment they were over.
        further: what other packages want purged about once a minute.
    """

    finished_job_days: int = 30
    failed_job_days: int = 90
    dead_job_days: int = 365
    slot_days: int = 7
    alert_days: int = 90
    further: Sequence[PurgeBatch] = ()

    @classmethod
    def from_settings(cls, settings: Settings, *, further: Sequence[PurgeBatch] = ()) -> Self:
        """The retention that the settings ask for."""
        return cls(
            finished_job_days=settings.job_retention_days,
            failed_job_days=settings.failed_job_retention_days,
            dead_job_days=settings.dead_job_retention_days,
            slot_days=settings.schedule_slot_retention_days,
            alert_days=settings.alert_retention_days,
            further=further,
        )
