"""The listener's clock and calendar for whole columns of moments, exact where the clock changes.

A day is the time from the first moment whose wall clock shows its date (or a later one) to the same of the
next day. So days follow each other without gap or overlap: they last 23 or 25 hours where the clock changes,
begin with the first existing moment where midnight is skipped, begin with the first of both where midnight
comes twice, and have no length at all where a zone left them out (30 December 2011 in Apia).
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from spotify_insights.listening.rhythm import known_zone

SECONDS_PER_DAY: Final = 86_400
SECONDS_PER_HOUR: Final = 3_600
DAYS_PER_WEEK: Final = 7

_EPOCH: Final = date(1970, 1, 1)
# 1 January 1970 was a Thursday; weekdays count from Monday.
EPOCH_WEEKDAY: Final = 3

# No offset is further from UTC than 15 hours 13 minutes (Manila until 1844).
_WIDEST_OFFSET: Final = 16 * SECONDS_PER_HOUR

Moments = NDArray[np.int64]
"""Unix seconds."""
Days = NDArray[np.int64]
"""Days since 1 January 1970, each by the listener's calendar."""


@dataclass(frozen=True, slots=True)
class Offsets:
    """What is added to UTC: from `since[k]` until `since[k + 1]` it is `offset[k]`, in seconds.

    The first and the last one hold without end.
    """

    since: Moments
    offset: NDArray[np.int64]


def day_number(day: date) -> int:
    return (day - _EPOCH).days


def day_of(number: int) -> date:
    return _EPOCH + timedelta(days=number)


def dates_of(numbers: Days) -> tuple[date, ...]:
    dates: list[date] = numbers.astype("datetime64[D]").tolist()
    return tuple(dates)


def weekdays(numbers: Days) -> NDArray[np.int64]:
    """0 for Monday to 6 for Sunday."""
    result: NDArray[np.int64] = (numbers + EPOCH_WEEKDAY) % DAYS_PER_WEEK
    return result


def offsets_between(timezone: str, since: int, until: int) -> Offsets:
    """The zone's offsets over a span of Unix seconds that holds [since, until].

    Raises:
        InvalidInputError: The zone is not in the IANA database (field `timezone`).
    """
    first_year, last_year = (datetime.fromtimestamp(moment, UTC).year for moment in (since, until))
    return _offsets_of_years(timezone, first_year, last_year)


@lru_cache(maxsize=1024)
def _offsets_of_years(timezone: str, first_year: int, last_year: int) -> Offsets:
    begins, offset = [_year_start(first_year)], [_offset_at(timezone, _year_start(first_year))]
    for year in range(first_year, last_year + 1):
        for moment, seconds in _changes_in(timezone, year):
            begins.append(moment)
            offset.append(seconds)
    offsets = Offsets(np.array(begins, dtype=np.int64), np.array(offset, dtype=np.int64))
    # Everybody who asks for these years gets the same two arrays.
    offsets.since.setflags(write=False)
    offsets.offset.setflags(write=False)
    return offsets


def local_seconds(moments: Moments, timezone: str) -> NDArray[np.int64]:
    """What the wall clock shows, as seconds since its own 1 January 1970; `moments` ascend.

    Raises: as `offsets_between`.
    """
    if not len(moments):
        return moments
    offsets = offsets_between(timezone, int(moments[0]), int(moments[-1]))
    cuts = np.searchsorted(moments, offsets.since[1:])
    lengths = np.diff(cuts, prepend=0, append=len(moments))
    return moments + np.repeat(offsets.offset, lengths)


def day_begins(days: Days, timezone: str) -> Moments:
    """The moment at which each day begins; `days` in any order.

    Raises: as `offsets_between`.
    """
    if not len(days):
        return days
    since = int(days.min()) * SECONDS_PER_DAY - _WIDEST_OFFSET
    until = int(days.max()) * SECONDS_PER_DAY + _WIDEST_OFFSET
    offsets = offsets_between(timezone, since, until)
    midnights = days * SECONDS_PER_DAY
    # The furthest that the wall clock has come by the end of each stretch: it may go back, days do not.
    reached = np.maximum.accumulate(offsets.since[1:] + offsets.offset[:-1])
    stretch = np.searchsorted(reached, midnights, side="right")
    begins: Moments = np.maximum(offsets.since[stretch], midnights - offsets.offset[stretch])
    return begins


@lru_cache(maxsize=4096)
def day_begin(day: int, timezone: str) -> int:
    """As `day_begins`, for one day: every view asks for the same few."""
    return int(day_begins(np.array([day], dtype=np.int64), timezone)[0])


def day_at(moment: int, timezone: str) -> int:
    """The day that the moment lies in."""
    offsets = offsets_between(timezone, moment - SECONDS_PER_DAY, moment)
    stretch = int(np.searchsorted(offsets.since, moment, side="right")) - 1
    shown = (moment + int(offsets.offset[max(stretch, 0)])) // SECONDS_PER_DAY
    # After a midnight that comes twice the wall clock shows the old date again: the new day goes on.
    return shown + int(day_begin(shown + 1, timezone) <= moment)


def _year_start(year: int) -> int:
    return int(datetime(year, 1, 1, tzinfo=UTC).timestamp())


@lru_cache(maxsize=4096)
def _changes_in(timezone: str, year: int) -> tuple[tuple[int, int], ...]:
    """The moments of a UTC year at which the offset becomes another one, with that offset."""
    changes: list[tuple[int, int]] = []
    # Looked at day by day: some zones change twice within a month, none twice within a day.
    moment, offset = _year_start(year), _offset_at(timezone, _year_start(year))
    end = _year_start(year + 1)
    while moment < end:
        following = min(moment + SECONDS_PER_DAY, end)
        if (next_offset := _offset_at(timezone, following)) != offset:
            changes.append((_moment_of_change(timezone, moment, following), next_offset))
        moment, offset = following, next_offset
    return tuple(changes)


def _moment_of_change(timezone: str, before: int, after: int) -> int:
    old = _offset_at(timezone, before)
    while after - before > 1:
        middle = (before + after) // 2
        if _offset_at(timezone, middle) == old:
            before = middle
        else:
            after = middle
    return after


def _offset_at(timezone: str, moment: int) -> int:
    offset = datetime.fromtimestamp(moment, known_zone(timezone)).utcoffset()
    return 0 if offset is None else round(offset.total_seconds())
