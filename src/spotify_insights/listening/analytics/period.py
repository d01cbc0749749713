"""The stretch of time that a view looks at, and the one before it that it may be compared with."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from spotify_insights.errors import InvalidInputError
from spotify_insights.listening.analytics.buckets import Bucket, bucket_start, next_bucket_start
from spotify_insights.listening.analytics.local_time import day_at, day_begin, day_number, day_of
from spotify_insights.listening.rhythm import known_zone
from spotify_insights.listening.time_range import TimeRange

_EARLIEST: Final = date(1970, 1, 1)
_LATEST: Final = date(2199, 12, 31)


class PeriodName(StrEnum):
    """What a view may cover: a stretch of the calendar, one of Spotify's windows, or days of one's choice."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"
    ALL_TIME = "all_time"
    SHORT_TERM = "short_term"
    MEDIUM_TERM = "medium_term"
    LONG_TERM = "long_term"
    CUSTOM = "custom"


_BUCKETS: Final = {
    PeriodName.DAY: Bucket.DAY,
    PeriodName.WEEK: Bucket.WEEK,
    PeriodName.MONTH: Bucket.MONTH,
    PeriodName.YEAR: Bucket.YEAR,
}
_WINDOWS: Final = {
    PeriodName.SHORT_TERM: TimeRange.SHORT_TERM.window.days,
    PeriodName.MEDIUM_TERM: TimeRange.MEDIUM_TERM.window.days,
    PeriodName.LONG_TERM: TimeRange.LONG_TERM.window.days,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Whole days of the listener's calendar, and the plays that ended in [since, until), Unix seconds.

    Attributes:
        first_day, last_day: both inclusive. `last_day` is today at the latest: days that have not begun
            are no part of it. In `before` of an unfinished period the last day may be cut short by `until`.
        ends_on: the last day of the whole stretch; after `last_day` where that is not over.
        today: the listener's day when the period was made.
        before: what it may be compared with; None for all time, and for a period that is itself a `before`.
    """

    name: PeriodName
    timezone: str
    first_day: date
    last_day: date
    ends_on: date
    today: date
    since: int
    until: int
    before: "Period | None" = None

    @property
    def days(self) -> int:
        return (self.last_day - self.first_day).days + 1

    @property
    def is_over(self) -> bool:
        return self.ends_on < self.today


def make_period(
    name: PeriodName,
    *,
    timezone: str,
    now: datetime,
    day: date | None = None,
    first_day: date | None = None,
    last_day: date | None = None,
) -> Period:
    """The period in the listener's zone. Pure: the same arguments give the same period.

    `day`, `week`, `month` and `year` are the calendar's, the one that `day` lies in (today, if not given).
    Spotify's windows are 28, 182 and 365 days up to `day` and including it. `all_time` goes from 1970 to
    today. `custom` goes from `first_day` to `last_day`, both inclusive.

    `before` is the calendar's one before, or as many days directly before. Where the period is not over,
    `before` ends at the same point, after as many days and at the same time of the day by the wall clock,
    at its own end at the latest: three days and a morning are compared with three days and a morning.

    Args:
        timezone: The listener's IANA zone.
        now: The present, aware.
        day: The day that the period lies around.
        first_day, last_day: For `custom` only, and there both are needed.

    Raises:
        InvalidInputError: The zone is unknown; a date is missing, out of range or where it has no meaning;
            the dates are in the wrong order; the period begins in the future.
    """
    zone = known_zone(timezone)
    moment = int(now.timestamp())
    today = day_of(day_at(moment, timezone))
    first, ends_on = _span(name, day=day, first_day=first_day, last_day=last_day, today=today)
    if first > today:
        raise InvalidInputError(
            f"The period begins on {first}, which is in the future; choose one that has begun.",
            field="first_day" if name is PeriodName.CUSTOM else "day",
        )
    period = _between(name, timezone, first, min(ends_on, today), ends_on=ends_on, today=today)
    span_before = _span_before(name, first, ends_on)
    if span_before is None:
        return period
    last_before = min(span_before[1], day_of(day_number(span_before[0]) + period.days - 1))
    before = _between(
        name,
        timezone,
        span_before[0],
        span_before[1] if period.is_over else last_before,
        ends_on=span_before[1],
        today=today,
    )
    if not period.is_over and last_before == day_of(day_number(span_before[0]) + period.days - 1):
        clock = datetime.combine(before.last_day, now.astimezone(zone).time(), tzinfo=zone)
        before = replace(before, until=max(before.since, min(before.until, int(clock.timestamp()) + 1)))
    return replace(period, before=before)


def _between(
    name: PeriodName, timezone: str, first: date, last: date, *, ends_on: date, today: date
) -> Period:
    since, until = (day_begin(day, timezone) for day in (day_number(first), day_number(last) + 1))
    return Period(
        name=name,
        timezone=timezone,
        first_day=first,
        last_day=last,
        ends_on=ends_on,
        today=today,
        since=since,
        until=until,
    )


def _span(
    name: PeriodName, *, day: date | None, first_day: date | None, last_day: date | None, today: date
) -> tuple[date, date]:
    for field, given in (("day", day), ("first_day", first_day), ("last_day", last_day)):
        if given is not None and not _EARLIEST <= given <= _LATEST:
            raise InvalidInputError(f"{given} is too far away; choose a day from 1970 to 2199.", field=field)
    if name is PeriodName.CUSTOM:
        return _custom_span(day, first_day, last_day)
    for field, given in (("first_day", first_day), ("last_day", last_day)):
        if given is not None:
            raise InvalidInputError(f'The period "{name}" has its own days; leave {field} out.', field=field)
    if name is PeriodName.ALL_TIME:
        if day is not None:
            raise InvalidInputError("All time lies around no day; leave day out.", field="day")
        return _EARLIEST, today
    around = today if day is None else day
    if name in _WINDOWS:
        return max(_EARLIEST, around - timedelta(days=_WINDOWS[name] - 1)), around
    bucket = _BUCKETS[name]
    return max(_EARLIEST, bucket_start(around, bucket)), _last_of(around, bucket)


def _custom_span(day: date | None, first_day: date | None, last_day: date | None) -> tuple[date, date]:
    if day is not None:
        raise InvalidInputError("A custom period has a first and a last day; leave day out.", field="day")
    if first_day is None or last_day is None:
        missing = "first_day" if first_day is None else "last_day"
        raise InvalidInputError(f"A custom period needs its {missing}; give a date.", field=missing)
    if last_day < first_day:
        raise InvalidInputError(
            f"The period ends on {last_day}, before it begins on {first_day}; swap the two.", field="last_day"
        )
    return first_day, last_day


def _span_before(name: PeriodName, first: date, ends_on: date) -> tuple[date, date] | None:
    if name is PeriodName.ALL_TIME:
        return None
    bucket = _BUCKETS.get(name)
    last = first - timedelta(days=1)
    begins = last - (ends_on - first) if bucket is None else bucket_start(last, bucket)
    return (begins, last) if begins >= _EARLIEST else None


def _last_of(day: date, bucket: Bucket) -> date:
    return next_bucket_start(day, bucket) - timedelta(days=1)
