"""The listener's clock and calendar over every kind of clock change."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from small_histories import Row, a_history, days, utc
from spotify_insights.errors import InvalidInputError
from spotify_insights.listening.analytics.buckets import Bucket
from spotify_insights.listening.analytics.clock import clock
from spotify_insights.listening.analytics.local_time import (
    day_at,
    day_begins,
    day_number,
    day_of,
    local_seconds,
)
from spotify_insights.listening.analytics.timeline import timeline

ZONES = [
    "UTC", "Europe/Berlin", "Pacific/Auckland", "Pacific/Honolulu", "Australia/Lord_Howe", "Pacific/Apia",
    "America/Sao_Paulo", "America/St_Johns", "Africa/Casablanca", "Asia/Kathmandu", "Asia/Tehran",
]  # fmt: skip
MOMENTS = st.integers(int(utc("1999-06-01").timestamp()), int(utc("2031-01-01").timestamp()))


def begin(day: str, zone: str) -> datetime:
    number = np.array([day_number(date.fromisoformat(day))], dtype=np.int64)
    return datetime.fromtimestamp(int(day_begins(number, zone)[0]), UTC)


@given(moments=st.lists(MOMENTS, min_size=1, max_size=30), zone=st.sampled_from(ZONES))
def test_wall_clocks_are_those_of_the_iana_database(moments: list[int], zone: str) -> None:
    moments.sort()
    wall = [datetime.fromtimestamp(moment, ZoneInfo(zone)).replace(tzinfo=UTC) for moment in moments]
    assert local_seconds(np.array(moments, dtype=np.int64), zone).tolist() == [
        int(moment.timestamp()) for moment in wall
    ]


@settings(max_examples=25)  # by the minute, it takes a while
@given(day=st.dates(date(2000, 1, 3), date(2030, 12, 30)), zone=st.sampled_from(ZONES))
def test_a_day_begins_with_the_first_moment_of_its_date_or_a_later_one(day: date, zone: str) -> None:
    # By hand: from two days before, every quarter of an hour, which all these changes keep to; and a minute
    # past midnight in St. John's, where the clock went back at 0:01 until 2011.
    moment = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(days=2)
    steps = (moment + minutes * timedelta(minutes=1) for minutes in range(4 * 24 * 60))
    expected = next(step for step in steps if step.astimezone(ZoneInfo(zone)).date() >= day)
    assert begin(day.isoformat(), zone) == expected


@given(moment=MOMENTS, zone=st.sampled_from(ZONES))
def test_every_moment_lies_in_one_day(moment: int, zone: str) -> None:
    day = day_at(moment, zone)
    first, after = day_begins(np.array([day, day + 1], dtype=np.int64), zone)
    assert first <= moment < after


def test_days_are_as_long_as_the_clock_makes_them() -> None:
    def hours(day: str, zone: str) -> float:
        after = day_of(day_number(date.fromisoformat(day)) + 1).isoformat()
        return (begin(after, zone) - begin(day, zone)) / timedelta(hours=1)

    # Auckland goes back on the first Sunday in April and forward on the last one in September.
    assert [hours(day, "Pacific/Auckland") for day in ("2026-04-04", "2026-04-05", "2026-09-27")] == [
        24,
        25,
        23,
    ]
    # Lord Howe changes by half an hour, on the first Sundays in April and October.
    assert [hours(day, "Australia/Lord_Howe") for day in ("2026-04-05", "2026-10-04")] == [24.5, 23.5]
    assert hours("2026-04-05", "Pacific/Honolulu") == 24
    # Apia left out 30 December 2011 when it changed sides of the date line.
    assert [hours(f"2011-12-{day}", "Pacific/Apia") for day in (29, 30, 31)] == [24, 0, 24]
    # São Paulo skipped midnight on 4 November 2018: the day began at 1:00, three hours behind UTC before.
    assert hours("2018-11-04", "America/Sao_Paulo") == 23
    assert begin("2018-11-04", "America/Sao_Paulo") == utc("2018-11-04T03:00")
    # On 18 February 2018 it had been midnight twice there, at the end of the 17th: 23:00 came again instead.
    assert hours("2018-02-17", "America/Sao_Paulo") == 25


def test_the_first_of_two_midnights_begins_the_day() -> None:
    # St. John's, 7 November 2010: 0:01 became 23:01 of the 6th. Summer time is 2:30 behind UTC.
    assert begin("2010-11-07", "America/St_Johns") == utc("2010-11-07T02:30")
    at_second_2330 = int(utc("2010-11-07T03:00").timestamp())
    assert datetime.fromtimestamp(at_second_2330, ZoneInfo("America/St_Johns")).date() == date(2010, 11, 6)
    assert day_of(day_at(at_second_2330, "America/St_Johns")) == date(2010, 11, 7)


def test_each_listener_has_their_own_days() -> None:
    # 10:30 UTC on 28 December is 23:30 in Auckland (+13), 0:30 on the 28th in Honolulu (-10), 21:30 on Lord
    # Howe (+11 in summer). 12 hours later it is 11:30 on the 29th, 12:30 on the 28th, 9:30 on the 29th.
    history = a_history([Row(utc("2025-12-28T10:30")), Row(utc("2025-12-28T22:30"))])

    def by_day(zone: str) -> list[int]:
        return list(timeline(history, days("2025-12-27", "2025-12-29", zone), Bucket.DAY).plays)

    assert by_day("Pacific/Auckland") == [0, 1, 1]
    assert by_day("Pacific/Honolulu") == [0, 2, 0]
    assert by_day("Australia/Lord_Howe") == [0, 1, 1]
    # One hour earlier the first play is still of the 27th in Honolulu.
    earlier = a_history([Row(utc("2025-12-28T09:30"))])
    assert timeline(earlier, days("2025-12-27", "2025-12-28", "Pacific/Honolulu"), Bucket.DAY).plays == (1, 0)


def test_apia_shows_no_day_that_it_left_out() -> None:
    # 9:30 UTC on the 30th is 23:30 on the 29th (-10); half an hour later it is 0:00 on the 31st (+14).
    history = a_history([Row(utc("2011-12-30T09:30")), Row(utc("2011-12-30T10:00"))])
    period = days("2011-12-29", "2011-12-31", "Pacific/Apia")
    by_day = timeline(history, period, Bucket.DAY)
    assert by_day.starts == (date(2011, 12, 29), date(2011, 12, 31))
    assert by_day.plays == (1, 1)
    # The day by itself is an empty stretch of time.
    assert timeline(history, days("2011-12-30", "2011-12-30", "Pacific/Apia"), Bucket.DAY).starts == ()
    shown = clock(history, period)
    # 29 December 2011 was a Thursday, the 31st a Saturday.
    assert (shown.plays[3][23], shown.plays[5][0]) == (1, 1)


def test_lord_howe_has_half_an_hour_twice() -> None:
    # On 5 April 2026 at 2:00 (+11) it became 1:30 (+10:30): 14:45 UTC on the 4th and 15:15 are both 1:45.
    history = a_history([Row(utc("2026-04-04T14:45")), Row(utc("2026-04-04T15:15"))])
    period = days("2026-04-05", "2026-04-05", "Australia/Lord_Howe", now="2026-05-01T00:00")
    shown = clock(history, period)
    assert shown.plays[6][1] == 2
    assert shown.mean_hour == pytest.approx(1.75)


def test_months_and_weeks_follow_each_other_without_gap() -> None:
    history = a_history([Row(utc("2026-01-01T00:30") + hour * timedelta(hours=1)) for hour in range(24 * 59)])
    for zone in ZONES:
        for bucket in Bucket:
            shown = timeline(history, days("2025-12-30", "2026-03-01", zone), bucket)
            assert sum(shown.plays) == 24 * 59
            assert all(one < other for one, other in pairwise(shown.starts))


def test_an_unknown_zone_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="not a time zone"):
        local_seconds(np.array([0], dtype=np.int64), "Mars/Olympus")
