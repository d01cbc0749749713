"""What is added up once for a long history, against going through every play of a period."""

import math
import random
from dataclasses import asdict
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from small_histories import Row, Song, a_history, all_time, days, utc
from spotify_insights.audio_features.values import FEATURE_NAMES
from spotify_insights.listening.analytics.buckets import Bucket
from spotify_insights.listening.analytics.clock import clock
from spotify_insights.listening.analytics.columns import HistoryColumns
from spotify_insights.listening.analytics.grow import grown
from spotify_insights.listening.analytics.period import Period
from spotify_insights.listening.analytics.play_rule import Counting, all_counted
from spotify_insights.listening.analytics.timeline import timeline
from spotify_insights.listening.analytics.wall_clock import STRETCH, DayPart, wall_clock

ZONE = "Pacific/Auckland"
NOW = "2027-01-01T12:00"
SONGS = [
    Song(
        duration=length,
        features=dict.fromkeys(FEATURE_NAMES, valence) if valence is not None else {},
        album=number,
    )
    for number, (length, valence) in enumerate(
        (length, valence)
        for length in (None, 61_000, 250_000)
        for valence in (None, 0.125, 0.25, 0.5, 0.75, 1.0)
    )
]
PERIODS = [
    all_time(ZONE, now=NOW),
    days("2026-02-03", "2026-12-30", ZONE, now=NOW),
    days("2026-04-01", "2026-06-10", ZONE, now=NOW),
    days("2026-09-20", "2026-09-30", ZONE, now=NOW),
    days("2025-01-01", "2025-01-02", ZONE, now=NOW),
]


def long_rows() -> list[Row]:
    """Three stretches and a half over a year, with both changes of the clock; the same ones each time."""
    chance = random.Random(20261123)  # noqa: S311  # it makes test data
    begins = utc("2026-01-10T00:00")
    moments = sorted(chance.randrange(350 * 86_400) for _ in range(3 * STRETCH + STRETCH // 2))
    return [
        Row(
            begins + timedelta(seconds=moment),
            track=chance.randrange(len(SONGS)),
            ms=chance.choice([None, 0, 30_000, 45_000, 200_000, 300_000]),
        )
        for moment in moments
    ]


ROWS = long_rows()
PLAYS = [row for row in ROWS if row.ms is None or row.ms >= 30_000]


def plays_of(period: Period) -> list[tuple[Row, datetime]]:
    return [
        (row, row.at.astimezone(ZoneInfo(ZONE)))
        for row in PLAYS
        if period.since <= row.at.timestamp() < period.until
    ]


def weight(row: Row, mean: float) -> float:
    if row.ms is None:
        return mean
    return min(row.ms, SONGS[row.track].duration or row.ms)


@pytest.mark.parametrize("period", PERIODS, ids=lambda period: f"{period.first_day}")
def test_the_clock_of_a_long_history(period: Period) -> None:
    plays = plays_of(period)
    shown = clock(a_history(ROWS, SONGS), period)

    cells, ms = np.zeros((7, 24), dtype=int), np.zeros((7, 24), dtype=int)
    for row, local in plays:
        cells[local.weekday(), local.hour] += 1
        ms[local.weekday(), local.hour] += row.ms or 0
    assert (np.array(shown.plays) == cells).all()
    assert (np.array(shown.ms) == ms).all()
    if not plays:
        assert (shown.mean_hour, shown.concentration) == (None, None)
        return
    seconds = [local.hour * 3600 + local.minute * 60 + local.second for _, local in plays]
    east, north = (
        sum(side(second * math.tau / 86_400) for second in seconds) / len(plays)
        for side in (math.cos, math.sin)
    )
    assert shown.concentration == pytest.approx(math.hypot(east, north), abs=1e-12)
    assert shown.mean_hour == pytest.approx(math.atan2(north, east) * 24 / math.tau % 24, abs=1e-9)


@pytest.mark.parametrize("period", PERIODS[:4], ids=lambda period: f"{period.first_day}")
def test_the_parts_of_the_day_of_a_long_history(period: Period) -> None:
    plays = plays_of(period)
    shown = clock(a_history(ROWS, SONGS), period)
    told = [weight(row, 0.0) for row, _ in plays if row.ms is not None]
    mean = sum(told) / len(told)

    def centre(chosen: list[Row]) -> float:
        known = [(weight(row, mean), SONGS[row.track].features.get("valence")) for row in chosen]
        sums = [(each, each * value) for each, value in known if value is not None]
        return sum(product for _, product in sums) / sum(each for each, _ in sums)

    whole = centre([row for row, _ in plays])
    for part in shown.parts:
        length = (part.to_hour - part.from_hour) % 24
        hours = {(part.from_hour + hour) % 24 for hour in range(length)}
        inside = [row for row, local in plays if local.hour in hours]
        valence = next(each for each in part.deviations if each.name == "valence")
        assert valence.deviation == pytest.approx(centre(inside) - whole, abs=1e-12)
        assert part.plays == len(inside)
    assert {part.part for part in shown.parts} == set(DayPart)


@pytest.mark.parametrize("bucket", list(Bucket))
@pytest.mark.parametrize("period", PERIODS, ids=lambda period: f"{period.first_day}")
def test_the_timeline_of_a_long_history(period: Period, bucket: Bucket) -> None:
    shown = timeline(a_history(ROWS, SONGS), period, bucket)
    dates = [local.date() for _, local in plays_of(period)]
    ends = [*shown.starts[1:], None]
    counted = [
        sum(day >= start and (end is None or day < end) for day in dates)
        for start, end in zip(shown.starts, ends, strict=True)
    ]
    assert (list(shown.plays), sum(shown.plays)) == (counted, len(dates))


def said(history: HistoryColumns) -> list[dict[str, Any]]:
    answers: list[Any] = [clock(history, period) for period in PERIODS]
    answers += [timeline(history, period, Bucket.DAY) for period in PERIODS]
    return [asdict(each) for each in answers]


def test_a_long_history_that_grows_says_what_a_new_one_says() -> None:
    everything = a_history(ROWS, SONGS)
    expected = said(everything)
    # To within a stretch, over the borders of one and of several, and by a single play.
    steps = [10, STRETCH, STRETCH + 700, 3 * STRETCH + 5, len(ROWS) - 1, len(ROWS)]
    history = a_history(ROWS[:10], SONGS)
    for known, more in pairwise(steps):
        said(history)
        plays = everything.plays.where(slice(known, more))
        history = grown(history, [plays], [], kept_plays=known, kept_tracks=len(SONGS))
    np.testing.assert_equal(said(history), expected)
    # And where the last plays are others than before.
    shorter = grown(history, [], [], kept_plays=2 * STRETCH, kept_tracks=len(SONGS))
    np.testing.assert_equal(said(shorter), said(a_history(ROWS[: 2 * STRETCH], SONGS)))
    assert len(wall_clock(shorter, Counting(), ZONE).cell) == len(all_counted(shorter, Counting()))
