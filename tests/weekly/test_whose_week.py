"""Whose week is it? For every zone and moment the answer is what a calendar on the wall there would say."""

import itertools
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conftest import Servers
from spotify_insights.listening.week import Week, week_to_tell

# As PostgreSQL's manual describes its own arithmetic; it knows nothing of our code.
POSTGRES_SAYS = """
    WITH asked AS (
         SELECT zone, moment, (moment AT TIME ZONE zone)::date AS today
           FROM unnest(%(zones)s::text[], %(moments)s::timestamptz[]) AS asked (zone, moment)),
    this_week AS (
         SELECT *, today - extract(dow FROM today)::int AS sunday FROM asked),
    begun AS (
         SELECT *, sunday - CASE WHEN (sunday + time '09:00') AT TIME ZONE zone > moment THEN 7 ELSE 0 END
                AS letter_day FROM this_week)
    SELECT CASE WHEN moment - (letter_day + time '09:00') AT TIME ZONE zone <= interval '72 hours'
                THEN letter_day - 1 END
      FROM begun
"""
# Names that PostgreSQL takes for abbreviations, so that its summer is an hour off.
TAKEN_FOR_ABBREVIATIONS = {"CET", "EET", "MET", "WET"}
ZONES = sorted(available_timezones() - TAKEN_FOR_ABBREVIATIONS - {"localtime", "Factory"})
# Years in which the two copies of the IANA data agree, however old one of them is.
MOMENTS = st.datetimes(datetime(2012, 1, 15), datetime(2022, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  # the strategy adds the zone
SUNDAYS_AND_MONDAYS = st.builds(
    lambda week, seconds: datetime(2012, 1, 14, 12, tzinfo=UTC) + timedelta(weeks=week, seconds=seconds),
    st.integers(0, 500),
    st.integers(0, 3 * 86_400),
)


@pytest.fixture
def postgres(servers: Servers) -> Iterator[psycopg.Connection]:
    with psycopg.connect(servers.database_url, autocommit=True) as connection:
        yield connection


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    asked=st.lists(st.tuples(st.sampled_from(ZONES), MOMENTS | SUNDAYS_AND_MONDAYS), min_size=1, max_size=40)
)
def test_it_is_the_week_that_postgresql_works_out(
    postgres: psycopg.Connection, asked: list[tuple[str, datetime]]
) -> None:
    zones, moments = zip(*asked, strict=True)
    rows = postgres.execute(POSTGRES_SAYS, {"zones": list(zones), "moments": list(moments)}).fetchall()

    ours = [week_to_tell(zone, moment) for zone, moment in asked]

    assert [week.ends_on if week else None for week in ours] == [ends_on for (ends_on,) in rows]


@settings(max_examples=200)
@given(zone=st.sampled_from(ZONES), begin=MOMENTS, minute=st.integers(0, 59), asleep=st.integers(0, 70))
def test_whoever_looks_every_hour_misses_no_week(
    zone: str, begin: datetime, minute: int, asleep: int
) -> None:
    """Also one who sleeps for most of three days, from an hour that falls anywhere in the week."""
    looks = [begin.replace(minute=minute, second=0) + timedelta(hours=hour) for hour in range(24 * 7 * 4)]
    nap = looks[len(looks) // 2 :][: asleep + 1]

    told = {week for look in looks if look not in nap and (week := week_to_tell(zone, look)) is not None}

    weeks = sorted(told)
    assert len(weeks) >= 3
    assert all(later.before == earlier for earlier, later in itertools.pairwise(weeks))


@settings(max_examples=300)
@given(zone=st.sampled_from(ZONES), moment=MOMENTS)
def test_every_play_is_in_exactly_one_week(zone: str, moment: datetime) -> None:
    today = moment.astimezone(ZoneInfo(zone)).date()
    week = Week(today + timedelta(days=(5 - today.weekday()) % 7))

    begins, ends = week.bounds(zone)

    assert begins <= moment < ends
    assert week.before.bounds(zone)[1] == begins
    assert week.begins_on <= today <= week.ends_on


@given(zone=st.sampled_from(ZONES), moment=MOMENTS)
def test_a_week_is_told_after_it_has_ended_and_soon(zone: str, moment: datetime) -> None:
    week = week_to_tell(zone, moment)
    if week is not None:
        _, ended = week.bounds(zone)
        assert ended < moment <= ended + timedelta(hours=9 + 72 + 3)


@pytest.mark.parametrize(
    ("zone", "nine"),
    [
        ("Pacific/Kiritimati", datetime(2026, 11, 21, 19, 0, tzinfo=UTC)),
        ("Pacific/Pago_Pago", datetime(2026, 11, 22, 20, 0, tzinfo=UTC)),
        ("Asia/Kathmandu", datetime(2026, 11, 22, 3, 15, tzinfo=UTC)),
        ("Pacific/Chatham", datetime(2026, 11, 21, 19, 15, tzinfo=UTC)),
        ("America/New_York", datetime(2026, 11, 22, 14, 0, tzinfo=UTC)),
        ("Asia/Kolkata", datetime(2026, 11, 22, 3, 30, tzinfo=UTC)),
    ],
)
def test_a_letter_is_due_from_nine_on_sunday_for_three_days(zone: str, nine: datetime) -> None:
    second = timedelta(seconds=1)
    week, before = Week(date(2026, 11, 21)), None

    assert week_to_tell(zone, nine - second) is before
    assert week_to_tell(zone, nine) == week
    assert week_to_tell(zone, nine + timedelta(hours=72)) == week
    assert week_to_tell(zone, nine + timedelta(hours=72) + second) is None


@pytest.mark.parametrize(
    ("zone", "saturday", "hours"),
    [
        # The clock changes on a Sunday at two: in the last hours of no week, in the first of the next.
        ("Europe/Berlin", date(2026, 4, 4), 167),
        ("Europe/Berlin", date(2026, 10, 31), 169),
        ("Australia/Lord_Howe", date(2026, 4, 11), 168.5),
        # Midnight itself is skipped, and comes twice.
        ("America/Havana", date(2025, 3, 15), 167),
        ("America/Havana", date(2025, 11, 8), 169),
        # Known by name only where the zones come from the IANA data.
        ("CET", date(2026, 4, 4), 167),
    ],
)
def test_a_week_is_as_long_as_its_days_are(zone: str, saturday: date, hours: float) -> None:
    begins, ends = Week(saturday).bounds(zone)
    assert ends - begins == timedelta(hours=hours)


def test_a_week_ends_on_a_saturday_and_no_other_day() -> None:
    with pytest.raises(ValueError, match="ends on a Saturday"):
        Week(date(2026, 11, 22))
