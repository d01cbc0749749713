"""The centre of each audio feature on each of some days, all days at once."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from spotify_insights.listening.analytics.columns import TrackColumns
from spotify_insights.listening.analytics.counted_plays import CountedPlays
from spotify_insights.listening.analytics.evidence import why_each_uncovered
from spotify_insights.listening.analytics.feature_profile import median_of_sorted
from spotify_insights.listening.analytics.known_features import (
    MEDIAN,
    UNPLACED,
    KnownFeatures,
    known_features,
    placed,
)
from spotify_insights.listening.analytics.listened_weights import play_weights


class DailyCentres(NamedTuple):
    """The days that show a feature, by their number, ascending, and its centre on each of them."""

    days: NDArray[np.intp]
    centres: NDArray[np.float64]


def daily_centres(plays: CountedPlays, tracks: TrackColumns, cuts: NDArray[np.intp]) -> list[DailyCentres]:
    """For each feature, in the order of FEATURE_NAMES, its centre on the days that show one.

    Day k has the plays from `cuts[k]` until `cuts[k + 1]`. As `mean` of `feature_profile.profile_of` for the
    plays of each day, and None of those that are None there.
    """
    days = len(cuts) - 1
    day, row, weight = _tracks_of_days(plays, tracks, cuts)
    heard, total = np.bincount(day, minlength=days), np.bincount(day, weights=weight, minlength=days)

    def shown(chosen: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """On which days these tracks are enough."""
        n = np.bincount(day[chosen], minlength=days)
        share = np.bincount(day[chosen], weights=weight[chosen], minlength=days) / np.where(
            total > 0, total, 1.0
        )
        return np.array([why is None for why in why_each_uncovered(heard, n, share)], dtype=np.bool_)

    shown_at_all, each = shown(placed(tracks)[row]), list[DailyCentres]()
    for known in known_features(tracks):
        place = known.place[row]
        has = place != UNPLACED
        chosen = np.flatnonzero(shown_at_all & shown(has))
        centres = _centres(known, day[has], place[has], weight[has], chosen)
        each += [DailyCentres(chosen, of_feature) for of_feature in centres]
    return each


def _tracks_of_days(
    plays: CountedPlays, tracks: TrackColumns, cuts: NDArray[np.intp]
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    """Each track of each day that weighs something: the day, the row of `TrackColumns`, the weight."""
    days = [
        plays.part(first, last) for first, last in zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True)
    ]
    weights = np.concatenate([play_weights(each, tracks) for each in days])
    size = max(len(tracks), 1)
    key = np.repeat(np.arange(len(days)) * size, np.diff(cuts)) + plays.track[cuts[0] : cuts[-1]]
    pairs, pair = np.unique(key, return_inverse=True)
    sums = np.bincount(pair, weights=weights, minlength=len(pairs)).astype(np.float64)
    weighing = sums > 0
    day, row = np.divmod(pairs[weighing], size)
    return day, row, sums[weighing]


def _centres(
    known: KnownFeatures,
    day: NDArray[np.intp],
    place: NDArray[np.int32],
    weight: NDArray[np.float64],
    chosen: NDArray[np.intp],
) -> list[NDArray[np.float64]]:
    sums, centres = np.bincount(day, weights=weight), []
    for column, values in zip(known.columns, known.values, strict=True):
        if column == MEDIAN:
            centres.append(_medians(values, day, place, weight, chosen))
        else:
            centres.append(np.bincount(day, weights=weight * values[place])[chosen] / sums[chosen])
    return centres


def _medians(
    values: NDArray[np.float64],
    day: NDArray[np.intp],
    place: NDArray[np.int32],
    weight: NDArray[np.float64],
    chosen: NDArray[np.intp],
) -> NDArray[np.float64]:
    # In order of the days, and on each of the values, which ascend with their places.
    order = np.lexsort((place, day))
    ascending, weights, day = values[place[order]], weight[order], day[order]
    firsts, lasts = np.searchsorted(day, chosen).tolist(), np.searchsorted(day, chosen, side="right").tolist()
    medians = [
        median_of_sorted(ascending[first:last], weights[first:last])
        for first, last in zip(firsts, lasts, strict=True)
    ]
    return np.array(medians, dtype=np.float64)
