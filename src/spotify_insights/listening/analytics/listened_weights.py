"""How much each play and each track counts in figures about the music: by the time it was heard."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from spotify_insights.listening.analytics.columns import PlayColumns, TrackColumns

# Below this part of all tracks it is faster to sort the plays than to go through every track.
_FEW: Final = 1 / 16


@dataclass(frozen=True, slots=True)
class WeighedTracks:
    """Tracks that were heard, by their row in `TrackColumns`, ascending, with weights above 0."""

    rows: NDArray[np.intp]
    weights: NDArray[np.float64]

    @property
    def total(self) -> float:
        return float(self.weights.sum())

    def by_row(self, number_of_tracks: int) -> NDArray[np.float64]:
        """The weight of every row of `TrackColumns`, 0 for those that were not heard."""
        weights = np.zeros(number_of_tracks)
        weights[self.rows] = self.weights
        return weights


def play_weights(plays: PlayColumns, tracks: TrackColumns) -> NDArray[np.float64]:
    """`min(ms_played, length of the track)`: a track left on repeat by itself is heard once for each row.

    Where the length is unknown it sets no limit. Where the time played is unknown, the play weighs as much
    as the mean play with a known time; where none is known, every play weighs 1, as in a week's snapshot.
    Weights are for shares and means, whatever their scale, and never become a time.
    """
    weights = plays.limited_ms(tracks).astype(np.float64)
    unknown = np.flatnonzero(plays.ms_played < 0)
    if len(unknown):
        weights[unknown] = 0.0
        known = len(weights) - len(unknown)
        mean = float(weights.sum()) / known if known else 0.0
        weights[unknown] = mean if mean > 0 else 1.0
    return weights


def weigh_tracks(plays: PlayColumns, tracks: TrackColumns) -> WeighedTracks:
    """The tracks of these plays, each with the sum of its plays' weights."""
    return sum_by_track(plays.track, play_weights(plays, tracks), len(tracks))


def sum_by_track(
    track: NDArray[np.int32], weights: NDArray[np.float64], number_of_tracks: int
) -> WeighedTracks:
    """Sums of `weights`, one for each play, by the play's track. Tracks that weigh nothing are left out."""
    if len(track) < number_of_tracks * _FEW:
        heard, place = np.unique(track, return_inverse=True)
        sums = np.bincount(place, weights=weights, minlength=len(heard)).astype(np.float64, copy=False)
        weighing = sums > 0
        return WeighedTracks(heard[weighing].astype(np.intp), sums[weighing])
    sums = np.bincount(track, weights=weights, minlength=number_of_tracks).astype(np.float64, copy=False)
    rows = np.flatnonzero(sums > 0)
    return WeighedTracks(rows, sums[rows])


def dot(first: NDArray[np.float64], second: NDArray[np.float64] | NDArray[np.bool_]) -> float:
    """`sum first * second`, in this thread.

    `@` would wake a thread of the linear algebra library on each core for it, which costs more than the sum
    itself as soon as the cores have other work.
    """
    return float(np.einsum("i,i->", first, second))


def effective_number(weights: NDArray[np.float64]) -> float:
    """How many equally weighted tracks are worth as much: `effective_sample_size`, for an array."""
    total = float(weights.sum())
    return total**2 / dot(weights, weights) if total > 0 else 0.0
