"""Which days a snapshot of a calendar range is about, by a calendar on the wall."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotify_insights.errors import InvalidInputError
from spotify_insights.listening.calendar_period import calendar_period, day_end, local_day, settled_day
from spotify_insights.listening.time_range import DAILY_RANGES, CalendarRange
from spotify_insights.listening.week import Week

MONTH, YEAR, ALL_TIME = DAILY_RANGES
# Zones whose days begin at a midnight that is there once: the naive reckoning below knows no others.
ZONES = st.sampled_from(
    ["UTC", "Europe/Berlin", "America/New_York", "Pacific/Auckland", "Pacific/Honolulu", "Asia/Kathmandu"]
)
DAYS = st.dates(date(2012, 1, 1), date(2030, 12, 31))


def midnight(day: date, zone: str) -> int:
    return int(datetime.combine(day, time(), tzinfo=ZoneInfo(zone)).timestamp())


@pytest.mark.parametrize(
    ("time_range", "day", "first", "before"),
    [
        (MONTH, date(2026, 10, 12), date(2026, 10, 1), (date(2026, 9, 1), date(2026, 9, 12))),
        (MONTH, date(2026, 10, 31), date(2026, 10, 1), (date(2026, 9, 1), date(2026, 9, 30))),
        (MONTH, date(2026, 3, 1), date(2026, 3, 1), (date(2026, 2, 1), date(2026, 2, 1))),
        (YEAR, date(2024, 2, 29), date(2024, 1, 1), (date(2023, 1, 1), date(2023, 3, 1))),
        (YEAR, date(2024, 12, 31), date(2024, 1, 1), (date(2023, 1, 1), date(2023, 12, 31))),
        (CalendarRange.WEEK, date(2026, 11, 21), date(2026, 11, 15), (date(2026, 11, 8), date(2026, 11, 14))),
    ],
)
def test_a_range_goes_from_its_beginning_to_the_day_and_is_compared_with_as_much_before(
    time_range: CalendarRange, day: date, first: date, before: tuple[date, date]
) -> None:
    period = calendar_period(time_range, day, timezone="Europe/Berlin")

    assert (period.first_day, period.last_day) == (first, day)
    assert (period.since, period.until) == (
        midnight(first, "Europe/Berlin"),
        midnight(day + timedelta(days=1), "Europe/Berlin"),
    )
    assert period.before is not None
    assert (period.before.first_day, period.before.last_day) == before
    assert (period.before.since, period.before.until) == (
        midnight(before[0], "Europe/Berlin"),
        midnight(before[1] + timedelta(days=1), "Europe/Berlin"),
    )


def test_what_it_is_compared_with_are_whole_days_where_an_hour_before_midnight_comes_twice() -> None:
    """In São Paulo the clock went back at the end of 17 February 2018, from 24 to 23 o'clock."""
    period = calendar_period(MONTH, date(2018, 3, 17), timezone="America/Sao_Paulo")

    assert period.before is not None
    assert datetime.fromtimestamp(period.before.until, UTC) == datetime(2018, 2, 18, 3, tzinfo=UTC)


def test_all_time_has_nothing_before_it() -> None:
    period = calendar_period(ALL_TIME, date(2026, 10, 12), timezone="Pacific/Auckland")

    assert (period.last_day, period.before) == (date(2026, 10, 12), None)
    assert period.until == midnight(date(2026, 10, 13), "Pacific/Auckland")


@given(zone=ZONES, day=DAYS, time_range=st.sampled_from(DAILY_RANGES))
def test_every_day_ends_with_itself_in_every_zone(zone: str, day: date, time_range: CalendarRange) -> None:
    period = calendar_period(time_range, day, timezone=zone)

    assert period.last_day == day
    assert (
        period.until
        == midnight(day + timedelta(days=1), zone)
        == int(day_end(day, timezone=zone).timestamp())
    )


@given(zone=ZONES, day=DAYS)
def test_a_week_is_the_one_of_the_letter(zone: str, day: date) -> None:
    week = Week(day + timedelta(days=(5 - day.weekday()) % 7))

    period = calendar_period(CalendarRange.WEEK, week.ends_on, timezone=zone)

    def bounds(of: Week) -> tuple[int, int]:
        begins, ends = of.bounds(zone)
        return int(begins.timestamp()), int(ends.timestamp())

    assert (period.since, period.until) == bounds(week)
    assert period.before is not None
    assert (period.before.since, period.before.until) == bounds(week.before)


@given(zone=ZONES, moment=st.datetimes(datetime(2012, 1, 2), datetime(2030, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001  # the strategy adds the zone
def test_a_day_is_settled_six_hours_after_its_end(zone: str, moment: datetime) -> None:
    day = settled_day(zone, moment)

    assert day_end(day, timezone=zone) + timedelta(hours=6) <= moment.replace(microsecond=0) + timedelta(
        seconds=1
    )
    assert day_end(day + timedelta(days=1), timezone=zone) + timedelta(hours=6) > moment
    assert local_day(zone, moment) == moment.astimezone(ZoneInfo(zone)).date()


def test_at_one_moment_the_settled_day_is_another_in_auckland_and_in_honolulu() -> None:
    # 17 October, 07:00 in Auckland; 16 October, 08:00 in Honolulu.
    moment = datetime(2026, 10, 16, 18, tzinfo=UTC)

    assert settled_day("Pacific/Auckland", moment) == date(2026, 10, 16)
    assert settled_day("Pacific/Honolulu", moment) == date(2026, 10, 15)


def test_a_zone_that_nobody_knows_is_refused() -> None:
    with pytest.raises(InvalidInputError):
        settled_day("Mars/Olympus_Mons", datetime(2026, 10, 16, tzinfo=UTC))
