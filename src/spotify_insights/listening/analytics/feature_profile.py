"""The sound of what was heard: centre, spread and certainty of each audio feature."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from spotify_insights.audio_features.values import FEATURE_NAMES
from spotify_insights.listening.analytics.columns import PROVIDERS, HistoryColumns, PlayColumns, TrackColumns
from spotify_insights.listening.analytics.evidence import Coverage, Missing, why_thin, why_uncovered
from spotify_insights.listening.analytics.known_features import MEDIAN, HeardFeatures, known_features, placed
from spotify_insights.listening.analytics.listened_weights import (
    WeighedTracks,
    dot,
    effective_number,
    weigh_tracks,
)
from spotify_insights.listening.analytics.period import Period
from spotify_insights.listening.analytics.play_rule import DEFAULT_COUNTING, Counting, counted
from spotify_insights.listening.feature_summary import HALF_TOLERANCE, NORMAL_QUANTILE_95

_STRETCH: Final = 256


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
    coverage = plane_coverage(weighed, tracks, only=only)
    missing = why_uncovered(coverage)
    known_rows = weighed if only is None else WeighedTracks(weighed.rows[only], weighed.weights[only])
    weights = known_rows.by_row(len(tracks))
    figures: list[FeatureFigures] = []
    for known in known_features(tracks):
        figures += _figures(known.of_heard(known_rows.rows, weights), weighed.total, missing)
    return FeatureProfile(coverage=coverage, features=tuple(figures), missing=missing)


def plane_coverage(
    weighed: WeighedTracks, tracks: TrackColumns, *, only: NDArray[np.bool_] | None = None
) -> Coverage:
    """Coverage by the mood plane: a track has features when both its valence and its energy are known.

    `only` as in `profile_of_weighed`.
    """
    has_features = placed(tracks)[weighed.rows]
    if only is not None:
        has_features &= only
    total = weighed.total
    return Coverage(
        tracks=len(weighed.rows),
        tracks_with_features=int(np.count_nonzero(has_features)),
        share=dot(weighed.weights, has_features) / total if total > 0 else 0.0,
    )


def _figures(heard: HeardFeatures, total: float, missing: Missing | None) -> Iterator[FeatureFigures]:
    """The figures of features that the same tracks have; `total` is the weight of all tracks."""
    n, weights = heard.tracks, heard.weights
    weight = float(weights.sum())
    coverage = weight / total if total > 0 else 0.0
    missing = missing or why_thin(n, coverage)
    shares: tuple[ProviderShare, ...] = ()
    suppliers: NDArray[np.intp] | None = None
    means, spreads, n_eff = np.empty(0), np.empty(0), 0.0
    if missing is None:
        means = np.einsum("ij,j->i", heard.values, weights) / weight
        distances = heard.values - means[:, None]
        np.multiply(distances, distances, out=distances)
        spreads = np.sqrt(np.einsum("ij,j->i", distances, weights) / weight)
        n_eff = effective_number(weights)
    for index, column in enumerate(heard.known.columns):
        name = FEATURE_NAMES[column]
        if heard.known.supplier[index] is not suppliers:
            suppliers = heard.known.supplier[index]
            shares = _provider_shares(heard.supplier(index), weights)
        if missing is not None:
            yield FeatureFigures(name, n, coverage, None, None, None, None, shares, missing)
            continue
        centre, spread = float(means[index]), float(spreads[index])
        if column == MEDIAN:
            centre = median_of_sorted(heard.values[index], weights)
        yield FeatureFigures(
            name=name,
            n=n,
            coverage=coverage,
            mean=centre,
            spread=spread,
            n_eff=n_eff,
            margin=NORMAL_QUANTILE_95 * spread / math.sqrt(n_eff),
            providers=shares,
            missing=None,
        )


def _provider_shares(supplier: NDArray[np.intp], weights: NDArray[np.float64]) -> tuple[ProviderShare, ...]:
    # A value without a supplier is in no share.
    by_provider = np.bincount(supplier, weights=weights)[1:]
    total = float(by_provider.sum())
    return tuple(
        ProviderShare(PROVIDERS[index], weight / total)
        for index, weight in enumerate(by_provider.tolist())
        if weight > 0
    )


def median_of_sorted(values: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    """The value with half of the weight on either side; of two such values their midpoint.

    `feature_summary.weighted_median` of values that ascend, with some weight above 0; others may be 0.
    """
    # Adding up one after the other is slow: by stretches first, and one by one where the half is reached.
    reached = np.cumsum(np.add.reduceat(weights, np.arange(0, len(weights), _STRETCH)))
    total = float(reached[-1])
    half, tolerance = total / 2, total * HALF_TOLERANCE
    # Both are the same value unless one half is reached exactly, and then its neighbour with a weight.
    lower = _where_reached(weights, reached, half - tolerance, "left")
    upper = _where_reached(weights, reached, half + tolerance, "right")
    return (float(values[lower]) + float(values[upper])) / 2


def _where_reached(
    weights: NDArray[np.float64], reached: NDArray[np.float64], sought: float, side: Literal["left", "right"]
) -> int:
    stretch = int(np.searchsorted(reached, sought, side=side))
    before = float(reached[stretch - 1]) if stretch else 0.0
    within = np.cumsum(weights[stretch * _STRETCH : (stretch + 1) * _STRETCH])
    within += before
    return stretch * _STRETCH + int(np.searchsorted(within, sought, side=side))
