"""The moments of the schedule: each is fired once, by whichever process comes first.

A moment that nobody fired in time (everything was off, a laptop slept) is made up for: of all that were
missed the latest one fires, the earlier ones would only do the same work again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from celery.schedules import crontab
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.database import Database, Transaction
from spotify_insights.jobs.enqueue import enqueue
from spotify_insights.jobs.job import Job
from spotify_insights.observability import get_logger

_log = get_logger(__name__)

# A clock that runs ahead must not fire tomorrow's slot today.
_AHEAD: Final = "5 s"
_TAKE_SLOT: Final = text(f"""
    INSERT INTO schedule_slots (schedule, slot)
    SELECT CAST(:schedule AS text), CAST(:slot AS timestamptz)
     WHERE CAST(:slot AS timestamptz) <= clock_timestamp() + interval '{_AHEAD}'
       AND NOT EXISTS (SELECT 1 FROM schedule_slots WHERE schedule = :schedule AND slot > :slot)
        ON CONFLICT DO NOTHING
 RETURNING slot
""")  # noqa: S608  # only a constant is put in
_NAME_JOB: Final = text(
    "UPDATE schedule_slots SET job_id = :job_id WHERE schedule = :schedule AND slot = :slot"
)
_NEWEST: Final = text("""
    SELECT name, (SELECT slot FROM schedule_slots WHERE schedule = name ORDER BY slot DESC LIMIT 1) AS slot
      FROM unnest(CAST(:names AS text[])) AS name
""")
# However long ago a schedule fired last, the search for its latest moment begins close to the present.
_LOOK_BACK: Final = tuple(timedelta(days=days) for days in (1 / 24, 1, 8, 40, 370))


@dataclass(frozen=True)
class Scheduled:
    """A job and when it runs, in UTC."""

    job: Job
    when: crontab


Schedule = Mapping[str, Scheduled]


def next_slot(when: crontab, *, after: datetime) -> datetime:
    """The first moment of the expression after `after`, to the minute."""
    last, until_due, _ = when.remaining_delta(after)
    slot: datetime = last + until_due
    return slot.replace(second=0, microsecond=0)


def latest_slot(when: crontab, *, after: datetime, until: datetime) -> datetime | None:
    """The last moment of the expression in (after, until]; None where there is none."""
    for distance in _LOOK_BACK:
        slot = next_slot(when, after=max(after, until - distance))
        if slot <= until:
            while (following := next_slot(when, after=slot)) <= until:
                slot = following
            return slot
        if until - distance <= after:
            break
    return None


def fire(tx: Transaction, name: str, job: Job, *, slot: datetime) -> UUID | None:
    """Queue `job` for this moment of the schedule; None where it, or a later one, has been fired already.

    Any number of processes may try: the primary key of `schedule_slots` lets one of them succeed.
    """
    taking = {"schedule": name, "slot": slot}
    if tx.session.scalar(_TAKE_SLOT, taking) is None:
        return None
    job_id = enqueue(tx, job)
    tx.session.execute(_NAME_JOB, taking | {"job_id": job_id})
    _log.info("slot_fired", schedule=name, slot=slot.isoformat(), job_id=str(job_id))
    return job_id


def fire_due(database: Database, schedule: Schedule, *, until: datetime | None = None) -> list[str]:
    """Fire the latest moment of every schedule that has one since it fired last; the names of those.

    A schedule that was never seen counts from now on, so that a new installation does not begin with
    everything that it could have done before.

    Args:
        until: the present; None takes the database's clock.
    """
    with database.transaction(acting_for=SYSTEM) as tx:
        present = until or _present(tx.session)
        fired = {row.name: row.slot for row in tx.session.execute(_NEWEST, {"names": list(schedule)})}
    due = []
    for name, scheduled in schedule.items():
        after = fired[name]
        slot = present if after is None else latest_slot(scheduled.when, after=after, until=present)
        if slot is None:
            continue
        with database.transaction(acting_for=SYSTEM) as tx:
            if after is None:
                tx.session.execute(_TAKE_SLOT, {"schedule": name, "slot": slot})
            elif fire(tx, name, scheduled.job, slot=slot) is not None:
                due.append(name)
    return due


def _present(session: Session) -> datetime:
    moment: datetime = session.execute(select(func.clock_timestamp())).scalar_one()
    return moment
