"""Moods of the music over time: shares for each day, week, month or year of a period."""

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from spotify_insights.listening.analytics.buckets import Bucket
from spotify_insights.listening.analytics.columns import HistoryColumns
from spotify_insights.listening.analytics.evidence import Missing, why_each_uncovered
from spotify_insights.listening.analytics.listened_weights import play_weights
from spotify_insights.listening.analytics.local_time import dates_of
from spotify_insights.listening.analytics.mood_plane import place_tracks
from spotify_insights.listening.analytics.period import Period
from spotify_insights.listening.analytics.play_rule import DEFAULT_COUNTING, Counting, counted
from spotify_insights.listening.analytics.timeline import bucket_cuts

Shares = tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class MoodTimeline:
    """Shares of the moods for each bucket; all tuples have one length.

    The five shares of a bucket add up to 1. They are None, and `missing` says why, where the bucket by itself
    has less coverage or fewer tracks than a snapshot shows. `coverage` is the part of the bucket's weight
    that has valence and energy, carried by `tracks_with_features` of its `tracks`. Two buckets with
    different coverage may differ for that reason alone.
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
    starts, cuts = bucket_cuts(plays.ended_at, period, bucket)
    weights = play_weights(plays, history.tracks)
    placed = place_tracks(history.tracks)
    heard = _sums(weights, cuts)
    columns = []
    # One array for all five: getting a large one from the system costs more than filling it.
    given, rows = np.empty_like(weights), plays.track.astype(np.intp)
    for mood in np.ascontiguousarray(placed.moods.T):
        # Clipping changes no row of ours; it is the mode in which numpy writes without a copy.
        np.take(mood, rows, out=given, mode="clip")
        np.multiply(given, weights, out=given)
        columns.append(_sums(given, cuts))
    # What a known track gives to the five moods adds up to its weight.
    weight_known = np.sum(columns, axis=0)
    tracks, known_tracks = _distinct(plays.track, weights, cuts, placed.known)
    coverage = np.divide(weight_known, heard, out=np.zeros_like(heard), where=heard > 0)
    missing = why_each_uncovered(tracks, known_tracks, coverage)
    shown = np.array([why is None for why in missing], dtype=np.bool_)
    upbeat, intense, wistful, calm, neutral = (_shares(column, weight_known, shown) for column in columns)
    return MoodTimeline(
        bucket=bucket,
        starts=dates_of(starts),
        upbeat=upbeat,
        intense=intense,
        wistful=wistful,
        calm=calm,
        neutral=neutral,
        coverage=tuple(coverage.tolist()),
        tracks=tuple(tracks.tolist()),
        tracks_with_features=tuple(known_tracks.tolist()),
        missing=missing,
    )


def _sums(values: NDArray[np.float64], cuts: NDArray[np.int64]) -> NDArray[np.float64]:
    sums = np.zeros(len(cuts) - 1)
    filled = np.flatnonzero(np.diff(cuts))
    if len(filled):
        # Nothing lies between filled buckets, so each ends where the next one begins.
        sums[filled] = np.add.reduceat(values, cuts[filled])
    return sums


def _distinct(
    track: NDArray[np.int32], weights: NDArray[np.float64], cuts: NDArray[np.int64], known: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For each bucket, how many tracks were heard in it, and how many of them are known."""
    buckets, size = len(cuts) - 1, len(known)
    # Half as wide is more than twice as fast to sort.
    narrow = np.uint32 if (buckets + 1) * size < 2**32 else np.uint64
    edges = (np.arange(buckets + 1, dtype=np.uint64) * np.uint64(size)).astype(narrow)
    pairs = np.repeat(edges[:-1], np.diff(cuts))
    pairs += track.astype(narrow)
    silent = np.flatnonzero(weights <= 0)
    if len(silent):
        pairs = np.delete(pairs, silent)
    pairs.sort()
    first = np.ones(len(pairs), dtype=np.bool_)
    np.not_equal(pairs[1:], pairs[:-1], out=first[1:])
    pairs = pairs[np.flatnonzero(first)]
    reached = np.searchsorted(pairs, edges)
    counts = np.diff(reached)
    row = pairs - np.repeat(edges[:-1], counts)
    known_before = np.concatenate(([0], np.cumsum(known[row.astype(np.intp)])))
    return counts, np.diff(known_before[reached])


def _shares(
    column: NDArray[np.float64], weight_known: NDArray[np.float64], shown: NDArray[np.bool_]
) -> Shares:
    shares = np.full(len(column), None, dtype=np.object_)
    shares[shown] = column[shown] / weight_known[shown]
    each: list[float | None] = shares.tolist()
    return tuple(each)
