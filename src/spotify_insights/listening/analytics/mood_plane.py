"""Where tracks lie in the plane of valence and energy, for whole columns: `listening/mood.py` in arrays."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from spotify_insights.listening.analytics.columns import TrackColumns
from spotify_insights.listening.analytics.feature_profile import ENERGY, VALENCE
from spotify_insights.listening.mood import (
    CENTRE,
    NEUTRAL_ABOVE,
    NEUTRAL_BELOW,
    TEMPERATURE,
    QuadrantShares,
)

QUADRANTS: Final = QuadrantShares._fields
MOODS: Final = (*QUADRANTS, "neutral")


@dataclass(frozen=True, slots=True)
class PlacedTracks:
    """Tracks in the plane; all arrays have one length.

    Attributes:
        known: both valence and energy are known; where not, all else is 0 or False.
        valence, energy: the coordinates.
        neutral: within 0.05 of the centre in both.
        membership: one row for each track, one column for each of QUADRANTS; a known track's add up to 1,
            neutral or not.
    """

    known: NDArray[np.bool_]
    valence: NDArray[np.float64]
    energy: NDArray[np.float64]
    neutral: NDArray[np.bool_]
    membership: NDArray[np.float64]

    @property
    def moods(self) -> NDArray[np.float64]:
        """What each track gives to each of MOODS: all to neutral, or its membership; nothing if unknown."""
        coloured = np.where((self.known & ~self.neutral)[:, None], self.membership, 0.0)
        return np.column_stack((coloured, self.neutral))


def place_tracks(tracks: TrackColumns, rows: NDArray[np.intp] | None = None) -> PlacedTracks:
    """The given rows of `tracks`, or all; with the definitions of `mood.MoodPosition`."""
    chosen = slice(None) if rows is None else rows
    stored_valence, stored_energy = tracks.features[chosen, VALENCE], tracks.features[chosen, ENERGY]
    # Compared before they become doubles: 0.45 as stored is a little less than 0.45, and no neutral value.
    neutral = (stored_valence > NEUTRAL_ABOVE) & (stored_valence < NEUTRAL_BELOW)
    neutral &= (stored_energy > NEUTRAL_ABOVE) & (stored_energy < NEUTRAL_BELOW)
    known = ~np.isnan(stored_valence + stored_energy)
    valence = np.where(known, stored_valence, 0.0).astype(np.float64)
    energy = np.where(known, stored_energy, 0.0).astype(np.float64)
    high_valence, low_valence = _sides(valence)
    high_energy, low_energy = _sides(energy)
    membership = np.column_stack(
        (
            high_valence * high_energy,
            low_valence * high_energy,
            low_valence * low_energy,
            high_valence * low_energy,
        )
    )
    membership[~known] = 0.0
    return PlacedTracks(known, valence, energy, neutral, membership)


def _sides(coordinate: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    lean = np.tanh((coordinate - CENTRE) / (2 * TEMPERATURE)) / 2
    return 0.5 + lean, 0.5 - lean
