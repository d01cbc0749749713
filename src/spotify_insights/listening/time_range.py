"""How far back a snapshot looks: one of Spotify's three windows, or a week of the listener's own calendar."""

from datetime import timedelta
from enum import StrEnum


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
    """Ranges that Spotify does not know; they are computed from the plays that we hold."""

    WEEK = "week"


SnapshotRange = TimeRange | CalendarRange
"""What a snapshot may cover. Only a `TimeRange` can be asked of Spotify."""

_WINDOWS = {
    TimeRange.SHORT_TERM: timedelta(days=28),
    TimeRange.MEDIUM_TERM: timedelta(days=182),
    TimeRange.LONG_TERM: timedelta(days=365),
}
