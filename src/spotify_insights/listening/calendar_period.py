"""Which days a snapshot of a calendar range is about, and when the snapshots of a day are due. Pure."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Final

import numpy as np

from spotify_insights.listening.analytics.local_time import day_at, day_begins, day_number, day_of
from spotify_insights.listening.analytics.period import Period, PeriodName, make_period
from spotify_insights.listening.time_range import CalendarRange
from spotify_insights.listening.week import Week

# At night Spotify is asked seldom: by then it has told the plays of the evening, too.
SETTLED_AFTER: Final = timedelta(hours=6)

_NAMES: Final = {
    CalendarRange.MONTH: PeriodName.MONTH,
    CalendarRange.YEAR: PeriodName.YEAR,
    CalendarRange.ALL_TIME: PeriodName.ALL_TIME,
}


def calendar_period(time_range: CalendarRange, last_day: date, *, timezone: str) -> Period:
    """The days of the range up to `last_day`, all of them whole: what a view says late in that evening.

    `before` has the same days of the stretch before: of a week the week before, of the first twelve days of
    October the first twelve days of September, of all time nothing.

    Raises:
        InvalidInputError: the zone is unknown, or the day is not between 1970 and 2199.
        ValueError: the range is a week and the day no Saturday.
    """
    morning_after = day_end(last_day, timezone=timezone)
    if time_range is CalendarRange.WEEK:
        return _whole_days(Week(last_day).begins_on, last_day, timezone, now=morning_after)
    evening = morning_after - timedelta(seconds=1)
    period = make_period(_NAMES[time_range], timezone=timezone, now=evening)
    if (before := period.before) is None:
        return period
    whole = _whole_days(before.first_day, before.last_day, timezone, now=morning_after)
    return replace(period, before=replace(whole, before=None))


def _whole_days(first_day: date, last_day: date, timezone: str, *, now: datetime) -> Period:
    return make_period(PeriodName.CUSTOM, timezone=timezone, now=now, first_day=first_day, last_day=last_day)


def day_end(day: date, *, timezone: str) -> datetime:
    """The moment, in UTC, at which the day is over for somebody who lives in the zone.

    Raises:
        InvalidInputError: the zone is unknown.
    """
    following = np.array([day_number(day) + 1], dtype=np.int64)
    return datetime.fromtimestamp(int(day_begins(following, timezone)[0]), UTC)


def settled_day(timezone: str, moment: datetime) -> date:
    """The last day of the listener's calendar that was over `SETTLED_AFTER` ago.

    Raises:
        InvalidInputError: the zone is unknown.
    """
    return day_of(day_at(int((moment - SETTLED_AFTER).timestamp()), timezone) - 1)


def local_day(timezone: str, moment: datetime) -> date:
    """The day of the listener's calendar that the moment lies in.

    Raises:
        InvalidInputError: the zone is unknown.
    """
    return day_of(day_at(int(moment.timestamp()), timezone))
