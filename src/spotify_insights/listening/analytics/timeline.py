"""Plays and time heard for each day, week, month or year of a period; by day it is the calendar."""

from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from spotify_insights.listening.analytics.buckets import Bucket, bucket_starts
from spotify_insights.listening.analytics.columns import HistoryColumns
from spotify_insights.listening.analytics.counted_plays import CountedPlays
from spotify_insights.listening.analytics.local_time import (
    Days,
    Moments,
    dates_of,
    day_at,
    day_begins,
    day_number,
)
from spotify_insights.listening.analytics.period import Period, PeriodName
from spotify_insights.listening.analytics.play_rule import DEFAULT_COUNTING, Counting, all_counted, counted

T = TypeVar("T", np.int64, np.float64)


@dataclass(frozen=True, slots=True)
class Timeline:
    """One figure for each bucket, in order, 0 for those without plays. All tuples have one length.

    A day that never was, such as 30 December 2011 in Apia, is not among them.

    `starts` are the buckets' first days by the calendar; where a period begins in the middle of a bucket,
    that one has the plays of the period only. `ms` is the time heard in plays that tell it;
    `plays_without_ms` of all plays do not.
    """

    bucket: Bucket
    starts: tuple[date, ...]
    plays: tuple[int, ...]
    ms: tuple[int, ...]
    plays_without_ms: int


def timeline(
    history: HistoryColumns, period: Period, bucket: Bucket, counting: Counting = DEFAULT_COUNTING
) -> Timeline:
    """Plays and time for each bucket of the period; all time begins with the bucket of the first play."""
    plays = counted(history, period.since, period.until, counting)
    starts, cuts = bucket_cuts(history, plays, period, bucket, counting)
    return Timeline(
        bucket=bucket,
        starts=dates_of(starts),
        plays=tuple(np.diff(cuts).tolist()),
        ms=tuple(sums_between(np.maximum(plays.ms_played, 0), cuts, np.int64).tolist()),
        plays_without_ms=int(np.count_nonzero(plays.ms_played < 0)),
    )


def bucket_cuts(
    history: HistoryColumns, plays: CountedPlays, period: Period, bucket: Bucket, counting: Counting
) -> tuple[Days, NDArray[np.int64]]:
    """The buckets of a period, and where each begins in the `plays` of that period, which `counted` gave.

    Days that the zone left out, and so have no length, are no buckets.

    Returns:
        The first day of each bucket, and one cut more than buckets: bucket k has the plays from `cuts[k]`
        until `cuts[k + 1]`. For all time without a play there are no buckets.
    """
    first_day, last_day = shown_days(plays.ended_at, period)
    starts = bucket_starts(first_day, last_day, bucket)
    if not len(starts):
        return starts, np.zeros(1, dtype=np.int64)
    edges = np.append(starts, last_day + 1)
    lasting = np.diff(day_begins(edges, period.timezone)) > 0
    edges = np.append(edges[:-1][lasting], edges[-1])
    days = plays_before_days(history, counting, period.timezone)
    before = days.plays[np.clip(edges - days.first_day, 0, len(days.plays) - 1)].astype(np.int64)
    return edges[:-1], np.clip(before - plays.place, 0, len(plays))


@dataclass(frozen=True, slots=True)
class DaysOfPlays:
    """The name, beside a history, of its `PlaysBeforeDays`."""

    counting: Counting
    timezone: str


@dataclass(frozen=True, slots=True)
class PlaysBeforeDays:
    """How many of all plays that count ended before each day began: 4 bytes for a day.

    `first_day` is that of the first play; the last one is the day after that of the last play.
    """

    first_day: int
    plays: NDArray[np.int32]

    def grown(self, kept: int, ended_at: Moments, timezone: str) -> "PlaysBeforeDays":
        """The same for more plays, of which the first `kept` are those that these were made of."""
        if not kept:
            return _plays_before_days(ended_at, timezone)
        # What comes now ended after the last of these, and so on its day at the earliest.
        known = day_at(int(ended_at[kept - 1]), timezone) - self.first_day + 1
        last_day = day_at(int(ended_at[-1]), timezone)
        days = np.arange(self.first_day + known, last_day + 2, dtype=np.int64)
        before = np.searchsorted(ended_at, day_begins(days, timezone)).astype(np.int32)
        return PlaysBeforeDays(self.first_day, np.append(self.plays[:known], before))


def plays_before_days(history: HistoryColumns, counting: Counting, timezone: str) -> PlaysBeforeDays:
    """Held beside the history."""
    return history.held.get(
        DaysOfPlays(counting, timezone),
        lambda: _plays_before_days(all_counted(history, counting).ended_at, timezone),
    )


def _plays_before_days(ended_at: Moments, timezone: str) -> PlaysBeforeDays:
    if not len(ended_at):
        return PlaysBeforeDays(0, np.zeros(1, dtype=np.int32))
    first_day, last_day = (day_at(int(ended_at[place]), timezone) for place in (0, -1))
    begins = day_begins(np.arange(first_day, last_day + 2, dtype=np.int64), timezone)
    return PlaysBeforeDays(first_day, np.searchsorted(ended_at, begins).astype(np.int32))


def sums_between(values: NDArray[Any], cuts: NDArray[np.int64], kind: type[T]) -> NDArray[T]:
    """The sum of the values from each cut until the next, as numbers of this kind; 0 where none lies."""
    sums = np.zeros(len(cuts) - 1, dtype=kind)
    filled = np.flatnonzero(np.diff(cuts))
    if len(filled):
        # Nothing lies between filled stretches, so each ends where the next one begins.
        sums[filled] = np.add.reduceat(values, cuts[filled], dtype=kind)
    return sums


def shown_days(ended_at: Moments, period: Period) -> tuple[int, int]:
    """The first and the last day, as day numbers, that a view of these plays shows.

    Those of the period; for all time from the day of the first play, and an empty span without plays.
    """
    last_day = day_number(period.last_day)
    if period.name is not PeriodName.ALL_TIME:
        return day_number(period.first_day), last_day
    if not len(ended_at):
        return last_day + 1, last_day
    return day_at(int(ended_at[0]), period.timezone), last_day


def plays_of_days(
    history: HistoryColumns, plays: CountedPlays, period: Period, counting: Counting
) -> tuple[Days, NDArray[np.int64]]:
    """The shown days that have a length, ascending, and the number of `plays` on each."""
    days, cuts = bucket_cuts(history, plays, period, Bucket.DAY, counting)
    return days, np.diff(cuts)
