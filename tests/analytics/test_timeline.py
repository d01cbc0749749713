"""Plays by day, week, month and year, and days in a row."""

from collections import Counter
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from small_histories import MINUTE, Row, Song, a_history, all_time, days, small_histories, utc
from spotify_insights.listening.analytics.buckets import Bucket, bucket_start, next_bucket_start
from spotify_insights.listening.analytics.play_rule import Counting, PlayRule
from spotify_insights.listening.analytics.streaks import Streak, streaks
from spotify_insights.listening.analytics.timeline import timeline

ZONES = st.sampled_from(["UTC", "Pacific/Auckland", "Pacific/Honolulu", "Australia/Lord_Howe"])
EVERYTHING = Counting(PlayRule.ALL, private_sessions=True)


@given(small_histories(), st.sampled_from(Bucket), ZONES)
def test_buckets_count_what_a_calendar_counts(
    given: tuple[list[Row], list[Song]], bucket: Bucket, zone: str
) -> None:
    rows, songs = given
    first, last = date(2026, 1, 14), date(2026, 2, 20)
    local = [(row, row.at.astimezone(ZoneInfo(zone)).date()) for row in rows]
    inside = [(row, bucket_start(day, bucket)) for row, day in local if first <= day <= last]
    plays = Counter(start for _, start in inside)
    shown = timeline(a_history(rows, songs), days("2026-01-14", "2026-02-20", zone), bucket, EVERYTHING)
    expected = []
    start = bucket_start(first, bucket)
    while start <= last:
        expected.append(start)
        start = next_bucket_start(start, bucket)
    assert shown.starts == tuple(expected)
    assert shown.plays == tuple(plays[start] for start in expected)
    assert shown.ms == tuple(sum(row.ms or 0 for row, at in inside if at == start) for start in expected)
    assert shown.plays_without_ms == sum(row.ms is None for row, _ in inside)


@pytest.mark.parametrize(
    ("bucket", "starts", "plays"),
    [
        (Bucket.WEEK, ["2025-12-29", "2026-01-05", "2026-01-12"], (2, 0, 1)),
        (Bucket.MONTH, ["2025-12-01", "2026-01-01"], (1, 2)),
        (Bucket.YEAR, ["2025-01-01", "2026-01-01"], (1, 2)),
    ],
)
def test_empty_buckets_are_there(bucket: Bucket, starts: list[str], plays: tuple[int, ...]) -> None:
    # A Wednesday, the Thursday after it, and a Monday two weeks on.
    history = a_history(
        [Row(utc(f"{day}T12:00"), ms=MINUTE) for day in ("2025-12-31", "2026-01-01", "2026-01-12")]
    )
    shown = timeline(history, all_time(now="2026-01-13T12:00"), bucket)
    assert shown.starts == tuple(map(date.fromisoformat, starts))
    assert shown.plays == plays


def on_days(*numbers: int, hour: int = 12) -> list[Row]:
    return [Row(utc("2026-01-01T00:00") + timedelta(days=number - 1, hours=hour)) for number in numbers]


def test_streaks_by_hand() -> None:
    history = a_history(on_days(1, 2, 3, 5, 6, 8, 9, 10))
    # Today is the 10th: three days up to today; the first three are the first of the longest.
    shown = streaks(history, all_time(now="2026-01-10T23:00"))
    assert shown.longest == Streak(3, date(2026, 1, 1), date(2026, 1, 3))
    assert shown.current == Streak(3, date(2026, 1, 8), date(2026, 1, 10))


@pytest.mark.parametrize(("now", "lasting"), [("10T23", 3), ("11T23", 3), ("12T00", None)])
def test_a_streak_lasts_until_a_day_without_music_is_over(now: str, lasting: int | None) -> None:
    history = a_history(on_days(1, 2, 8, 9, 10))
    period = days("2026-01-09", "2026-01-31", now=f"2026-01-{now}:30")
    current = streaks(history, period).current
    assert (current.days if current else None) == lasting


def test_a_current_streak_may_be_older_than_the_period_and_the_look_back() -> None:
    history = a_history([Row(utc("2025-01-01T12:00") + timedelta(days=day)) for day in range(400)])
    shown = streaks(history, days("2026-02-01", "2026-02-04", now="2026-02-05T12:00"))
    assert shown.longest is not None
    assert shown.longest.days == 4
    assert shown.current == Streak(400, date(2025, 1, 1), date(2026, 2, 4))


def test_a_past_period_ends_with_its_own_streak() -> None:
    history = a_history(on_days(1, 2, 3, 4, 8))
    shown = streaks(history, days("2026-01-02", "2026-01-03"))
    assert shown.current == Streak(3, date(2026, 1, 1), date(2026, 1, 3))
    assert streaks(history, days("2026-01-04", "2026-01-06")).current is None


def test_streaks_are_of_the_listeners_days() -> None:
    # 10:30 UTC each day is 23:30 in Auckland; on the 4th of three days it is a minute past midnight there.
    rows = [Row(utc(f"2026-01-0{day}T10:30")) for day in (1, 2)] + [Row(utc("2026-01-03T11:01"))]
    assert [
        longest.days
        for zone in ("UTC", "Pacific/Auckland")
        if (longest := streaks(a_history(rows), all_time(zone)).longest) is not None
    ] == [3, 2]


@pytest.mark.parametrize("last", ["2011-12-30", "2011-12-31", "2012-01-15"])
def test_a_day_that_was_left_out_breaks_no_streak(last: str) -> None:
    # Apia went from 29 to 31 December 2011 at 10:00 UTC on the 30th, from ten hours behind UTC to fourteen
    # ahead of it. Noon there was at 22:00 UTC of the same day, and is at 22:00 UTC of the day before.
    before, after = (utc(f"{day}T22:00") for day in ("2011-12-01", "2011-12-30"))
    rows = [Row(before + timedelta(days=day)) for day in range(29)]
    rows += [Row(after + timedelta(days=day)) for day in range(16)]
    shown = streaks(a_history(rows), days("2011-12-28", last, "Pacific/Apia"))
    # The days from 1 December on, without the 30th; the look back over 32 days begins on different ones.
    lasting = {"2011-12-30": 29, "2011-12-31": 30, "2012-01-15": 45}[last]
    last_active = date(2011, 12, 29) if last == "2011-12-30" else date.fromisoformat(last)
    assert shown.current == Streak(lasting, date(2011, 12, 1), last_active)
    assert shown.longest == Streak(lasting - 27, date(2011, 12, 28), last_active)


def test_a_look_back_that_begins_on_a_day_that_was_left_out_goes_on() -> None:
    rows = [Row(utc("2011-12-29T22:00"))] + [
        Row(utc("2011-12-30T22:00") + timedelta(days=day)) for day in range(31)
    ]
    # 32 days up to 30 January begin on 30 December.
    shown = streaks(a_history(rows), days("2012-01-29", "2012-01-30", "Pacific/Apia"))
    assert shown.current == Streak(32, date(2011, 12, 29), date(2012, 1, 30))


@given(small_histories())
def test_the_longest_streak_is_that_of_a_loop(given: tuple[list[Row], list[Song]]) -> None:
    rows, songs = given
    active = {row.at.date() for row in rows}
    longest = 0
    for day in active:
        length = 0
        while day + timedelta(days=length) in active:
            length += 1
        longest = max(longest, length)
    found = streaks(a_history(rows, songs), all_time(), EVERYTHING).longest
    assert (found.days if found else 0) == longest
