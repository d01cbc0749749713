"""When somebody listens over the years: more in some weeks than in others, in sessions, seldom at night."""

from collections.abc import Iterator
from math import sin, tau
from random import Random
from typing import Final

_SESSION_ROWS: Final = 14
# How likely a session begins in each hour, in UTC.
_HOURS: Final = (1, 1, 0, 0, 0, 1, 4, 8, 9, 6, 5, 5, 6, 6, 5, 5, 7, 9, 10, 9, 8, 7, 5, 3)


def rows_of_days(rows: int, *, days: int, roll: Random) -> Iterator[int]:
    """How many rows each day has; `rows` together."""
    weights = [
        (1 + 0.5 * sin(tau * day / 190)) * (1.3 if day % 7 in {4, 5} else 1.0) * roll.uniform(0.3, 1.7)
        for day in range(days)
    ]
    total, before, reached = sum(weights), 0, 0.0
    for weight in weights:
        reached += weight
        count = round(rows * reached / total) - before
        before += count
        yield count


def session_starts(rows: int, roll: Random) -> list[int]:
    """Seconds of a day at which sessions begin, in order, enough for `rows` rows."""
    count = max(1, round(rows / _SESSION_ROWS))
    hours = roll.choices(range(24), weights=_HOURS, k=count)
    return sorted(3600 * hour + roll.randrange(3600) for hour in hours)


class DayClock:
    """Lets the rows of one day follow each other: within a session at once."""

    def __init__(self, midnight: int, rows: int, earliest: int, roll: Random) -> None:
        self._starts = [midnight + start for start in session_starts(rows, roll)]
        self._starts.reverse()
        self._left = 0
        self._per_session = -(-rows // len(self._starts))
        self._roll = roll
        self.now = max(earliest, midnight)

    def end_of(self, ms_played: int) -> int:
        """The second at which the next row ends; a very busy day goes on into the next one."""
        if self._left == 0 and self._starts:
            self.now = max(self.now, self._starts.pop())
            self._left = self._per_session
        self._left -= 1
        # A skip may end in the very second of the row before.
        self.now += ms_played // 1000 + (self._roll.random() < 0.8)
        return self.now
