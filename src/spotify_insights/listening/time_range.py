"""How far back a snapshot looks: one of Spotify's three windows, or a stretch of the listener's calendar."""

from datetime import timedelta
from enum import StrEnum
from typing import Final


class TimeRange(StrEnum):
    """How far back "top" items look (Spotify Web API reference, "Get User's Top Items")."""

    SHORT_TERM = "short_term"
    MEDIUM_TERM = "medium_term"
    LONG_TERM = "long_term"

    @property
    def window(self) -> timedelta:
        """About 4 weeks, 6 months and 1 year, in Spotify's own words."""
        return _WINDOWS[self]


class CalendarRange(StrEnum):
    """Ranges that Spotify does not know; they are computed from the plays that we hold.

    Each is the stretch of the listener's calendar in which the snapshot's day lies, from its beginning up to
    that day and including it: the snapshot of 31 October over `month` is about the whole of October, the one
    of 12 October about twelve days. A `week` is told when it is over, so its day is always a Saturday (see
    `listening.week`). `all_time` begins with the first play.
    """

    WEEK = "week"
    MONTH = "month"
    YEAR = "year"
    ALL_TIME = "all_time"


DAILY_RANGES: Final = (CalendarRange.MONTH, CalendarRange.YEAR, CalendarRange.ALL_TIME)
"""Those of which every day has a snapshot."""

SnapshotRange = TimeRange | CalendarRange
"""What a snapshot may cover. Only a `TimeRange` can be asked of Spotify."""

_WINDOWS = {
    TimeRange.SHORT_TERM: timedelta(days=28),
    TimeRange.MEDIUM_TERM: timedelta(days=182),
    TimeRange.LONG_TERM: timedelta(days=365),
}
