"""Which rows of a history somebody wants to see."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final
from uuid import UUID

import numpy as np

from spotify_insights.database.hot_read import HotRead
from spotify_insights.errors import InvalidInputError
from spotify_insights.listening.analytics.local_time import day_begins, day_number
from spotify_insights.listening.name_key import artist_key

_TIMEZONE: Final = "SELECT u.timezone FROM users u WHERE u.id = %(user_id)s"
_EARLIEST: Final = date(1970, 1, 1)
_LATEST: Final = date(2199, 12, 31)

Position = tuple[datetime, int]
"""Where a page ends: the moment and the key of its last row."""

# By the choice that it belongs to.
_CONDITIONS: Final = {
    "since": "p.ended_at >= %(since)s",
    "until": "p.ended_at < %(until)s",
    "artist": """p.track_id IN (
        SELECT c.track_id FROM track_artists c JOIN artists a ON a.id = c.artist_id
         WHERE a.spotify_id = %(artist)s OR a.name_key = %(artist_key)s)""",
    # The tracks are found first, as an array: otherwise the name of each play's track would be compared.
    "track": """p.track_id = ANY(ARRAY(
        SELECT t.id FROM tracks t WHERE t.spotify_id = %(track)s OR lower(t.name) = lower(%(track)s)))""",
    "source": "p.source = %(source)s",
    # Where the time is unknown, nobody can say that it was shorter.
    "min_ms": "coalesce(p.ms_played >= %(min_ms)s, true)",
}
# As in the columns that views are computed from.
_NOT_SKIPPED: Final = (
    "NOT (coalesce(p.skipped, false) OR coalesce(p.reason_end IN ('fwdbtn', 'backbtn'), false))"
)
_NOT_SUPERSEDED: Final = "NOT p.superseded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Rows that ended in [since, until) and are like this; None chooses nothing.

    `artist` is any of those credited, by name or Spotify id; `track` a title or Spotify id.
    """

    since: datetime | None = None
    until: datetime | None = None
    artist: str | None = None
    track: str | None = None
    source: str | None = None
    min_ms: int | None = None
    include_skips: bool = True
    include_superseded: bool = False

    @property
    def condition(self) -> str:
        """The SQL condition on rows `p` of plays."""
        conditions: Sequence[str] = [
            *(sql for name, sql in _CONDITIONS.items() if getattr(self, name) is not None),
            *(() if self.include_skips else (_NOT_SKIPPED,)),
            *(() if self.include_superseded else (_NOT_SUPERSEDED,)),
        ]
        return " AND ".join(("p.user_id = %(user_id)s", *conditions))

    @property
    def parameters(self) -> dict[str, Any]:
        """Its values, but for `user_id`."""
        return {
            **{name: getattr(self, name) for name in _CONDITIONS},
            "artist_key": None if self.artist is None else artist_key(self.artist),
        }


def timezone_of(user_id: UUID) -> HotRead:
    """The listener's zone; no row where there is no such listener."""
    return HotRead(_TIMEZONE, {"user_id": user_id})


def moments_of(
    first_day: date | None, last_day: date | None, timezone: str
) -> tuple[datetime | None, datetime | None]:
    """The moments at which the first day begins and the last one is over, in the listener's calendar.

    Raises:
        InvalidInputError: the days are out of range or in the wrong order; the field is `from` or `to`.
    """
    for field, day in (("from", first_day), ("to", last_day)):
        if day is not None and not _EARLIEST <= day <= _LATEST:
            raise InvalidInputError(f"{day} is too far away; choose a day from 1970 to 2199.", field=field)
    if first_day is not None and last_day is not None and last_day < first_day:
        raise InvalidInputError(
            f"The last day, {last_day}, lies before the first, {first_day}; swap the two.", field="to"
        )
    return (
        None if first_day is None else _begin_of(day_number(first_day), timezone),
        None if last_day is None else _begin_of(day_number(last_day) + 1, timezone),
    )


def _begin_of(day: int, timezone: str) -> datetime:
    return datetime.fromtimestamp(int(day_begins(np.array([day], np.int64), timezone)[0]), UTC)
