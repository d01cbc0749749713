"""When too little is known to show a figure, and how that is said."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from spotify_insights.listening.take_snapshot import MINIMUM_COVERAGE, MINIMUM_TRACKS

# As fine as a snapshot stores it: both judge the same number.
_DECIMALS: Final = 6


class Missing(StrEnum):
    """Why a figure is not there."""

    NO_PLAYS = "no_plays"
    LOW_COVERAGE = "low_coverage"
    """Less than 40 % of what was heard has the features."""
    FEW_TRACKS = "few_tracks"
    """Fewer than ten tracks, or what unequal weights leave of them, have the features."""
    FEW_DAYS = "few_days"
    """Too few of the days before have enough tracks."""
    SHORT_HISTORY = "short_history"
    """The plays we hold do not go back far enough before the period."""
    UNKNOWN_TIME = "unknown_time"
    """A part of the plays does not tell how long it was."""
    NO_SPREAD = "no_spread"
    """All days before were alike, so there is no measure for how unusual the last ones are."""
    NOTHING_BEFORE = "nothing_before"
    """There is no period, or no play, to compare with."""
    COVERAGE_CHANGED = "coverage_changed"
    """What is known changed too much to tell it from a change of the music."""
    SUPPLIERS_CHANGED = "suppliers_changed"
    """Others than before supply what is known, and may measure it in another way."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of the music has both valence and energy.

    `tracks` were heard, `tracks_with_features` of them have both; `share` is their part of the weight,
    which is time heard (`listened_weights.py`), 0 where nothing was heard.
    """

    tracks: int
    tracks_with_features: int
    share: float


def why_thin(tracks: int, share: float) -> Missing | None:
    """None where there is enough to show moods and features: the limits of snapshots, themselves included."""
    if round(share, _DECIMALS) < MINIMUM_COVERAGE:
        return Missing.LOW_COVERAGE
    if tracks < MINIMUM_TRACKS:
        return Missing.FEW_TRACKS
    return None


def why_each_uncovered(
    tracks: NDArray[np.int64], tracks_with_features: NDArray[np.int64], shares: NDArray[np.float64]
) -> tuple[Missing | None, ...]:
    """`why_uncovered` for many, each with its three figures of `Coverage`."""
    answers = np.full(len(tracks), None, dtype=np.object_)
    answers[tracks_with_features < MINIMUM_TRACKS] = Missing.FEW_TRACKS
    answers[np.round(shares, _DECIMALS) < MINIMUM_COVERAGE] = Missing.LOW_COVERAGE
    answers[tracks == 0] = Missing.NO_PLAYS
    each: list[Missing | None] = answers.tolist()
    return tuple(each)


def why_uncovered(coverage: Coverage) -> Missing | None:
    """As `why_thin`, and `NO_PLAYS` where nothing was heard at all."""
    if coverage.tracks == 0:
        return Missing.NO_PLAYS
    return why_thin(coverage.tracks_with_features, coverage.share)
