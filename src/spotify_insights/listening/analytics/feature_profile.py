"""The sound of what was heard: centre, spread and certainty of each audio feature."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spotify_insights.audio_features.values import FEATURE_NAMES
from spotify_insights.listening.analytics.columns import PROVIDERS, HistoryColumns, PlayColumns, TrackColumns
from spotify_insights.listening.analytics.evidence import Coverage, Missing, why_thin, why_uncovered
from spotify_insights.listening.analytics.listened_weights import (
    WeighedTracks,
    dot,
    effective_number,
    weigh_tracks,
)
from spotify_insights.listening.analytics.period import Period
from spotify_insights.listening.analytics.play_rule import DEFAULT_COUNTING, Counting, counted
from spotify_insights.listening.feature_summary import (
    FEATURES_WITH_MEDIAN,
    HALF_TOLERANCE,
    NORMAL_QUANTILE_95,
)

VALENCE = FEATURE_NAMES.index("valence")
ENERGY = FEATURE_NAMES.index("energy")


@dataclass(frozen=True, slots=True)
class ProviderShare:
    """Who supplied a feature, and for which part of the weight that has it; the parts add up to 1."""

    provider: str
    share: float


@dataclass(frozen=True, slots=True)
class FeatureFigures:
    """One audio feature over the tracks that have it.

    `n` tracks have it and carry the part `coverage` of the weight of all. `mean` is weighted by time heard
    (the weighted median for tempo), `spread` the weighted standard deviation, `n_eff` the number of equally
    weighted tracks that carry as much information, `margin` half the width of the mean's 95 % interval. The
    four are None, and `missing` says why, where coverage or n is below what a snapshot shows.
    """

    name: str
    n: int
    coverage: float
    mean: float | None
    spread: float | None
    n_eff: float | None
    margin: float | None
    providers: tuple[ProviderShare, ...]
    missing: Missing | None


@dataclass(frozen=True, slots=True)
class FeatureProfile:
    """All features, in the order of FEATURE_NAMES.

    Where `missing` says that valence and energy are too little known, no feature has figures, as in a
    snapshot; one that is less known than these is left out by itself.
    """

    coverage: Coverage
    features: tuple[FeatureFigures, ...]
    missing: Missing | None


def feature_profile(
    history: HistoryColumns, period: Period, counting: Counting = DEFAULT_COUNTING
) -> FeatureProfile:
    """The profile of one period: see `profile_of`."""
    return profile_of(counted(history, period.since, period.until, counting), history.tracks)


def profile_of(plays: PlayColumns, tracks: TrackColumns) -> FeatureProfile:
    """The profile of some plays, with the definitions of `feature_summary.summarise_features`.

    With weights w (`listened_weights.py`) and values x of the tracks that have the feature:
    `m = sum w x / sum w`; `SD = sqrt(sum w (x - m)^2 / sum w)`; `n_eff = (sum w)^2 / sum w^2` (Kish 1965,
    Survey Sampling, section 11.7); `margin = 1.96 SD / sqrt(n_eff)`. Nothing is filled in for others.
    """
    return profile_of_weighed(weigh_tracks(plays, tracks), tracks)


def profile_of_weighed(
    weighed: WeighedTracks, tracks: TrackColumns, *, only: NDArray[np.bool_] | None = None
) -> FeatureProfile:
    """As `profile_of`, for tracks that were weighed already.

    `only` takes what is known of the other tracks for unknown; they keep their weight in every coverage.
    """
    values = tracks.features[weighed.rows]
    known = ~np.isnan(values)
    if only is not None:
        known &= only[:, None]
    coverage = plane_coverage(weighed, known)
    missing = why_uncovered(coverage)
    providers = tracks.providers[weighed.rows]
    figures: list[FeatureFigures] = []
    for columns, chosen in columns_by_known(known):
        weights = weighed.weights[chosen]
        for column in columns:
            figures.append(  # noqa: PERF401
                _figures(
                    column, values[chosen, column], weights, weighed.total, providers[chosen, column], missing
                )
            )
    return FeatureProfile(coverage=coverage, features=tuple(figures), missing=missing)


def columns_by_known(known: NDArray[np.bool_]) -> Iterator[tuple[list[int], NDArray[np.intp]]]:
    """Neighbouring features that the same tracks have, in order, with the positions of these tracks.

    Most providers know all of a track's features or none, so one choice of tracks mostly serves all.
    """
    by_column = np.ascontiguousarray(known.T)
    begin = 0
    for column in range(1, len(by_column) + 1):
        if column == len(by_column) or not np.array_equal(by_column[column], by_column[begin]):
            yield list(range(begin, column)), np.flatnonzero(by_column[begin])
            begin = column


def plane_coverage(weighed: WeighedTracks, known: NDArray[np.bool_]) -> Coverage:
    """Coverage by the mood plane: a track has features when both its valence and its energy are known."""
    placed = known[:, VALENCE] & known[:, ENERGY]
    total = weighed.total
    return Coverage(
        tracks=len(weighed.rows),
        tracks_with_features=int(np.count_nonzero(placed)),
        share=dot(weighed.weights, placed) / total if total > 0 else 0.0,
    )


def _figures(
    column: int,
    stored: NDArray[np.float32],
    weights: NDArray[np.float64],
    total: float,
    providers: NDArray[np.int8],
    missing: Missing | None,
) -> FeatureFigures:
    name, weight = FEATURE_NAMES[column], float(weights.sum())
    coverage = weight / total if total > 0 else 0.0
    missing = missing or why_thin(len(stored), coverage)
    shares = _provider_shares(providers, weights)
    if missing is not None:
        return FeatureFigures(name, len(stored), coverage, None, None, None, None, shares, missing)
    values = stored.astype(np.float64)
    mean = dot(weights, values) / weight
    distances = values - mean
    spread = math.sqrt(dot(weights, distances * distances) / weight)
    n_eff = effective_number(weights)
    return FeatureFigures(
        name=name,
        n=len(stored),
        coverage=coverage,
        mean=weighted_median(values, weights) if name in FEATURES_WITH_MEDIAN else mean,
        spread=spread,
        n_eff=n_eff,
        margin=NORMAL_QUANTILE_95 * spread / math.sqrt(n_eff),
        providers=shares,
        missing=None,
    )


def _provider_shares(providers: NDArray[np.int8], weights: NDArray[np.float64]) -> tuple[ProviderShare, ...]:
    # Nobody is -1 and becomes 0; a value without a supplier is in no share.
    by_provider = np.bincount(providers.astype(np.intp) + 1, weights=weights)[1:]
    total = float(by_provider.sum())
    return tuple(
        ProviderShare(PROVIDERS[index], weight / total)
        for index, weight in enumerate(by_provider.tolist())
        if weight > 0
    )


def weighted_median(values: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    """The value with half of the weight on either side; of two such values their midpoint.

    `feature_summary.weighted_median` for arrays with some weight above 0.
    """
    order = np.argsort(values)
    return median_of_sorted(values[order], weights[order])


def median_of_sorted(values: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    """As `weighted_median`, of values that ascend; some of the weights may be 0."""
    reached = np.cumsum(weights)
    total = float(reached[-1])
    half, tolerance = total / 2, total * HALF_TOLERANCE
    # Both are the same value unless one half is reached exactly, and then its neighbour with a weight.
    lower = int(np.searchsorted(reached, half - tolerance))
    upper = int(np.searchsorted(reached, half + tolerance, side="right"))
    return (float(values[lower]) + float(values[upper])) / 2
