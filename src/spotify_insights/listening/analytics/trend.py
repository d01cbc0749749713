"""The last seven days against the four weeks before them."""

import math
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from spotify_insights.listening.analytics.columns import HistoryColumns, TrackColumns
from spotify_insights.listening.analytics.comparable import why_incomparable
from spotify_insights.listening.analytics.counted_plays import CountedPlays
from spotify_insights.listening.analytics.daily_centres import DailyCentres, daily_centres
from spotify_insights.listening.analytics.evidence import Missing
from spotify_insights.listening.analytics.feature_profile import FeatureFigures, FeatureProfile, profile_of
from spotify_insights.listening.analytics.local_time import day_begins, day_number
from spotify_insights.listening.analytics.play_rule import DEFAULT_COUNTING, Counting, counted

RECENT_DAYS: Final = 7
BASELINE_DAYS: Final = 28
MINIMUM_BASELINE_DAYS: Final = 14
CALLED_FROM: Final = 2.0

MAD_TO_SD: Final = 1.4826
"""In normal data the standard deviation is this many median absolute deviations."""

# Days that differ by float noise are alike.
_NOISE: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Trend:
    """One daily figure: `recent` of the last seven days, `usual` the median of the days before them.

    `z = (recent - usual) / (1.4826 MAD)`, MAD the median distance of the days before from their median.
    `called` says that it stands out. Single days vary more than the mean of seven, so little is called, and
    what is called is clear. `missing` says why there is no z, or why one beyond 2 is not called.
    """

    name: str
    recent: float | None
    usual: float | None
    z: float | None
    called: bool
    missing: Missing | None


@dataclass(frozen=True, slots=True)
class Trends:
    """`last_day` is the last of the seven, the day before today: a day that is not over would look quiet."""

    last_day: date
    plays: Trend
    ms: Trend
    features: tuple[Trend, ...]


def trends(
    history: HistoryColumns, *, timezone: str, today: date, counting: Counting = DEFAULT_COUNTING
) -> Trends:
    """Trends of plays and milliseconds heard per day, and of each audio feature, up to yesterday.

    Robust z: Iglewicz and Hoaglin 1993, How to Detect and Handle Outliers; called where |z| is CALLED_FROM
    or more. A feature needs what a snapshot needs in the seven days, and in each of the MINIMUM_BASELINE_DAYS
    or more days before; days with less are left out. It is called only where it is known in the seven days as
    in those days before: with coverage that differs by less than STEADY_COVERAGE, and less than
    STEADY_SUPPLIERS of the weight from other suppliers (`comparable.py`).
    They describe the music: nothing follows from them for the listener's health.
    """
    yesterday = today - timedelta(days=1)
    first = day_number(today) - RECENT_DAYS - BASELINE_DAYS
    begins = day_begins(np.arange(first, day_number(today) + 1, dtype=np.int64), timezone)
    plays = counted(history, int(begins[0]), int(begins[-1]), counting)
    cuts = np.searchsorted(plays.ended_at, begins)
    short = not len(history.plays) or int(history.plays.ended_at[0]) >= int(begins[1])
    why = Missing.SHORT_HISTORY if short else None
    why_no_ms = why or (Missing.UNKNOWN_TIME if (plays.ms_played < 0).any() else None)
    counts = np.diff(cuts).astype(np.float64)
    known_ms = np.concatenate(([0], np.cumsum(np.maximum(plays.ms_played, 0), dtype=np.int64)))
    ms = np.diff(known_ms[cuts]).astype(np.float64)
    return Trends(
        last_day=yesterday,
        plays=_daily_trend("plays", counts, why),
        ms=_daily_trend("ms", ms, why_no_ms),
        features=_feature_trends(plays, history.tracks, cuts),
    )


def _daily_trend(name: str, days: NDArray[np.float64], missing: Missing | None) -> Trend:
    if missing is not None:
        return Trend(name, None, None, None, called=False, missing=missing)
    return _trend(name, float(days[BASELINE_DAYS:].mean()), days[:BASELINE_DAYS], None)


def _feature_trends(plays: CountedPlays, tracks: TrackColumns, cuts: NDArray[np.intp]) -> tuple[Trend, ...]:
    recent = profile_of(plays.part(int(cuts[BASELINE_DAYS]), int(cuts[-1])), tracks)
    # Mostly all features are shown on the same days.
    known: dict[bytes, FeatureProfile] = {}

    def baseline(days: NDArray[np.intp]) -> FeatureProfile:
        """What is known of these days alone: those that are left out say nothing of the others."""
        name = days.tobytes()
        if name not in known:
            chosen = np.zeros(len(cuts) - 1, dtype=np.bool_)
            chosen[days] = True
            known[name] = profile_of(plays.where(np.flatnonzero(np.repeat(chosen, np.diff(cuts)))), tracks)
        return known[name]

    return tuple(
        _feature_trend(recent.features[column], usual, baseline(usual.days).features[column])
        for column, usual in enumerate(daily_centres(plays, tracks, cuts[: BASELINE_DAYS + 1]))
    )


def _feature_trend(now: FeatureFigures, usual: DailyCentres, baseline: FeatureFigures) -> Trend:
    if now.mean is None:
        return Trend(now.name, None, None, None, called=False, missing=now.missing)
    if len(usual.days) < MINIMUM_BASELINE_DAYS:
        return Trend(now.name, now.mean, None, None, called=False, missing=Missing.FEW_DAYS)
    return _trend(now.name, now.mean, usual.centres, why_incomparable(now, baseline))


def _trend(name: str, recent: float, days: NDArray[np.float64], not_called: Missing | None) -> Trend:
    usual = float(np.median(days))
    deviation = float(np.median(np.abs(days - usual))) * MAD_TO_SD
    if deviation <= _NOISE * max(1.0, math.fabs(usual)):
        return Trend(name, recent, usual, None, called=False, missing=Missing.NO_SPREAD)
    z = (recent - usual) / deviation
    stands_out = abs(z) >= CALLED_FROM
    if stands_out and not_called is not None:
        return Trend(name, recent, usual, z, called=False, missing=not_called)
    return Trend(name, recent, usual, z, called=stands_out, missing=None)
