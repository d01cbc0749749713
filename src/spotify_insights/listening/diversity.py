"""How evenly the music spreads over the four mood quadrants."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from spotify_insights.listening.mood import QuadrantShares, mood_position
from spotify_insights.listening.weights import WeightedTrack, effective_sample_size

# At ten the bias correction adds up to 3 / 20 nats, a ninth of the whole scale. It is a first-order term:
# with less evidence it would outweigh the differences between listeners that the score is there to show.
MINIMUM_EFFECTIVE_TRACKS: Final = 10

_MAXIMUM_ENTROPY: Final = math.log(len(QuadrantShares._fields))


@dataclass(frozen=True, kw_only=True)
class MoodDiversity:
    """Two readings of one entropy, so that they never disagree: `effective_moods == 4 ** score`.

    `score` in [0, 1] is the share of the greatest possible entropy; `effective_moods` in [1, 4] is the
    number of equally common moods with the same entropy.
    """

    score: float
    effective_moods: float


def mood_diversity(tracks: Sequence[WeightedTrack]) -> MoodDiversity | None:
    """Entropy of the quadrants' soft shares, normalised, with the Miller-Madow correction.

    With p the shares of the four quadrants: `H = -sum p ln p + (K_obs - 1) / (2 n_eff)`, clipped to
    [0, ln 4]; the score is `H / ln 4`, the Hill number of order 1 is `exp(H)`. K_obs counts the quadrants
    that are the best match of at least one track; a track on the border is the best match of both sides.

    Neutral tracks belong to no quadrant. They are left out of p, K_obs and n_eff alike, and the rest is
    renormalised: the score is about the coloured part of the music only, and the neutral share beside
    it says how large that part is.

    None where n_eff of the coloured tracks is below MINIMUM_EFFECTIVE_TRACKS. This is stricter than
    the ten tracks for which a snapshot shows mood shares, on purpose. A share is an average, unbiased
    however few tracks there are; a plug-in entropy is too low by about `(K - 1) / (2 n)`, and unequal
    weights make n the effective one. Under rank weights the first ten tracks are worth 8.3 equal ones,
    the first thirteen 10.6, all fifty 39. So the two limits part in two situations only: a short list
    with ten to twelve known tracks, and music that is mostly neutral. Both get mood shares and no score.
    Of a full list of fifty, any 40 % of the weight is worth more than ten tracks, and both limits agree.

    What the score cannot do: soft membership blurs, so it stays above 0 even where all tracks are alike
    (0.06 in the farthest corner, 0.28 at 0.8 and 0.8), and the correction, which is made for counts, is
    an upper bound for soft shares. Compare scores with each other; do not read 0 as the natural floor.

    Sources: Miller 1955, Note on the bias of information estimates, in Information Theory in Psychology;
    Hill 1973, Ecology 54:427, doi 10.2307/1934352.
    """
    coloured = [
        (position.quadrant_shares, track.weight)
        for track in tracks
        if (position := mood_position(track.features)) is not None and not position.is_neutral
    ]
    weights = [weight for _, weight in coloured]
    effective_tracks = effective_sample_size(weights)
    # Ten equal weights are ten tracks, also where float noise makes 9.999999999999998 of them.
    if round(effective_tracks, 9) < MINIMUM_EFFECTIVE_TRACKS:
        return None
    total = math.fsum(weights)
    shares = [
        math.fsum(membership[quadrant] * weight for membership, weight in coloured) / total
        for quadrant in range(len(QuadrantShares._fields))
    ]
    observed = len({quadrant for membership, _ in coloured for quadrant in _best_matches(membership)})
    entropy = _plug_in_entropy(shares) + (observed - 1) / (2 * effective_tracks)
    entropy = min(max(entropy, 0.0), _MAXIMUM_ENTROPY)
    return MoodDiversity(score=entropy / _MAXIMUM_ENTROPY, effective_moods=math.exp(entropy))


def _plug_in_entropy(shares: Sequence[float]) -> float:
    # p ln p tends to 0 with p, so an empty quadrant adds nothing.
    return -math.fsum(share * math.log(share) for share in shares if share > 0)


def _best_matches(membership: QuadrantShares) -> list[int]:
    best = max(membership)
    return [quadrant for quadrant, share in enumerate(membership) if share == best]
