"""The centre and the spread of each audio feature over weighted tracks."""

import math
from collections.abc import Sequence
from itertools import accumulate
from typing import Final

from spotify_insights.audio_features.values import FEATURE_NAMES
from spotify_insights.listening.snapshot import FeatureSummary
from spotify_insights.listening.weights import WeightedTrack, effective_sample_size

# Trackers often report half or double the felt tempo; a median is not dragged along by such octave errors.
FEATURES_WITH_MEDIAN: Final = frozenset({"tempo"})

# The normal quantile that leaves 2.5 % above it.
NORMAL_QUANTILE_95: Final = 1.96

# Cumulative weight this close to one half, relative to the whole, is one half up to float noise.
HALF_TOLERANCE: Final = 1e-12


def summarise_features(tracks: Sequence[WeightedTrack]) -> dict[str, FeatureSummary]:
    """Summarise every feature that at least one track has, in the order of FEATURE_NAMES.

    Each feature is summarised over the tracks that have it; tracks without it are left out and never
    filled in. Values keep their units: [0, 1], beats per minute for tempo, dB for loudness.

    With weights w and values x the centre is `m = sum w x / sum w`, or the weighted median for tempo;
    the spread is `SD = sqrt(sum w (x - m)^2 / sum w)` about the weighted mean, for tempo too; the margin
    is `1.96 * SD / sqrt(n_eff)` with the effective sample size of the weights.

    How to read the margin: it treats the tracks as a sample of the music and is meant for ten tracks and
    more. A single track has spread and margin 0 because it cannot show any, not because it is certain.
    For tempo it is the margin of the mean; a median's is about 1.25 times as wide in normal data.
    """
    summaries: dict[str, FeatureSummary] = {}
    for name in FEATURE_NAMES:
        values: list[float] = []
        weights: list[float] = []
        for track in tracks:
            value: float | None = getattr(track.features, name)
            if value is not None:
                values.append(value)
                weights.append(track.weight)
        if values:
            summaries[name] = _summary(values, weights, with_median=name in FEATURES_WITH_MEDIAN)
    return summaries


def _summary(values: Sequence[float], weights: Sequence[float], *, with_median: bool) -> FeatureSummary:
    mean = weighted_mean(values, weights)
    variance = weighted_mean([(value - mean) ** 2 for value in values], weights)
    spread = math.sqrt(variance)
    return FeatureSummary(
        mean=weighted_median(values, weights) if with_median else mean,
        spread=spread,
        n=len(values),
        margin=NORMAL_QUANTILE_95 * spread / math.sqrt(effective_sample_size(weights)),
    )


def weighted_mean(values: Sequence[float], weights: Sequence[float]) -> float:
    """`sum w x / sum w` of at least one value; the order of the pairs does not matter."""
    weighted = math.fsum(weight * value for value, weight in zip(values, weights, strict=True))
    return weighted / math.fsum(weights)


def weighted_median(values: Sequence[float], weights: Sequence[float]) -> float:
    """The value with half of the weight on either side, for at least one value.

    Where one half falls exactly between two values the answer is their midpoint, as for the ordinary
    median, which this equals when all weights are equal. The order of the pairs does not matter.
    """
    # Sorting by weight as well fixes the order of addition among equal values.
    pairs = sorted(zip(values, weights, strict=True))
    total = math.fsum(weights)
    half, tolerance = total / 2, total * HALF_TOLERANCE
    for index, reached in enumerate(accumulate(weight for _, weight in pairs)):
        if reached > half + tolerance:
            return pairs[index][0]
        if reached >= half - tolerance:
            return (pairs[index][0] + pairs[index + 1][0]) / 2
    raise ValueError("A weighted median needs at least one value.")
