"""Where music lies in the plane of valence and energy.

The plane is Russell's circumplex with energy standing in for arousal (Russell 1980, Journal of Personality
and Social Psychology 39:1161; Thayer 1989, The Biopsychology of Mood and Arousal). It describes the music:
what a piece expresses is not what its listener feels.
"""

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

from spotify_insights.audio_features.values import AudioFeatures
from spotify_insights.listening.snapshot import MoodPatterns
from spotify_insights.listening.weights import WeightedTrack

CENTRE: Final = 0.5

# Features are estimates. A track 0.1 beyond the centre belongs to its own side by 73 %, not altogether, so
# that a slightly different estimate moves the shares a little and never by a leap.
TEMPERATURE: Final = 0.1

# Compared directly, not through the distance from 0.5: floats make 0.5 - 0.45 smaller than 0.05
# and 0.55 - 0.5 larger, and the two borders would differ.
NEUTRAL_ABOVE: Final = 0.45
NEUTRAL_BELOW: Final = 0.55


class QuadrantShares(NamedTuple):
    """How far music belongs to each quadrant; the four shares add up to 1."""

    upbeat: float
    intense: float
    wistful: float
    calm: float


class MoodPosition(NamedTuple):
    """A point in the plane, nominally [0, 1] by [0, 1]."""

    valence: float
    energy: float

    @property
    def is_neutral(self) -> bool:
        """Whether both coordinates are less than 0.05 from the centre; 0.45 and 0.55 themselves are not."""
        return NEUTRAL_ABOVE < self.valence < NEUTRAL_BELOW and NEUTRAL_ABOVE < self.energy < NEUTRAL_BELOW

    @property
    def quadrant_shares(self) -> QuadrantShares:
        """Soft membership `s((+-(valence - .5)) / .1) * s((+-(energy - .5)) / .1)`, s the logistic function.

        Upbeat is high valence and high energy, intense low and high, wistful low and low, calm high
        and low. The neutral zone plays no part here.
        """
        high_valence, low_valence = _sides(self.valence)
        high_energy, low_energy = _sides(self.energy)
        return QuadrantShares(
            upbeat=high_valence * high_energy,
            intense=low_valence * high_energy,
            wistful=low_valence * low_energy,
            calm=high_valence * low_energy,
        )


def mood_position(features: AudioFeatures) -> MoodPosition | None:
    """The track's place in the plane; None unless both valence and energy are known."""
    if features.valence is None or features.energy is None:
        return None
    return MoodPosition(features.valence, features.energy)


def mood_patterns(tracks: Sequence[WeightedTrack]) -> MoodPatterns | None:
    """Weighted shares of the music in the four quadrants and the neutral zone; they add up to 1.

    A track in the neutral zone gives its whole weight to `neutral`, every other one divides its weight
    among the quadrants. Tracks without valence or energy are left out; None where none is left. Neither
    the scale of the weights nor the order of the tracks matters.
    """
    placed = [
        (position, track.weight)
        for track in tracks
        if (position := mood_position(track.features)) is not None
    ]
    if not placed:
        return None
    total = math.fsum(weight for _, weight in placed)
    coloured = [(position.quadrant_shares, weight) for position, weight in placed if not position.is_neutral]
    neutral = math.fsum(weight for position, weight in placed if position.is_neutral)
    return MoodPatterns(
        upbeat=math.fsum(shares.upbeat * weight for shares, weight in coloured) / total,
        intense=math.fsum(shares.intense * weight for shares, weight in coloured) / total,
        wistful=math.fsum(shares.wistful * weight for shares, weight in coloured) / total,
        calm=math.fsum(shares.calm * weight for shares, weight in coloured) / total,
        neutral=neutral / total,
    )


def _sides(coordinate: float) -> tuple[float, float]:
    # s(x) = 1/2 + tanh(x/2)/2: both sides are exact mirror images and nothing overflows off the scale.
    lean = math.tanh((coordinate - CENTRE) / (2 * TEMPERATURE)) / 2
    return 0.5 + lean, 0.5 - lean
