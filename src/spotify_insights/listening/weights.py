"""How much each track counts, and how many equally weighted tracks the whole is worth."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from spotify_insights.audio_features.values import AudioFeatures


@dataclass(frozen=True, kw_only=True)
class WeightedTrack:
    """What the statistics need of a track: its weight (above 0, on any scale) and its audio features.

    `providers` names by feature who supplied it; only coverage asks for that.
    """

    weight: float
    features: AudioFeatures
    providers: Mapping[str, str] = field(default_factory=dict)


def rank_weight(rank: int) -> float:
    """The weight `1 / log2(rank + 1)` of the item at `rank`, counted from 1: 1, 0.63, 0.5, 0.43, ...

    Spotify orders top items by "calculated affinity" and gives no play counts. The weight is therefore
    a discount by position and must not be read as a number of plays. It is the discount of normalised
    discounted cumulative gain (Burges et al. 2005, doi 10.1145/1102351.1102363).

    Raises:
        ValueError: `rank` is below 1.
    """
    if rank < 1:
        raise ValueError(f"Rank {rank} is not a position; ranks count from 1.")
    return 1 / math.log2(rank + 1)


def effective_sample_size(weights: Sequence[float]) -> float:
    """How many equally weighted tracks carry as much information: `(sum w)^2 / sum w^2`.

    Between 1 and `len(weights)` for weights above 0, whatever their scale and order; 0 for none.
    Source: Kish 1965, Survey Sampling, section 11.7.
    """
    if not weights:
        return 0.0
    # fsum rounds once at the end, so the order of the tracks cannot change the last digit.
    return math.fsum(weights) ** 2 / math.fsum(weight * weight for weight in weights)
