"""What the listener's clock showed at each play, and what is added up of it once for many views."""

import math
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from spotify_insights.listening.analytics.columns import HistoryColumns, TrackColumns
from spotify_insights.listening.analytics.counted_plays import CountedPlays
from spotify_insights.listening.analytics.local_time import (
    DAYS_PER_WEEK,
    EPOCH_WEEKDAY,
    SECONDS_PER_DAY,
    SECONDS_PER_HOUR,
    Moments,
    local_seconds,
)
from spotify_insights.listening.analytics.play_rule import Counting, all_counted
from spotify_insights.listening.analytics.room import appended

HOURS: Final = 24
CELLS: Final = DAYS_PER_WEEK * HOURS
"""The hours of a week, from Monday 0:00."""

STRETCH: Final = 2048
"""So many plays in a row are added up together."""


class DayPart(StrEnum):
    """Five parts of the day, the number that music listening has by Heggli et al. 2021.

    Royal Society Open Science, doi 10.1098/rsos.210885. Their parts are learnt from data; these borders, in
    full hours, are ours.
    """

    MORNING = "morning"
    MIDDAY = "midday"
    AFTERNOON = "afternoon"
    EVENING = "evening"
    NIGHT = "night"

    @property
    def hours(self) -> tuple[int, int]:
        """From the first hour until before the second; the night goes over midnight."""
        return _HOURS_OF_PARTS[self]


_HOURS_OF_PARTS: Final = {
    DayPart.MORNING: (6, 10),
    DayPart.MIDDAY: (10, 14),
    DayPart.AFTERNOON: (14, 18),
    DayPart.EVENING: (18, 23),
    DayPart.NIGHT: (23, 6),
}
PARTS: Final = tuple(DayPart)


@dataclass(frozen=True, slots=True)
class ShownByClock:
    """The name, beside a history, of the `WallClock` of all its plays that count."""

    counting: Counting
    timezone: str


@dataclass(frozen=True, slots=True)
class SumsByCell:
    """Plays and time heard, in milliseconds, by hour of the week, and the sum of all directions of the day.

    A direction is `(cos, sin)` of the second of the day, the whole day being a circle. The last axis is
    CELLS or the two coordinates; there may be one before it.
    """

    plays: NDArray[np.int64]
    ms: NDArray[np.int64]
    direction: NDArray[np.float64]

    def added_up(self, first: int, last: int) -> "SumsByCell":
        """The rows from `first` until before `last` in one."""
        chosen = slice(first, last)
        return SumsByCell(
            self.plays[chosen].sum(axis=0), self.ms[chosen].sum(axis=0), self.direction[chosen].sum(axis=0)
        )

    def and_also(self, other: "SumsByCell") -> "SumsByCell":
        return SumsByCell(self.plays + other.plays, self.ms + other.ms, self.direction + other.direction)


