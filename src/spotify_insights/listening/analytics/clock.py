"""When music plays on the listener's own clock, and how it differs between the parts of the day."""

import math
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from spotify_insights.audio_features.values import FEATURE_NAMES
from spotify_insights.listening.analytics.columns import HistoryColumns, PlayColumns, TrackColumns
from spotify_insights.listening.analytics.evidence import Coverage, Missing, why_thin
from spotify_insights.listening.analytics.feature_profile import median_of_sorted, plane_coverage
from spotify_insights.listening.analytics.known_features import MEDIAN, HeardFeatures, known_features
from spotify_insights.listening.analytics.listened_weights import WeighedTracks, dot, play_weights
from spotify_insights.listening.analytics.local_time import (
    DAYS_PER_WEEK,
    EPOCH_WEEKDAY,
    SECONDS_PER_DAY,
    SECONDS_PER_HOUR,
    Moments,
    local_seconds,
)
from spotify_insights.listening.analytics.period import Period
from spotify_insights.listening.analytics.play_rule import (
    DEFAULT_COUNTING,
    Counting,
    all_counted,
    counted,
)
from spotify_insights.listening.analytics.room import appended
from spotify_insights.listening.rhythm import SHORTEST_DIRECTION

_HOURS: Final = 24


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
_PARTS: Final = tuple(DayPart)


@dataclass(frozen=True, slots=True)
class FeatureDeviation:
    """How far a part of the day lies from the whole: the centre in the part less that of all plays.

    Centres are weighted means, for tempo weighted medians. `n` tracks of the part have the feature.
    `deviation` is None, and `missing` says why, where the part or the whole has too little of it.
    """

    name: str
    deviation: float | None
    n: int
    missing: Missing | None


@dataclass(frozen=True, slots=True)
class PartOfDay:
    part: DayPart
    from_hour: int
    to_hour: int
    plays: int
    ms: int
    share: float | None
    """Of all plays; None without any."""
    deviations: tuple[FeatureDeviation, ...]


@dataclass(frozen=True, slots=True)
class Clock:
    """Plays and time heard by weekday (seven rows, from Monday) and hour (24 columns, from midnight).

    `mean_hour` in [0, 24) is None where plays cancel each other out; `concentration` in [0, 1] is None
    without plays. `ms` is the time heard in plays that tell it; `plays_without_ms` of all plays do not.
    `coverage` is that of the whole, behind the deviations of the parts.
    """

    plays: tuple[tuple[int, ...], ...]
    ms: tuple[tuple[int, ...], ...]
    mean_hour: float | None
    concentration: float | None
    parts: tuple[PartOfDay, ...]
    plays_without_ms: int
    coverage: Coverage


def clock(history: HistoryColumns, period: Period, counting: Counting = DEFAULT_COUNTING) -> Clock:
    """Hours and weekdays of a period, with the definitions of `rhythm.listening_rhythm`.

    A play counts at its end, once, at the hour that the wall clock showed. Mean hour and concentration are
    direction and length of `(sum e^(2 pi i h / 24)) / n` (Mardia and Jupp 2000, Directional Statistics, 2.2).
    """
    plays = counted(history, period.since, period.until, counting)
    shown = history.held.get(
        ShownByClock(counting, period.timezone),
        lambda: appended(
            np.empty(0, np.uint32), seconds_of_week(all_counted(history, counting).ended_at, period.timezone)
        ),
    )
    wall = shown[plays.place : plays.place + len(plays)]
    cells = DAYS_PER_WEEK * _HOURS
    cell = wall // np.uint32(SECONDS_PER_HOUR)
    by_cell = np.bincount(cell, minlength=cells)
    # As doubles at once: bincount converts whole numbers one by one. Their sums are exact up to 2 ** 53.
    ms = np.maximum(plays.ms_played, 0).astype(np.float64)
    ms_by_cell = np.bincount(cell, weights=ms, minlength=cells).astype(np.int64)
    # Less the days by themselves: the remainder would take five times as long.
    mean_hour, concentration = _circular_mean(
        wall - wall // np.uint32(SECONDS_PER_DAY) * np.uint32(SECONDS_PER_DAY)
    )
    heard, weights = _weights_of_parts(plays, history.tracks, cell)
    return Clock(
        plays=_rows(by_cell),
        ms=_rows(ms_by_cell),
        mean_hour=mean_hour,
        concentration=concentration,
        parts=_parts(len(plays), by_cell, ms_by_cell, _deviations(heard, weights, history.tracks)),
        plays_without_ms=int(np.count_nonzero(plays.ms_played < 0)),
        coverage=plane_coverage(WeighedTracks(heard, weights[-1, heard]), history.tracks),
    )


@dataclass(frozen=True, slots=True)
class ShownByClock:
    """The name, beside a history, of `seconds_of_week` for all its plays that count: 4 bytes for each."""

    counting: Counting
    timezone: str


def seconds_of_week(moments: Moments, timezone: str) -> NDArray[np.uint32]:
    """What the wall clock shows at these ascending moments, from 0:00 on Monday."""
    wall = local_seconds(moments, timezone) + EPOCH_WEEKDAY * SECONDS_PER_DAY
    return (wall % (DAYS_PER_WEEK * SECONDS_PER_DAY)).astype(np.uint32)


