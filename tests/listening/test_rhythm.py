"""Hours, weekdays and the circular mean of plays on the listener's own clock."""

import math
import random
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotify_insights.errors import InvalidInputError
from spotify_insights.listening.rhythm import listening_rhythm
from spotify_insights.listening.snapshot import Rhythm

SEVEN_YEARS = 7 * 365 * 86_400 * 1000
MOMENTS = st.integers(min_value=0, max_value=SEVEN_YEARS).map(
    lambda milliseconds: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
)
PLAYS = st.lists(MOMENTS, min_size=1, max_size=40)
ZONES = st.sampled_from(
    ["UTC", "Europe/Berlin", "Asia/Kolkata", "Asia/Kathmandu", "America/St_Johns", "Australia/Lord_Howe"]
)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def rhythm_of(plays: list[datetime], timezone: str) -> Rhythm:
    rhythm = listening_rhythm(plays, timezone=timezone)
    assert rhythm is not None
    return rhythm


def busy_hours(rhythm: Rhythm) -> dict[int, float]:
    return {hour: share for hour, share in enumerate(rhythm.hours) if share}


def busy_weekdays(rhythm: Rhythm) -> dict[int, float]:
    return {weekday: share for weekday, share in enumerate(rhythm.weekdays) if share}


def every_ten_minutes(start: datetime, end: datetime) -> list[datetime]:
    count = (end - start) // timedelta(minutes=10)
    return [start + index * timedelta(minutes=10) for index in range(count)]


def test_no_plays_have_no_rhythm() -> None:
    assert listening_rhythm([], timezone="Europe/Berlin") is None


def test_hours_count_from_midnight_and_weekdays_from_monday() -> None:
    # 5 January 2026 was a Monday, the 11th a Sunday.
    rhythm = rhythm_of(
        [utc("2026-01-05T00:10"), utc("2026-01-05T00:50"), utc("2026-01-05T08:00"), utc("2026-01-11T23:59")],
        "UTC",
    )
    assert busy_hours(rhythm) == {0: 2 / 4, 8: 1 / 4, 23: 1 / 4}
    assert busy_weekdays(rhythm) == {0: 3 / 4, 6: 1 / 4}
    assert (len(rhythm.hours), len(rhythm.weekdays)) == (24, 7)
    assert (rhythm.plays, rhythm.days) == (4, 2)
    assert rhythm.first_play_at == utc("2026-01-05T00:10")
    assert rhythm.last_play_at == utc("2026-01-11T23:59")


def test_the_day_is_the_listeners_day() -> None:
    # Sunday 23:30 in UTC is Monday 00:30 in Berlin's winter, and Sunday 18:30 in New York.
    sunday_evening = [utc("2026-01-04T23:30")]
    assert busy_weekdays(rhythm_of(sunday_evening, "Europe/Berlin")) == {0: 1}
    assert busy_hours(rhythm_of(sunday_evening, "Europe/Berlin")) == {0: 1}
    assert busy_weekdays(rhythm_of(sunday_evening, "America/New_York")) == {6: 1}
    assert busy_hours(rhythm_of(sunday_evening, "America/New_York")) == {18: 1}


def test_the_hour_that_spring_skips_stays_empty() -> None:
    # 29 March 2026 in Berlin: 23 hours, from 23:00 UTC (UTC+1) to 22:00 UTC (UTC+2); 3:00 follows 1:59.
    day = every_ten_minutes(utc("2026-03-28T23:00"), utc("2026-03-29T22:00"))
    rhythm = rhythm_of(day, "Europe/Berlin")
    assert len(day) == 23 * 6
    assert busy_hours(rhythm) == {hour: pytest.approx(1 / 23) for hour in range(24) if hour != 2}
    assert (rhythm.days, busy_weekdays(rhythm)) == (1, {6: 1})


