"""Hours, weekdays and parts of the day."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from small_histories import MINUTE, Row, Song, a_history, all_time, small_histories, utc
from spotify_insights.listening.analytics.clock import PartOfDay, clock
from spotify_insights.listening.analytics.columns import HistoryColumns
from spotify_insights.listening.analytics.evidence import Missing
from spotify_insights.listening.analytics.play_rule import Counting, PlayRule
from spotify_insights.listening.analytics.wall_clock import DayPart
from spotify_insights.listening.rhythm import listening_rhythm

ZONES = st.sampled_from(
    ["UTC", "Europe/Berlin", "Pacific/Auckland", "Pacific/Honolulu", "Australia/Lord_Howe"]
)
EVERYTHING = Counting(PlayRule.ALL, private_sessions=True)


@given(small_histories(), ZONES)
def test_the_clock_is_that_of_a_snapshot(given: tuple[list[Row], list[Song]], zone: str) -> None:
    rows, songs = given
    shown = clock(a_history(rows, songs), all_time(zone), EVERYTHING)
    expected = listening_rhythm([row.at for row in rows], timezone=zone)
    if expected is None:
        assert shown.mean_hour is shown.concentration is None
        return
    hours = [sum(column) / len(rows) for column in zip(*shown.plays, strict=True)]
    assert hours == pytest.approx(list(expected.hours))
    assert [sum(row) / len(rows) for row in shown.plays] == pytest.approx(list(expected.weekdays))
    assert shown.concentration == pytest.approx(expected.concentration, abs=1e-9)
    if shown.mean_hour is not None and expected.concentration > 1e-3:
        assert shown.mean_hour == pytest.approx(expected.mean_hour, abs=1e-6)
    assert sum(map(sum, shown.ms)) == sum(row.ms or 0 for row in rows)
    assert shown.plays_without_ms == sum(row.ms is None for row in rows)


@given(moments=st.lists(st.integers(0, 86_400 * 3000), min_size=1, max_size=20), zone=ZONES)
def test_clocks_go_over_every_change_of_ten_years(moments: list[int], zone: str) -> None:
    rows = [Row(utc("2016-03-01T00:00") + timedelta(seconds=moment)) for moment in moments]
    shown = clock(a_history(rows), all_time(zone))
    expected = listening_rhythm([row.at for row in rows], timezone=zone)
    assert expected is not None
    hours = [sum(column) / len(rows) for column in zip(*shown.plays, strict=True)]
    assert hours == pytest.approx(list(expected.hours))


def test_before_and_after_midnight_have_midnight_as_their_mean() -> None:
    # 23:00 and 1:00 are 15 degrees from midnight on either side: the mean vector has the length cos 15.
    shown = clock(a_history([Row(utc("2026-01-05T23:00")), Row(utc("2026-01-06T01:00"))]), all_time())
    assert shown.mean_hour == pytest.approx(0, abs=1e-9) or shown.mean_hour == pytest.approx(24)
    assert shown.concentration == pytest.approx(0.9659258262890683)
    # Monday and Tuesday.
    assert (shown.plays[0][23], shown.plays[1][1]) == (1, 1)


def test_opposite_hours_have_no_mean() -> None:
    shown = clock(a_history([Row(utc("2026-01-05T06:00")), Row(utc("2026-01-05T18:00"))]), all_time())
    assert (shown.mean_hour, shown.concentration) == (None, 0)


def test_parts_meet_at_full_hours() -> None:
    borders = [
        "05:59",
        "06:00",
        "09:59",
        "10:00",
        "13:59",
        "14:00",
        "17:59",
        "18:00",
        "22:59",
        "23:00",
        "00:00",
    ]
    history = a_history([Row(utc(f"2026-01-05T{border}"), ms=MINUTE) for border in borders])
    parts = {part.part: part for part in clock(history, all_time()).parts}
    assert {part.value: parts[part].plays for part in DayPart} == {
        "morning": 2, "midday": 2, "afternoon": 2, "evening": 2, "night": 3
    }  # fmt: skip
    assert parts[DayPart.NIGHT].ms == 3 * MINUTE
    assert parts[DayPart.NIGHT].share == pytest.approx(3 / 11)


def twelve_by_night(songs: list[Song]) -> HistoryColumns:
    """The first twelve songs once in the morning, the others once at night."""
    hours = [8 if index < 12 else 2 for index in range(len(songs))]
    return a_history(
        [Row(datetime(2026, 1, 5, hour, index, tzinfo=UTC), track=index) for index, hour in enumerate(hours)],
        songs,
    )


def part(history: HistoryColumns, name: DayPart) -> PartOfDay:
    return next(each for each in clock(history, all_time()).parts if each.part is name)


def test_deviations_by_hand() -> None:
    songs = [Song(features={"energy": 0.75, "tempo": 120.0})] * 12
    songs += [Song(features={"energy": 0.25, "tempo": 80.0})] * 24
    history = twelve_by_night(songs)
    # The whole is (12 * 0.75 + 24 * 0.25) / 36 = 15 / 36; its median tempo is 80.
    whole = 15 / 36
    morning = {each.name: each for each in part(history, DayPart.MORNING).deviations}
    assert morning["energy"].deviation == pytest.approx(0.75 - whole)
    assert morning["energy"].n == 12
    assert morning["tempo"].deviation == 40
    night = {each.name: each for each in part(history, DayPart.NIGHT).deviations}
    assert (night["energy"].deviation, night["tempo"].deviation) == pytest.approx((0.25 - whole, 0))
    assert morning["valence"].deviation is None
    assert morning["valence"].missing == Missing.LOW_COVERAGE


def test_thin_parts_are_silent() -> None:
    history = twelve_by_night([Song(features={"energy": 0.75})] * 12 + [Song(features={"energy": 0.25})] * 9)
    night = next(each for each in part(history, DayPart.NIGHT).deviations if each.name == "energy")
    assert (night.deviation, night.n, night.missing) == (None, 9, Missing.FEW_TRACKS)
    noon = next(each for each in part(history, DayPart.MIDDAY).deviations if each.name == "energy")
    assert (noon.deviation, noon.n, noon.missing) == (None, 0, Missing.NO_PLAYS)
