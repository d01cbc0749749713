"""Days, weeks, months and years of the listener's calendar."""

from datetime import date
from enum import StrEnum

import numpy as np

from spotify_insights.listening.analytics.local_time import Days, day_number, day_of, weekdays


class Bucket(StrEnum):
    """Stretches of the calendar. Weeks begin on Monday, as in ISO 8601.

    The weekly letter's week, from Sunday to Saturday, is another thing: see `listening/week.py`.
    """

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


def bucket_start(day: date, bucket: Bucket) -> date:
    """The first day of the bucket that `day` lies in."""
    match bucket:
        case Bucket.DAY:
            return day
        case Bucket.WEEK:
            return day_of(day_number(day) - day.weekday())
        case Bucket.MONTH:
            return day.replace(day=1)
        case Bucket.YEAR:
            return day.replace(month=1, day=1)


def next_bucket_start(day: date, bucket: Bucket) -> date:
    """The first day of the bucket after the one that `day` lies in."""
    # 32 days after a month's first day, and 366 after a year's, the next one has begun and not yet ended.
    longest = {Bucket.DAY: 1, Bucket.WEEK: 7, Bucket.MONTH: 32, Bucket.YEAR: 366}[bucket]
    return bucket_start(day_of(day_number(bucket_start(day, bucket)) + longest), bucket)


def bucket_starts(first_day: int, last_day: int, bucket: Bucket) -> Days:
    """The first days of all buckets that have a day in [first_day, last_day], as day numbers, ascending.

    The first one may begin before `first_day`.
    """
    if last_day < first_day:
        return np.zeros(0, dtype=np.int64)
    days = np.arange(first_day, last_day + 1, dtype=np.int64)
    if bucket is Bucket.DAY:
        return days
    if bucket is Bucket.WEEK:
        return np.unique(days - weekdays(days))
    unit = "datetime64[M]" if bucket is Bucket.MONTH else "datetime64[Y]"
    starts = days.astype("datetime64[D]").astype(unit).astype("datetime64[D]").astype(np.int64)
    return np.unique(starts)
