"""Sessions, and what is heard again."""

from datetime import datetime, timedelta
from statistics import median

import pytest
from hypothesis import given

from small_histories import MINUTE, Row, Song, a_history, all_time, days, small_histories, utc
from spotify_insights.listening.analytics.evidence import Missing
from spotify_insights.listening.analytics.play_rule import Counting, PlayRule
from spotify_insights.listening.analytics.repetition import Run, repetition
from spotify_insights.listening.analytics.sessions import sessions

EVERYTHING = Counting(PlayRule.ALL, private_sessions=True)


def at(clock: str) -> datetime:
    return utc(f"2026-01-05T{clock}")


def test_sessions_by_hand() -> None:
    rows = [
        # From 9:57 to 10:00; the next starts at 10:30, exactly half an hour later, and belongs to it.
        Row(at("10:00"), 0, ms=3 * MINUTE, to_end=True),
        Row(at("10:34"), 1, ms=4 * MINUTE, skipped=True),
        # Starts 30 minutes and one second after the last end.
        Row(at("11:07:01"), 0, ms=3 * MINUTE),
    ]
    shown = sessions(a_history(rows, [Song(), Song()]), all_time())
    assert shown.sessions == 2
    first, second = shown.longest
    assert (first.began_at, first.ended_at, first.seconds) == (at("09:57"), at("10:34"), 37 * 60)
    assert (first.plays, first.tracks, first.skip_rate) == (2, 2, 0.5)
    assert (second.seconds, second.plays, second.skip_rate) == (180, 1, None)
    # Between 37 minutes and 3; between two plays and one.
    assert (shown.median_seconds, shown.mean_plays, shown.median_plays) == (20 * 60, 1.5, 1.5)
    assert (shown.skip_rate, shown.skip_rate_n) == (0.5, 2)


def test_an_unknown_time_bridges_the_pause_and_is_no_time() -> None:
    rows = [Row(at("10:00"), ms=None), Row(at("10:40"), ms=None)]
    # A track of 20 minutes can have begun at 10:20; of what is not known to be long, the pause is 40 minutes.
    bridged = sessions(a_history(rows, [Song(duration=20 * MINUTE)]), all_time())
    assert [(each.began_at, each.seconds) for each in bridged.longest] == [(at("10:00"), 40 * 60)]
    assert sessions(a_history(rows, [Song(duration=None)]), all_time()).sessions == 2


def test_what_is_too_short_to_be_a_play_holds_a_session_together() -> None:
    rows = [Row(at("10:00")), Row(at("10:25"), ms=5_000), Row(at("10:50")), Row(at("14:00"), ms=5_000)]
    shown = sessions(a_history(rows), all_time())
    assert shown.sessions == 1
    assert shown.longest[0].plays == 2


@given(small_histories())
def test_sessions_are_those_of_a_loop(given: tuple[list[Row], list[Song]]) -> None:
    rows, songs = given
    found: list[list[Row]] = []
    for row in rows:
        length = row.ms if row.ms is not None else songs[row.track].duration or 0
        start = row.at - timedelta(milliseconds=length)
        if not found or start - found[-1][-1].at > timedelta(hours=6):
            found.append([])
        found[-1].append(row)
    lengths = [
        (group[-1].at - min(row.at - timedelta(milliseconds=row.ms or 0) for row in group)).total_seconds()
        for group in found
    ]
    shown = sessions(a_history(rows, songs), all_time(), EVERYTHING, longest_pause_minutes=360, limit=3)
    assert shown.sessions == len(found)
    if found:
        assert shown.median_seconds == pytest.approx(median(lengths))
        assert shown.median_plays == median(map(len, found))
        assert [each.seconds for each in shown.longest] == [
            int(length) for length in sorted(lengths, reverse=True)[:3]
        ]


def test_repetition_by_hand() -> None:
    rows = [
        Row(at("10:00") + timedelta(hours=index), track) for index, track in enumerate([0, 1, 1, 1, 0, 2])
    ]
    shown = repetition(a_history(rows, [Song(), Song(), Song()]), all_time())
    assert shown.repeat_rate == pytest.approx(1 - 3 / 6)
    assert (shown.top_1_share, shown.top_5_share) == (0.5, 1)
    assert shown.longest_run == Run(101, 3)
    # Twice the second track, once the first one.
    assert shown.reconsumption == 0.5
    assert shown.discovery_missing == Missing.SHORT_HISTORY


def test_plays_before_the_period_are_remembered() -> None:
    rows = [
        Row(utc("2026-01-01T12:00"), 0),
        Row(utc("2026-02-10T12:00"), 0),
        # Exactly seven days, and a second more.
        Row(utc("2026-02-17T12:00"), 0),
        Row(utc("2026-02-24T12:00:01"), 0),
        Row(utc("2026-02-24T13:00"), 1),
        Row(utc("2026-02-24T14:00"), 2),
    ]
    history = a_history(rows, [Song(artist=1), Song(artist=2), Song(artist=1)])
    shown = repetition(history, days("2026-02-15", "2026-02-28"))
    assert (shown.plays, shown.reconsumption) == (4, 0.25)
    # Two tracks were never heard before, and one artist.
    assert (shown.discovery_rate, shown.new_tracks, shown.new_artists) == (0.5, 2, 1)
    assert shown.discovery_missing is None
    # 28 days before 29 January are the 1st: with the 28th as a first day it is a day too little.
    assert repetition(history, days("2026-01-28", "2026-02-28")).discovery_rate is None
    assert repetition(history, days("2026-01-30", "2026-02-28")).discovery_missing is None


@given(small_histories())
def test_repetition_is_that_of_a_loop(given: tuple[list[Row], list[Song]]) -> None:
    rows, songs = given
    period = days("2026-02-09", "2026-02-20")
    inside = [row for row in rows if row.at >= utc("2026-02-09T00:00")]
    shown = repetition(a_history(rows, songs), period, EVERYTHING)
    if not inside:
        assert (shown.repeat_rate, shown.reconsumption, shown.longest_run) == (None, None, None)
        return
    again = 0
    for place, row in enumerate(rows):
        earlier = [other.at for other in rows[:place] if other.track == row.track]
        again += row.at >= inside[0].at and bool(earlier) and row.at - earlier[-1] <= timedelta(days=7)
    # Rows of the same second have no order of their own.
    if len({row.at for row in rows}) == len(rows):
        assert shown.reconsumption == pytest.approx(again / len(inside))
    known = {row.track for row in rows if row.at < inside[0].at}
    if shown.discovery_missing is None:
        assert shown.new_tracks == len({row.track for row in inside} - known)
    else:
        assert rows[0].at > utc("2026-01-12T00:00")
