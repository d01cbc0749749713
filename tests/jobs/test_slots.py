"""The moments of the schedule: each fires once, whoever fires it, and a missed one is made up for."""

import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import pytest
from celery.schedules import crontab
from hypothesis import example, given
from hypothesis import strategies as st

from job_trials import Outbox, WriteNote, at_once, claimed, present
from jobs_inline import queued_jobs
from schedule_trials import slots
from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.database import Database
from spotify_insights.jobs.relay.relay import Relay
from spotify_insights.jobs.slots import Schedule, Scheduled, fire, fire_due, latest_slot, next_slot

NAME: Final = WriteNote.task_name
NOON: Final = datetime(2025, 11, 22, 12, tzinfo=UTC)
MINUTE: Final = timedelta(minutes=1)
EVERY_FIVE_MINUTES: Final[Schedule] = {NAME: Scheduled(WriteNote(), crontab.from_string("*/5 * * * *"))}


def fired(database: Database, slot: datetime) -> UUID | None:
    with database.transaction(acting_for=SYSTEM) as tx:
        return fire(tx, NAME, WriteNote(), slot=slot)


def done_with(database: Database) -> int:
    """Do what is queued; how many jobs that were."""
    waiting = queued_jobs(database)
    for job in waiting:
        with claimed(database, job.id).completion():
            pass
    return len(waiting)


def test_a_slot_is_fired_once(database: Database) -> None:
    job_id = fired(database, NOON)
    assert job_id is not None
    assert fired(database, NOON) is None

    assert [job.id for job in queued_jobs(database)] == [job_id]
    assert slots(database) == {(NAME, NOON): job_id}


def test_a_slot_stays_fired_after_its_job_has_ended(database: Database) -> None:
    fired(database, NOON)
    assert done_with(database) == 1

    assert fired(database, NOON) is None
    assert queued_jobs(database) == []


def test_a_slot_joins_the_job_of_the_slot_before_if_that_still_waits(database: Database) -> None:
    first = fired(database, NOON)

    assert fired(database, NOON + 5 * MINUTE) == first
    assert len(queued_jobs(database)) == 1


def test_a_slot_whose_transaction_is_rolled_back_is_still_to_be_fired(database: Database) -> None:
    with suppress(ZeroDivisionError), database.transaction(acting_for=SYSTEM) as tx:
        fire(tx, NAME, WriteNote(), slot=NOON)
        raise ZeroDivisionError

    assert fired(database, NOON) is not None


def test_a_clock_that_runs_ahead_cannot_fire_a_slot_of_the_future(database: Database) -> None:
    soon = present(database) + 2 * MINUTE

    assert fired(database, soon) is None
    assert queued_jobs(database) == []


def test_a_process_that_woke_late_does_not_fire_what_a_newer_slot_has_made_up_for(database: Database) -> None:
    assert fired(database, NOON + 5 * MINUTE) is not None

    assert fired(database, NOON) is None
    assert slots(database).keys() == {(NAME, NOON + 5 * MINUTE)}


def test_many_processes_at_once_fire_each_slot_once(database: Database) -> None:
    moments = [NOON + 5 * number * MINUTE for number in range(4)]

    def beat(barrier: threading.Barrier) -> list[bool]:
        outcome = []
        for moment in moments:
            barrier.wait()
            outcome.append(fired(database, moment) is not None)
        return outcome

    assert [sum(attempts) for attempts in zip(*at_once(6, beat), strict=True)] == [1] * len(moments)
    assert {moment for _, moment in slots(database)} == set(moments)


def beat_together(database: Database, beats: int, slot: datetime) -> None:
    def beat(barrier: threading.Barrier) -> None:
        barrier.wait()
        fired(database, slot)

    at_once(beats, beat)


@pytest.mark.parametrize("beats", [0, 1, 2])
def test_an_hour_fires_every_slot_once_with_two_beats_or_one_or_none(database: Database, beats: int) -> None:
    """A relay looks every half minute; beats fire exactly at each slot, all of them at once."""
    fire_due(database, EVERY_FIVE_MINUTES, until=NOON)
    done = 0
    for half_minute in range(121):
        moment = NOON + half_minute * MINUTE / 2
        if beats and moment > NOON and moment.minute % 5 == 0 and moment.second == 0:
            beat_together(database, beats, moment)
        fire_due(database, EVERY_FIVE_MINUTES, until=moment)
        done += done_with(database)

    assert done == 12
    assert {moment for _, moment in slots(database)} == {NOON + 5 * number * MINUTE for number in range(13)}


def test_a_new_schedule_does_not_begin_with_what_it_could_have_done_before(database: Database) -> None:
    assert fire_due(database, EVERY_FIVE_MINUTES, until=NOON + MINUTE) == []
    assert fire_due(database, EVERY_FIVE_MINUTES, until=NOON + 4 * MINUTE) == []
    assert queued_jobs(database) == []

    assert fire_due(database, EVERY_FIVE_MINUTES, until=NOON + 5 * MINUTE) == [NAME]


def test_of_several_missed_slots_the_latest_is_made_up_for(database: Database) -> None:
    fire_due(database, EVERY_FIVE_MINUTES, until=NOON)

    assert fire_due(database, EVERY_FIVE_MINUTES, until=NOON + timedelta(days=9, minutes=3)) == [NAME]
    assert (NAME, NOON + timedelta(days=9)) in slots(database)
    assert len(queued_jobs(database)) == 1


def test_a_relay_fires_due_slots_by_the_clock_of_the_database(database: Database) -> None:
    every_minute = {NAME: Scheduled(WriteNote(), crontab.from_string("* * * * *"))}
    fire_due(database, every_minute, until=present(database) - 2 * MINUTE)

    relay = Relay(database, Outbox(), schedule=every_minute)

    assert relay.fire_due_slots() == [NAME]
    assert relay.publish_due() == 1


@pytest.mark.parametrize(
    ("expression", "after", "slot"),
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
def test_the_next_slot_is_the_first_exact_minute_of_the_expression(
    expression: str, after: str, slot: str
) -> None:
    when = crontab.from_string(expression)

    assert next_slot(when, after=datetime.fromisoformat(f"{after}+00:00")) == datetime.fromisoformat(
        f"{slot}+00:00"
    )


MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  # hypothesis adds the zone


@given(st.integers(0, 23), st.integers(0, 59), MOMENTS)
def test_the_next_slot_of_a_daily_job_is_its_next_time_of_day(
    hour: int, minute: int, after: datetime
) -> None:
    today = after.replace(hour=hour, minute=minute, second=0, microsecond=0)
    slot = next_slot(crontab(minute=str(minute), hour=str(hour)), after=after)

    # Within the minute of a slot that slot has been fired.
    assert slot == (today if today > after else today + timedelta(days=1))


@given(
    st.sampled_from(["* * * * *", "*/7 * * * *", "0 2 * * *", "30 */6 * * 2", "0 3 * * 1", "0 4 1 * *"]),
    MOMENTS,
    st.timedeltas(timedelta(0), timedelta(days=800)),
)
@example("0 4 1 * *", datetime(2026, 3, 1, 4, tzinfo=UTC), timedelta(days=31))
def test_the_latest_slot_is_due_and_nothing_between_it_and_the_present_is(
    expression: str, after: datetime, distance: timedelta
) -> None:
    when, until = crontab.from_string(expression), after + distance
    slot = latest_slot(when, after=after, until=until)

    if slot is None:
        assert next_slot(when, after=after) > until
    else:
        assert after < slot <= until
        assert next_slot(when, after=slot) > until