def test_the_two_sides_of_the_spring_change_are_an_hour_apart_on_the_clock() -> None:
    around = [utc("2026-03-29T00:59"), utc("2026-03-29T01:00")]
    assert busy_hours(rhythm_of(around, "Europe/Berlin")) == {1: 0.5, 3: 0.5}


def test_the_hour_that_autumn_repeats_holds_both_of_its_passages() -> None:
    # 25 October 2026 in Berlin: 25 hours, from 22:00 UTC (UTC+2) to 23:00 UTC (UTC+1); 2:00 to 3:00 twice.
    day = every_ten_minutes(utc("2026-10-24T22:00"), utc("2026-10-25T23:00"))
    rhythm = rhythm_of(day, "Europe/Berlin")
    assert len(day) == 25 * 6
    assert busy_hours(rhythm) == {hour: pytest.approx((2 if hour == 2 else 1) / 25) for hour in range(24)}
    assert (rhythm.days, busy_weekdays(rhythm)) == (1, {6: 1})


def test_first_and_last_follow_time_and_not_the_wall_clock_that_was_turned_back() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    # 02:45 before the clock went back (00:45 UTC), 02:15 after it (01:15 UTC).
    earlier = datetime(2026, 10, 25, 2, 45, tzinfo=berlin, fold=0)
    later = datetime(2026, 10, 25, 2, 15, tzinfo=berlin, fold=1)
    rhythm = rhythm_of([later, earlier], "Europe/Berlin")
    assert rhythm.first_play_at == utc("2026-10-25T00:45")
    assert rhythm.last_play_at == utc("2026-10-25T01:15")


@pytest.mark.parametrize(
    ("zone", "moment", "hour", "minute"),
    [
        ("Asia/Kolkata", "2026-07-01T18:45", 0, 15),  # UTC+5:30
        ("Asia/Kathmandu", "2026-07-01T18:00", 23, 45),  # UTC+5:45
        ("America/St_Johns", "2026-01-01T03:20", 23, 50),  # UTC-3:30 in winter
        ("Australia/Lord_Howe", "2026-01-01T01:10", 12, 10),  # UTC+11 in summer
        ("Australia/Lord_Howe", "2026-07-01T01:10", 11, 40),  # UTC+10:30: summer time is half an hour
    ],
)
def test_zones_with_odd_offsets_are_read_to_the_minute(
    zone: str, moment: str, hour: int, minute: int
) -> None:
    rhythm = rhythm_of([utc(moment)], zone)
    assert busy_hours(rhythm) == {hour: 1}
    assert rhythm.mean_hour == pytest.approx(hour + minute / 60)


def test_the_mean_of_an_hour_before_and_an_hour_after_midnight_is_midnight() -> None:
    rhythm = rhythm_of([utc("2026-01-05T23:00"), utc("2026-01-06T01:00")], "UTC")
    assert min(rhythm.mean_hour, 24 - rhythm.mean_hour) == pytest.approx(0, abs=1e-9)
    # One hour is 15 degrees of the circle, and the components across cancel out.
    assert rhythm.concentration == pytest.approx(math.cos(math.radians(15)))


def test_the_mean_of_three_plays_by_hand() -> None:
    rhythm = rhythm_of([utc("2026-01-05T06:00"), utc("2026-01-05T12:00"), utc("2026-01-06T12:00")], "UTC")
    # 6:00 is (0, 1) and 12:00 is (-1, 0): the sum is (-2, 1), as long as the root of 5.
    assert rhythm.concentration == pytest.approx(math.sqrt(5) / 3)
    # From 12:00 the direction leans back towards 6:00 by the arc tangent of 1/2.
    assert rhythm.mean_hour == pytest.approx(12 - math.degrees(math.atan(1 / 2)) / 15)


def test_plays_always_at_the_same_time_are_wholly_concentrated() -> None:
    rhythm = rhythm_of([utc(f"2026-01-{day:02}T21:36") for day in range(1, 29)], "UTC")
    assert rhythm.mean_hour == pytest.approx(21.6)
    assert rhythm.concentration == pytest.approx(1)


