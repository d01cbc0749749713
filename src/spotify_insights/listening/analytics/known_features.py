"""The audio features of a listener's tracks, arranged for sums over those that have them."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from spotify_insights.audio_features.values import FEATURE_NAMES
from spotify_insights.listening.analytics.columns import TrackColumns
from spotify_insights.listening.feature_summary import FEATURES_WITH_MEDIAN

VALENCE: Final = FEATURE_NAMES.index("valence")
ENERGY: Final = FEATURE_NAMES.index("energy")

# The one feature whose centre is a median.
(_WITH_MEDIAN,) = FEATURES_WITH_MEDIAN
MEDIAN: Final = FEATURE_NAMES.index(_WITH_MEDIAN)

UNPLACED: Final = -1

PLACED: Final = "placed"
"""Beside tracks: see `placed`."""


@dataclass(frozen=True, slots=True)
class KnownFeatures:
    """Some neighbouring features, all of them known of the same tracks.

    Most providers know all of a track's features or none, so mostly there is one of these for all features.

    Attributes:
        columns: which features, as places in FEATURE_NAMES.
        rows: the tracks that have them, as rows of `TrackColumns`; ascending by the value of the feature that
            views show the median of, if it is one of these.
        place: for each row of `TrackColumns` its place in `rows`, or UNPLACED.
        values: a row for each of `columns`, a column for each of `rows`.
        supplier: for each of `columns` who supplied each value: an index into PROVIDERS and 1; 0 is nobody.
            One array for all features with the same suppliers.
    """

    columns: tuple[int, ...]
    rows: NDArray[np.intp]
    place: NDArray[np.int32]
    values: NDArray[np.float64]
    supplier: tuple[NDArray[np.intp], ...]

    def of_heard(self, heard: NDArray[np.intp], weights: NDArray[np.float64]) -> "HeardFeatures":
        """What the tracks in `heard` have of these features, with what they weigh, one or more weights each.

        Args:
            heard: rows of `TrackColumns`.
            weights: of all rows of `TrackColumns`, along the last axis; 0 for those that were not heard.
        """
        places = self.place[heard]
        places = places[places != UNPLACED]
        if 2 * len(places) > len(self.rows):
            # Where most are wanted it is faster to take all, and the others weigh nothing.
            return HeardFeatures(self, len(places), np.take(weights, self.rows, axis=-1), self.values, None)
        places.sort()
        values = np.take(self.values, places, axis=1)
        return HeardFeatures(self, len(places), np.take(weights, self.rows[places], axis=-1), values, places)

    def with_unknown(self, more: int) -> "KnownFeatures":
        """The same, with so many more rows of `TrackColumns`, of which nothing is known."""
        return replace(self, place=np.append(self.place, np.full(more, UNPLACED, dtype=np.int32)))


@dataclass(frozen=True, slots=True)
class HeardFeatures:
    """The part of KnownFeatures that was heard, and perhaps more of it with the weight 0.

    `tracks` were heard; `weights` and `values` have a column for each track of this part; `places` are those
    of the part in `known.rows`, None where it is all of them.
    """

    known: KnownFeatures
    tracks: int
    weights: NDArray[np.float64]
    values: NDArray[np.float64]
    places: NDArray[np.int32] | None

    def supplier(self, index: int) -> NDArray[np.intp]:
        """Who supplied the values of the feature `known.columns[index]`."""
        supplier = self.known.supplier[index]
        return supplier if self.places is None else supplier[self.places]


def known_features(tracks: TrackColumns) -> tuple[KnownFeatures, ...]:
    """All features of these tracks, in the order of FEATURE_NAMES. Held beside the tracks."""
    return tracks.held.get(KnownFeatures, lambda: _arranged(tracks))


def placed(tracks: TrackColumns) -> NDArray[np.bool_]:
    """Of which tracks both valence and energy are known. Held beside the tracks."""
    return tracks.held.get(
        PLACED, lambda: ~np.isnan(tracks.features[:, VALENCE] + tracks.features[:, ENERGY])
    )


def _arranged(tracks: TrackColumns) -> tuple[KnownFeatures, ...]:
    known = np.ascontiguousarray(~np.isnan(tracks.features).T)
    arranged, begin = [], 0
    for column in range(1, len(known) + 1):
        if column == len(known) or not np.array_equal(known[column], known[begin]):
            arranged.append(_neighbours(tracks, tuple(range(begin, column)), np.flatnonzero(known[begin])))
            begin = column
    return tuple(arranged)


def _neighbours(tracks: TrackColumns, columns: tuple[int, ...], rows: NDArray[np.intp]) -> KnownFeatures:
    if MEDIAN in columns:
        rows = rows[np.argsort(tracks.features[rows, MEDIAN], kind="stable")]
    place = np.full(len(tracks), UNPLACED, dtype=np.int32)
    place[rows] = np.arange(len(rows))
    chosen = slice(columns[0], columns[-1] + 1)
    values = np.ascontiguousarray(tracks.features[rows, chosen].T, dtype=np.float64)
    providers = np.ascontiguousarray(tracks.providers[rows, chosen].T)
    supplier: list[NDArray[np.intp]] = []
    for index, each in enumerate(providers):
        same = index > 0 and np.array_equal(each, providers[index - 1])
        supplier.append(supplier[-1] if same else each.astype(np.intp) + 1)
    return KnownFeatures(columns, rows, place, values, tuple(supplier))
