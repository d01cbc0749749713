"""Moods of the music over time: shares for each day, week, month or year of a period."""

from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
from numpy.typing import NDArray

from spotify_insights.listening.analytics.buckets import Bucket
from spotify_insights.listening.analytics.columns import HistoryColumns
from spotify_insights.listening.analytics.counted_plays import (
    NONE_BEFORE,
    CountedPlays,
    previous_of_track,
)
from spotify_insights.listening.analytics.evidence import Missing, why_each_uncovered
from spotify_insights.listening.analytics.listened_weights import play_weights
from spotify_insights.listening.analytics.local_time import dates_of
from spotify_insights.listening.analytics.mood_plane import all_placed
from spotify_insights.listening.analytics.period import Period
from spotify_insights.listening.analytics.play_rule import DEFAULT_COUNTING, Counting, counted
from spotify_insights.listening.analytics.timeline import bucket_cuts, sums_between

Shares = tuple[float | None, ...]

# Nobody sees a hundredth of a percent, and ten years by day are thousands of buckets to be sent.
_DECIMALS: Final = 4


@dataclass(frozen=True, slots=True)
class MoodTimeline:
    """Shares of the moods for each bucket; all tuples have one length.

    The five shares of a bucket add up to 1; they and `coverage` have four decimals. They are None, and
    `missing` says why, where the bucket by itself has less coverage or fewer tracks than a snapshot shows.
    `coverage` is the part of the bucket's weight that has valence and energy, carried by
    `tracks_with_features` of its `tracks`. Two buckets with different coverage, or features from different
    suppliers, may differ for that reason alone.
    """

    bucket: Bucket
    starts: tuple[date, ...]
    upbeat: Shares
    intense: Shares
    wistful: Shares
    calm: Shares
    neutral: Shares
    coverage: tuple[float, ...]
    tracks: tuple[int, ...]
    tracks_with_features: tuple[int, ...]
    missing: tuple[Missing | None, ...]


def mood_timeline(
    history: HistoryColumns, period: Period, bucket: Bucket, counting: Counting = DEFAULT_COUNTING
) -> MoodTimeline:
    """Mood shares for each bucket of the period, weighted by time heard as in `moods.mood_shares`."""
    plays = counted(history, period.since, period.until, counting)
    starts, cuts = bucket_cuts(history, plays, period, bucket, counting)
    weights = play_weights(plays, history.tracks)
    placed = all_placed(history.tracks)
    heard = sums_between(weights, cuts, np.float64)
    columns = []
    # One array for all five: getting a large one from the system costs more than filling it.
    given, rows = np.empty_like(weights), plays.track.astype(np.intp)
    for mood in placed.moods:
        # Clipping changes no row of ours; it is the mode in which numpy writes without a copy.
        np.take(mood, rows, out=given, mode="clip")
        np.multiply(given, weights, out=given)
        columns.append(sums_between(given, cuts, np.float64))
    # What a known track gives to the five moods adds up to its weight.
    weight_known = np.sum(columns, axis=0)
    tracks, known_tracks = _distinct(plays, weights, cuts, placed.known)
    coverage = np.divide(weight_known, heard, out=np.zeros_like(heard), where=heard > 0)
    missing = why_each_uncovered(tracks, known_tracks, coverage)
    shown = np.array([place for place, why in enumerate(missing) if why is None], dtype=np.intp)
    upbeat, intense, wistful, calm, neutral = (_shares(column, weight_known, shown) for column in columns)
    return MoodTimeline(
        bucket=bucket,
        starts=dates_of(starts),
        upbeat=upbeat,
        intense=intense,
        wistful=wistful,
        calm=calm,
        neutral=neutral,
        coverage=tuple(np.round(coverage, _DECIMALS).tolist()),
        tracks=tuple(tracks.tolist()),
        tracks_with_features=tuple(known_tracks.tolist()),
        missing=missing,
    )


def _distinct(
    plays: CountedPlays, weights: NDArray[np.float64], cuts: NDArray[np.int64], known: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For each bucket, how many tracks were heard in it, and how many of them are known."""
    begins, track = np.repeat(cuts[:-1].astype(np.int32), np.diff(cuts)), plays.track
    if (weights > 0).all():
        is_first = plays.previous < begins + np.int32(plays.place)
    else:
        # Plays of no length are no sign that a track was heard: who comes first is decided without them.
        heard = np.flatnonzero(weights > 0)
        before = previous_of_track(track[heard])
        is_first = np.zeros(len(track), dtype=np.bool_)
        is_first[heard] = np.where(before == NONE_BEFORE, NONE_BEFORE, heard[before]) < begins[heard]
    known_first = known[track]
    known_first &= is_first
    return sums_between(is_first, cuts, np.int64), sums_between(known_first, cuts, np.int64)


def _shares(
    column: NDArray[np.float64], weight_known: NDArray[np.float64], shown: NDArray[np.intp]
) -> Shares:
    shares = np.full(len(column), None, dtype=np.object_)
    shares[shown] = np.round(column[shown] / weight_known[shown], _DECIMALS)
    each: list[float | None] = shares.tolist()
    return tuple(each)