def _rows(cells: NDArray[np.int64]) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(row) for row in cells.reshape(DAYS_PER_WEEK, _HOURS).tolist())


@lru_cache(maxsize=1)
def _directions() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    # A day has few different seconds, and a history many plays: the angles are made once.
    angles = np.arange(SECONDS_PER_DAY) * (math.tau / SECONDS_PER_DAY)
    return np.cos(angles), np.sin(angles)


def _circular_mean(second: NDArray[np.uint32]) -> tuple[float | None, float | None]:
    if not len(second):
        return None, None
    plays = np.bincount(second, minlength=SECONDS_PER_DAY).astype(np.float64)
    east, north = (dot(plays, directions) / len(second) for directions in _directions())
    length = math.hypot(east, north)
    if length < SHORTEST_DIRECTION:
        return None, 0.0
    mean_hour = math.atan2(north, east) * _HOURS / math.tau % _HOURS
    return (0.0 if mean_hour >= _HOURS else mean_hour), min(length, 1.0)


def _part_of_hour() -> NDArray[np.int64]:
    part = np.zeros(_HOURS, dtype=np.int64)
    for index, name in enumerate(_PARTS):
        begins, ends = name.hours
        length = (ends - begins) % _HOURS
        part[np.arange(begins, begins + length) % _HOURS] = index
    return part


def _parts(
    plays: int,
    by_cell: NDArray[np.int64],
    ms_by_cell: NDArray[np.int64],
    deviations: tuple[tuple[FeatureDeviation, ...], ...],
) -> tuple[PartOfDay, ...]:
    part_of_cell = _part_of_cell()
    counts = np.bincount(part_of_cell, weights=by_cell, minlength=len(_PARTS))
    ms = np.bincount(part_of_cell, weights=ms_by_cell, minlength=len(_PARTS))
    return tuple(
        PartOfDay(
            part=part,
            from_hour=part.hours[0],
            to_hour=part.hours[1],
            plays=int(counts[index]),
            ms=int(ms[index]),
            share=int(counts[index]) / plays if plays else None,
            deviations=deviations[index],
        )
        for index, part in enumerate(_PARTS)
    )


@lru_cache(maxsize=1)
def _part_of_cell() -> NDArray[np.int64]:
    return np.tile(_part_of_hour(), DAYS_PER_WEEK)


def _weights_of_parts(
    plays: PlayColumns, tracks: TrackColumns, cell: NDArray[np.uint32]
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """The tracks that were heard, and what every track weighs in each part of the day, a row for each part.

    The last row is the whole.
    """
    key = (_part_of_cell() * len(tracks))[cell]
    key += plays.track
    sums = np.bincount(key, weights=play_weights(plays, tracks), minlength=len(_PARTS) * len(tracks))
    weights = np.empty((len(_PARTS) + 1, len(tracks)))
    weights[:-1] = sums.reshape(len(_PARTS), len(tracks))
    weights[:-1].sum(axis=0, out=weights[-1])
    return np.flatnonzero(weights[-1] > 0), weights


def _deviations(
    heard: NDArray[np.intp], weights: NDArray[np.float64], tracks: TrackColumns
) -> tuple[tuple[FeatureDeviation, ...], ...]:
    totals = weights.sum(axis=1)
    shape = len(_PARTS) + 1, len(FEATURE_NAMES)
    n, weight, centres = np.zeros(shape, dtype=np.int64), np.zeros(shape), np.zeros(shape)
    for known in known_features(tracks):
        of_known = known.of_heard(heard, weights)
        sums, columns = of_known.weights.sum(axis=1), list(known.columns)
        n[:, columns] = [[np.count_nonzero(row)] for row in of_known.weights > 0]
        weight[:, columns] = sums[:, None]
        centres[:, columns] = _centres(of_known, sums)
    coverage = weight / np.where(totals > 0, totals, 1.0)[:, None]
    missing = [
        [
            (
                why_thin(int(n[row, column]), float(coverage[row, column]))
                if totals[row] > 0
                else Missing.NO_PLAYS
            )
            for column in range(len(FEATURE_NAMES))
        ]
        for row in range(len(_PARTS) + 1)
    ]
    return tuple(
        tuple(
            FeatureDeviation(
                name=name,
                deviation=None if why else float(centres[row, column] - centres[-1, column]),
                n=int(n[row, column]),
                missing=why,
            )
            for column, name in enumerate(FEATURE_NAMES)
            for why in (missing[row][column] or missing[-1][column],)
        )
        for row in range(len(_PARTS))
    )


def _centres(heard: HeardFeatures, sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """The centre of each feature, in columns, for each row of weights, with their `sums`; 0 where none is.

    The last row of the weights is the sum of the others.
    """
    centres = np.empty((len(sums), len(heard.values)))
    np.einsum("ij,kj->ik", heard.weights[:-1], heard.values, out=centres[:-1])
    centres[:-1].sum(axis=0, out=centres[-1])
    centres /= np.where(sums > 0, sums, 1.0)[:, None]
    if MEDIAN in heard.known.columns:
        index = heard.known.columns.index(MEDIAN)
        for row in np.flatnonzero(sums > 0).tolist():
            centres[row, index] = median_of_sorted(heard.values[index], heard.weights[row])
    return centres
