"""Plays and time heard for each day, week, month or year of a period; by day it is the calendar."""

from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from spotify_insights.listening.analytics.buckets import Bucket, bucket_starts
from spotify_insights.listening.analytics.columns import HistoryColumns, PlayColumns
from spotify_insights.listening.analytics.local_time import (
    Days,
    Moments,
    dates_of,
    day_at,
    day_begins,
    day_number,
)
from spotify_insights.listening.analytics.period import Period, PeriodName
from spotify_insights.listening.analytics.play_rule import DEFAULT_COUNTING, Counting, counted

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
    starts, cuts = bucket_cuts(plays.ended_at, period, bucket)
    return Timeline(
        bucket=bucket,
        starts=dates_of(starts),
        plays=tuple(np.diff(cuts).tolist()),
        ms=tuple(sums_between(np.maximum(plays.ms_played, 0), cuts, np.int64).tolist()),
        plays_without_ms=int(np.count_nonzero(plays.ms_played < 0)),
    )


def bucket_cuts(ended_at: Moments, period: Period, bucket: Bucket) -> tuple[Days, NDArray[np.int64]]:
    """The buckets of a period, and where each begins in the plays of that period.

    Days that the zone left out, and so have no length, are no buckets.

    Returns:
        The first day of each bucket, and one cut more than buckets: bucket k has the plays from `cuts[k]`
        until `cuts[k + 1]`. For all time without a play there are no buckets.
    """
    first_day, last_day = shown_days(ended_at, period)
    starts = bucket_starts(first_day, last_day, bucket)
    if not len(starts):
        return starts, np.zeros(1, dtype=np.int64)
    begins = day_begins(np.append(starts, last_day + 1), period.timezone)
    lasting = np.diff(begins) > 0
    begins = np.append(begins[:-1][lasting], begins[-1])
    return starts[lasting], np.searchsorted(ended_at, begins).astype(np.int64)


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


def plays_of_days(plays: PlayColumns, period: Period) -> tuple[Days, NDArray[np.int64]]:
    """The shown days that have a length, ascending, and the number of plays on each."""
    days, cuts = bucket_cuts(plays.ended_at, period, Bucket.DAY)
    return days, np.diff(cuts)