@pytest.mark.parametrize("hours", [(6, 18), (1, 9, 17), (0, 6, 12, 18), tuple(range(24))])
def test_plays_that_cancel_out_have_no_mean_hour(hours: tuple[int, ...]) -> None:
    rhythm = rhythm_of([utc(f"2026-01-05T{hour:02}:20") for hour in hours], "UTC")
    assert (rhythm.mean_hour, rhythm.concentration) == (0, 0)


def test_the_same_moments_in_other_zones_are_the_same_plays() -> None:
    plays = [utc("2026-01-05T23:00"), utc("2026-04-06T01:00")]
    elsewhere = [moment.astimezone(timezone(timedelta(hours=-7))) for moment in plays]
    assert rhythm_of(elsewhere, "Europe/Berlin").model_dump_json() == (
        rhythm_of(plays, "Europe/Berlin").model_dump_json()
    )


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../etc/passwd", "America", "Europe/Berlin/"])
@pytest.mark.parametrize("plays", [[], [datetime(2026, 1, 5, tzinfo=UTC)]])
def test_an_unknown_zone_is_refused_with_or_without_plays(zone: str, plays: list[datetime]) -> None:
    with pytest.raises(InvalidInputError, match="is not a time zone we know") as refusal:
        listening_rhythm(plays, timezone=zone)
    assert refusal.value.field == "timezone"


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="without a time zone"):
        listening_rhythm([utc("2026-01-05T23:00"), datetime(2026, 1, 5)], timezone="UTC")  # noqa: DTZ001 - the mistake under test


@given(PLAYS, ZONES)
def test_shares_add_up_to_one_and_figures_stay_in_bounds(plays: list[datetime], zone: str) -> None:
    rhythm = rhythm_of(plays, zone)
    assert math.fsum(rhythm.hours) == pytest.approx(1, abs=1e-12)
    assert math.fsum(rhythm.weekdays) == pytest.approx(1, abs=1e-12)
    assert all(0 <= share <= 1 for share in rhythm.hours + rhythm.weekdays)
    assert 0 <= rhythm.mean_hour < 24
    assert 0 <= rhythm.concentration <= 1
    assert 1 <= rhythm.days <= rhythm.plays == len(plays)
    assert rhythm.first_play_at <= rhythm.last_play_at


@given(PLAYS, ZONES, st.randoms(use_true_random=False))
def test_the_order_of_the_plays_does_not_change_a_digit(
    plays: list[datetime], zone: str, shuffler: random.Random
) -> None:
    assert rhythm_of(shuffler.sample(plays, len(plays)), zone) == rhythm_of(plays, zone)


@given(PLAYS, st.integers(min_value=-400, max_value=400))
def test_moving_every_play_by_whole_days_moves_no_hour(plays: list[datetime], days: int) -> None:
    before = rhythm_of(plays, "UTC")
    after = rhythm_of([moment + timedelta(days=days) for moment in plays], "UTC")
    assert (after.hours, after.mean_hour, after.concentration) == (
        before.hours,
        before.mean_hour,
        before.concentration,
    )
    # Weekdays turn round by as many places.
    assert after.weekdays == tuple(before.weekdays[(weekday - days) % 7] for weekday in range(7))


@given(PLAYS, ZONES, st.integers(min_value=2, max_value=4))
def test_repeating_every_play_moves_no_share(plays: list[datetime], zone: str, copies: int) -> None:
    before, after = rhythm_of(plays, zone), rhythm_of(plays * copies, zone)
    assert after.hours == pytest.approx(before.hours)
    assert after.weekdays == pytest.approx(before.weekdays)
    assert after.concentration == pytest.approx(before.concentration, abs=1e-6)
    assert (after.days, after.plays) == (before.days, before.plays * copies)
