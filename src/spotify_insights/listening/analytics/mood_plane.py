"""Where tracks lie in the plane of valence and energy, for whole columns: `listening/mood.py` in arrays."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from spotify_insights.listening.analytics.columns import TrackColumns
from spotify_insights.listening.analytics.known_features import ENERGY, VALENCE
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
        coloured: known, and not within 0.05 of the centre in both.
        best: which of QUADRANTS is the best match of a coloured track, as `1 << place`, added if several are.
        moods: what each track gives to each of MOODS, a row for each of them: a coloured one its membership
            in the quadrants, which adds up to 1, a neutral one all to neutral.
    """

    known: NDArray[np.bool_]
    valence: NDArray[np.float64]
    energy: NDArray[np.float64]
    coloured: NDArray[np.bool_]
    best: NDArray[np.uint8]
    moods: NDArray[np.float64]

    def of(self, rows: NDArray[np.intp]) -> "PlacedTracks":
        """Some of them."""
        return PlacedTracks(
            self.known[rows],
            self.valence[rows],
            self.energy[rows],
            self.coloured[rows],
            self.best[rows],
            np.take(self.moods, rows, axis=1),
        )

    def with_unknown(self, more: int) -> "PlacedTracks":
        """The same, and so many more tracks of which nothing is known."""
        known, moods = np.zeros(more, dtype=np.bool_), np.zeros((len(self.moods), more))
        return PlacedTracks(
            np.append(self.known, known),
            np.append(self.valence, moods[0]),
            np.append(self.energy, moods[0]),
            np.append(self.coloured, known),
            np.append(self.best, known.astype(np.uint8)),
            np.concatenate((self.moods, moods), axis=1),
        )


def all_placed(tracks: TrackColumns) -> PlacedTracks:
    """Every track in the plane. Held beside the tracks."""
    return tracks.held.get(PlacedTracks, lambda: place_tracks(tracks))


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
    moods = np.stack(
        (
            high_valence * high_energy,
            low_valence * high_energy,
            low_valence * low_energy,
            high_valence * low_energy,
            neutral.astype(np.float64),
        )
    )
    coloured = known & ~neutral
    quadrants = moods[: len(QUADRANTS)]
    quadrants *= coloured
    best = np.zeros(len(known), dtype=np.uint8)
    highest = quadrants.max(axis=0)
    for place, quadrant in enumerate(quadrants):
        best |= ((quadrant == highest) & coloured).astype(np.uint8) << np.uint8(place)
    return PlacedTracks(known, valence, energy, coloured, best, moods)


def _sides(coordinate: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    lean = np.tanh((coordinate - CENTRE) / (2 * TEMPERATURE)) / 2
    return 0.5 + lean, 0.5 - lean