@dataclass(frozen=True, slots=True)
class WallClock:
    """All plays that count by the listener's clock: 3 bytes for a play and 48 for a track.

    Attributes:
        cell: the hour of the week of each play.
        stretches: the sums of each full STRETCH of plays, from the first play on.
        limited: for each part of the day, and last for the whole of it, the sum of `PlayColumns.limited_ms`
            of the plays of each track that tell it; whole numbers.
    """

    cell: NDArray[np.uint8]
    stretches: SumsByCell
    limited: NDArray[np.float64]

    def sums(self, plays: CountedPlays, timezone: str) -> SumsByCell:
        """The sums of some of the plays, in a row."""
        begin, end = plays.place, plays.place + len(plays)
        first, last = -(-begin // STRETCH), end // STRETCH
        if first >= last:
            return _sums_of(plays, timezone)
        head = plays.part(0, first * STRETCH - begin)
        tail = plays.part(last * STRETCH - begin, len(plays))
        inside = self.stretches.added_up(first, last)
        return inside.and_also(_sums_of(head, timezone)).and_also(_sums_of(tail, timezone))

    def weights_of_parts(
        self, plays: CountedPlays, all_plays: CountedPlays, tracks: TrackColumns
    ) -> NDArray[np.float64]:
        """What every track weighs in each part of the day, by `play_weights` of these plays, some in a row.

        Returns:
            A row for each part and one for the whole, a column for each track. Not to be written to.
        """
        begin, end = plays.place, plays.place + len(plays)
        if 2 * len(plays) > len(all_plays):
            # The plays outside are fewer. Whole numbers: what is taken away leaves nothing behind.
            limited = self.limited
            for outside in (all_plays.part(0, begin), all_plays.part(end, len(all_plays))):
                if len(outside):
                    limited = limited - self._limited(outside, tracks)
        else:
            limited = self._limited(plays, tracks)
        unknown = np.flatnonzero(plays.ms_played < 0)
        if not len(unknown):
            return limited
        known = len(plays) - len(unknown)
        mean = float(limited[-1].sum()) / known if known else 0.0
        key = _key(self.cell[begin:end][unknown], plays.track[unknown], len(tracks))
        times = np.bincount(key, minlength=len(PARTS) * len(tracks))
        return limited + _and_their_sum(times.reshape(len(PARTS), -1)) * (mean if mean > 0 else 1.0)

    def _limited(self, plays: CountedPlays, tracks: TrackColumns) -> NDArray[np.float64]:
        return _limited_of(plays, self.cell[plays.place : plays.place + len(plays)], tracks)

    def grown(self, kept: int, plays: CountedPlays, tracks: TrackColumns, timezone: str) -> "WallClock":
        """The same for more plays, of which the first `kept` are those that these columns began with.

        `tracks` begin with those from before.
        """
        more = plays.part(kept, len(plays))
        cell = appended(self.cell[:kept], cells(more.ended_at, timezone))
        full = kept // STRETCH
        sums = _sums_of_stretches(plays.part(full * STRETCH, len(plays)), timezone)
        before = self.stretches
        stretches = SumsByCell(
            np.concatenate((before.plays[:full], sums.plays)),
            np.concatenate((before.ms[:full], sums.ms)),
            np.concatenate((before.direction[:full], sums.direction)),
        )
        if kept < len(self.cell):
            return WallClock(cell, stretches, _limited_of(plays, cell, tracks))
        limited = np.zeros((len(PARTS) + 1, len(tracks)))
        limited[:, : self.limited.shape[1]] = self.limited
        _add_limited(limited, more, cell[kept:])
        return WallClock(cell, stretches, limited)


def wall_clock(history: HistoryColumns, counting: Counting, timezone: str) -> WallClock:
    """All plays of a history that count by the listener's clock. Held beside the history."""

    def made() -> WallClock:
        plays = all_counted(history, counting)
        cell = appended(np.empty(0, np.uint8), cells(plays.ended_at, timezone))
        return WallClock(cell, _sums_of_stretches(plays, timezone), _limited_of(plays, cell, history.tracks))

    return history.held.get(ShownByClock(counting, timezone), made)


def cells(moments: Moments, timezone: str) -> NDArray[np.uint8]:
    """The hour of the week that the wall clock shows at these ascending moments."""
    return (_seconds_of_week(moments, timezone) // np.uint32(SECONDS_PER_HOUR)).astype(np.uint8)


@lru_cache(maxsize=1)
def part_of_cell() -> NDArray[np.int64]:
    """The place in PARTS of each hour of the week."""
    part = np.zeros(HOURS, dtype=np.int64)
    for index, name in enumerate(PARTS):
        begins, ends = name.hours
        length = (ends - begins) % HOURS
        part[np.arange(begins, begins + length) % HOURS] = index
    return np.tile(part, DAYS_PER_WEEK)


def _seconds_of_week(moments: Moments, timezone: str) -> NDArray[np.uint32]:
    wall = local_seconds(moments, timezone) + EPOCH_WEEKDAY * SECONDS_PER_DAY
    return (wall % (DAYS_PER_WEEK * SECONDS_PER_DAY)).astype(np.uint32)


def _sums_of(plays: CountedPlays, timezone: str) -> SumsByCell:
    second = _seconds_of_week(plays.ended_at, timezone)
    cell = second // np.uint32(SECONDS_PER_HOUR)
    # As doubles at once: bincount converts whole numbers one by one. Their sums are exact up to 2 ** 53.
    ms = np.maximum(plays.ms_played, 0).astype(np.float64)
    of_day = second % np.uint32(SECONDS_PER_DAY)
    return SumsByCell(
        np.bincount(cell, minlength=CELLS),
        np.bincount(cell, weights=ms, minlength=CELLS).astype(np.int64),
        np.array([np.take(coordinate, of_day).sum() for coordinate in _directions()]),
    )


def _sums_of_stretches(plays: CountedPlays, timezone: str) -> SumsByCell:
    """The sums of each full stretch of these plays, the first of which begins one."""
    sums = [
        _sums_of(plays.part(first, first + STRETCH), timezone)
        for first in range(0, len(plays) - STRETCH + 1, STRETCH)
    ]
    return SumsByCell(
        np.array([each.plays for each in sums], dtype=np.int64).reshape(-1, CELLS),
        np.array([each.ms for each in sums], dtype=np.int64).reshape(-1, CELLS),
        np.array([each.direction for each in sums], dtype=np.float64).reshape(-1, 2),
    )


@lru_cache(maxsize=1)
def _directions() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    # A day has few different seconds, and a history many plays: the angles are made once.
    angles = np.arange(SECONDS_PER_DAY) * (math.tau / SECONDS_PER_DAY)
    return np.cos(angles), np.sin(angles)


def _key(cell: NDArray[np.uint8], track: NDArray[np.int32], number_of_tracks: int) -> NDArray[np.int64]:
    """One number for the part of the day and the track."""
    key = (part_of_cell() * number_of_tracks)[cell]
    key += track
    return key


def _limited_of(plays: CountedPlays, cell: NDArray[np.uint8], tracks: TrackColumns) -> NDArray[np.float64]:
    key = _key(cell, plays.track, len(tracks))
    ms = np.maximum(plays.limited, 0).astype(np.float64)
    sums = np.bincount(key, weights=ms, minlength=len(PARTS) * len(tracks))
    return _and_their_sum(sums.reshape(len(PARTS), -1))


def _and_their_sum(rows: NDArray[np.float64] | NDArray[np.int64]) -> NDArray[np.float64]:
    """These rows, and their sum in one more."""
    every = np.empty((len(rows) + 1, rows.shape[1]))
    every[:-1] = rows
    every[:-1].sum(axis=0, out=every[-1])
    return every


def _add_limited(sums: NDArray[np.float64], plays: CountedPlays, cell: NDArray[np.uint8]) -> None:
    ms = np.maximum(plays.limited, 0)
    np.add.at(sums, (part_of_cell()[cell], plays.track), ms)
    np.add.at(sums[-1], plays.track, ms)
