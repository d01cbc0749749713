"""When music plays on the listener's own clock, and how it differs between the parts of the day."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spotify_insights.audio_features.values import FEATURE_NAMES
from spotify_insights.listening.analytics.columns import HistoryColumns, TrackColumns
from spotify_insights.listening.analytics.evidence import Coverage, Missing, why_thin
from spotify_insights.listening.analytics.feature_profile import median_of_sorted, plane_coverage
from spotify_insights.listening.analytics.known_features import MEDIAN, HeardFeatures, known_features
from spotify_insights.listening.analytics.listened_weights import WeighedTracks
from spotify_insights.listening.analytics.local_time import DAYS_PER_WEEK
from spotify_insights.listening.analytics.period import Period
from spotify_insights.listening.analytics.play_rule import (
    DEFAULT_COUNTING,
    Counting,
    all_counted,
    counted,
)
from spotify_insights.listening.analytics.wall_clock import (
    HOURS,
    PARTS,
    DayPart,
    SumsByCell,
    part_of_cell,
    wall_clock,
)
from spotify_insights.listening.rhythm import SHORTEST_DIRECTION


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
    shown = wall_clock(history, counting, period.timezone)
    sums = shown.sums(plays, period.timezone)
    mean_hour, concentration = _circular_mean(sums.direction, len(plays))
    weights = shown.weights_of_parts(plays, all_counted(history, counting), history.tracks)
    heard = np.flatnonzero(weights[-1] > 0)
    return Clock(
        plays=_rows(sums.plays),
        ms=_rows(sums.ms),
        mean_hour=mean_hour,
        concentration=concentration,
        parts=_parts(len(plays), sums, _deviations(heard, weights, history.tracks)),
        plays_without_ms=int(np.count_nonzero(plays.ms_played < 0)),
        coverage=plane_coverage(WeighedTracks(heard, weights[-1, heard]), history.tracks),
    )


def _rows(cells: NDArray[np.int64]) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(row) for row in cells.reshape(DAYS_PER_WEEK, HOURS).tolist())


def _circular_mean(direction: NDArray[np.float64], plays: int) -> tuple[float | None, float | None]:
    if not plays:
        return None, None
    east, north = (direction / plays).tolist()
    length = math.hypot(east, north)
    if length < SHORTEST_DIRECTION:
        return None, 0.0
    mean_hour = math.atan2(north, east) * HOURS / math.tau % HOURS
    return (0.0 if mean_hour >= HOURS else mean_hour), min(length, 1.0)


def _parts(
    plays: int, sums: SumsByCell, deviations: tuple[tuple[FeatureDeviation, ...], ...]
) -> tuple[PartOfDay, ...]:
    part = part_of_cell()
    counts = np.bincount(part, weights=sums.plays, minlength=len(PARTS))
    ms = np.bincount(part, weights=sums.ms, minlength=len(PARTS))
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
        for index, part in enumerate(PARTS)
    )


def _deviations(
    heard: NDArray[np.intp], weights: NDArray[np.float64], tracks: TrackColumns
) -> tuple[tuple[FeatureDeviation, ...], ...]:
    totals = weights.sum(axis=1)
    shape = len(PARTS) + 1, len(FEATURE_NAMES)
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
        for row in range(len(PARTS) + 1)
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
        for row in range(len(PARTS))
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
