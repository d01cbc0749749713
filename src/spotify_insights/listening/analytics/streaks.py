"""Days with music, one after another."""

from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
from numpy.typing import NDArray

from spotify_insights.listening.analytics.columns import HistoryColumns
from spotify_insights.listening.analytics.local_time import Days, day_at, day_begins, day_number, day_of
from spotify_insights.listening.analytics.period import Period, PeriodName
from spotify_insights.listening.analytics.play_rule import DEFAULT_COUNTING, Counting, counted
from spotify_insights.listening.analytics.timeline import plays_of_days

# Most streaks are shorter; longer ones are followed back four times as far each time.
_LOOK_BACK_DAYS: Final = 32


@dataclass(frozen=True, slots=True)
class Streak:
    """Days in a row with at least one play each, both ends included.

    A day that a zone left out, such as 30 December 2011 in Apia, neither counts nor comes between two days.
    """

    days: int
    first_day: date
    last_day: date


@dataclass(frozen=True, slots=True)
class Streaks:
    """The first of the longest streaks inside the period, and the one that reaches its last day.

    The `current` one may have begun before the period. Where the period's last day is today, a streak up to
    yesterday is current, too: today is not over.
    """

    longest: Streak | None
    current: Streak | None


def streaks(history: HistoryColumns, period: Period, counting: Counting = DEFAULT_COUNTING) -> Streaks:
    """The streaks of one period."""
    plays = counted(history, period.since, period.until, counting)
    days, by_day = plays_of_days(history, plays, period, counting)
    return streaks_of(history, period, counting, days, by_day)


def streaks_of(
    history: HistoryColumns, period: Period, counting: Counting, days: Days, by_day: NDArray[np.int64]
) -> Streaks:
    """The streaks of one period, whose plays were counted already: `days` and `by_day` of `plays_of_days`."""
    active = by_day > 0
    if period.name is PeriodName.ALL_TIME:
        return Streaks(longest_streak(days, active), _last_streak(days, active, period))
    return Streaks(longest_streak(days, active), current_streak(history, period, counting))


def longest_streak(days: Days, active: NDArray[np.bool_]) -> Streak | None:
    """The first of the longest runs of active days; `active` has a value for each of `days`, which ascend."""
    edges = np.flatnonzero(np.diff(active.astype(np.int8), prepend=0, append=0))
    if not len(edges):
        return None
    begins, ends = edges[::2], edges[1::2]
    longest = int(np.argmax(ends - begins))
    begin, end = int(begins[longest]), int(ends[longest])
    return _streak(days[begin:end])


def current_streak(history: HistoryColumns, period: Period, counting: Counting) -> Streak | None:
    """As `Streaks.current`; looks no further back than the streak goes."""
    if not len(history.plays):
        return None
    last_day, look_back = day_number(period.last_day), _LOOK_BACK_DAYS
    earliest = day_at(int(history.plays.ended_at[0]), period.timezone)
    while True:
        first_day = max(last_day - look_back + 1, earliest)
        if first_day > last_day:
            return None
        days = np.arange(first_day, last_day + 2, dtype=np.int64)
        begins = day_begins(days, period.timezone)
        plays = counted(history, int(begins[0]), min(int(begins[-1]), period.until), counting)
        active = np.diff(np.searchsorted(plays.ended_at, begins)) > 0
        lasting = np.flatnonzero(np.diff(begins))
        streak = _last_streak(days[lasting], active[lasting], period)
        reaches_back = streak is not None and day_number(streak.first_day) == days[lasting[0]]
        if first_day == earliest or not reaches_back:
            return streak
        look_back *= 4


def _last_streak(days: Days, active: NDArray[np.bool_], period: Period) -> Streak | None:
    """The streak that reaches the end of these days, or, where that is today, the day before it."""
    if len(active) and not active[-1] and period.last_day == period.today:
        active = active[:-1]
    idle = np.flatnonzero(~active)
    begin, end = int(idle[-1]) + 1 if len(idle) else 0, len(active)
    if begin == end:
        return None
    return _streak(days[begin:end])


def _streak(days: Days) -> Streak:
    return Streak(len(days), day_of(int(days[0])), day_of(int(days[-1])))
