"""Moods now and over time, by the definitions of snapshots."""

import math
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.test_feature_profile import EVERYTHING, naive_tracks, one_play_each
from small_histories import MINUTE, Row, Song, a_history, all_time, days, small_histories, utc
from spotify_insights.audio_features.values import FEATURE_NAMES, AudioFeatures
from spotify_insights.listening.analytics.buckets import Bucket, bucket_start
from spotify_insights.listening.analytics.evidence import (
    Coverage,
    Missing,
    why_each_uncovered,
    why_uncovered,
)
from spotify_insights.listening.analytics.listened_weights import play_weights, weigh_tracks
from spotify_insights.listening.analytics.mood_plane import MOODS, place_tracks
from spotify_insights.listening.analytics.mood_timeline import mood_timeline
from spotify_insights.listening.analytics.moods import mood_shares, moods
from spotify_insights.listening.diversity import mood_diversity
from spotify_insights.listening.mood import mood_patterns
from spotify_insights.listening.weights import WeightedTrack

# The borders of the neutral zone, what lies inside them, and the rest of the plane.
COORDINATES = st.sampled_from([0.0, 0.2, 0.4, 0.45, 0.47, 0.5, 0.53, 0.55, 0.6, 0.8, 1.0])
PLACES = st.lists(st.tuples(COORDINATES, COORDINATES, st.integers(1, 9)), min_size=10, max_size=30)


def placed_songs(places: list[tuple[float, float, int]]) -> list[Song]:
    return [
        Song(duration=minutes * MINUTE, features={"valence": valence, "energy": energy})
        for valence, energy, minutes in places
    ]


@given(PLACES)
def test_shares_and_diversity_are_those_of_a_snapshot(places: list[tuple[float, float, int]]) -> None:
    shown = moods(one_play_each(placed_songs(places)), all_time())
    tracks = [
        WeightedTrack(weight=minutes, features=AudioFeatures(valence=valence, energy=energy))
        for valence, energy, minutes in places
    ]
    expected = mood_patterns(tracks)
    assert shown.shares is not None
    assert expected is not None
    for mood in MOODS:
        # What is stored in four bytes differs in the eighth digit, which the soft borders make the seventh.
        assert getattr(shown.shares, mood) == pytest.approx(getattr(expected, mood), abs=1e-6)
    score = mood_diversity(tracks)
    assert (shown.diversity is None) == (score is None)
    if shown.diversity is not None and score is not None:
        assert shown.diversity.score == pytest.approx(score.score, abs=1e-6)
        assert shown.diversity.effective_moods == pytest.approx(score.effective_moods, abs=1e-5)


def test_four_corners_by_hand() -> None:
    # Three equally long tracks in each corner: every quadrant has a quarter.
    corners = [(valence, energy, 3) for valence in (0.0, 1.0) for energy in (0.0, 1.0)] * 3
    shown = moods(one_play_each(placed_songs(corners)), all_time())
    assert shown.shares is not None
    assert [getattr(shown.shares, mood) for mood in MOODS] == pytest.approx([0.25, 0.25, 0.25, 0.25, 0])
    assert shown.diversity is not None
    assert shown.diversity.entropy == pytest.approx(math.log(4))
    # The correction (4 - 1) / (2 * 12) would go beyond ln 4, and is cut there.
    assert shown.diversity.corrected_entropy == pytest.approx(math.log(4))
    assert (shown.diversity.score, shown.diversity.effective_moods) == pytest.approx((1, 4))
    # 1 - 4 / 16.
    assert shown.diversity.simpson == pytest.approx(0.75)
    # Every corner is 0.5 away from the mean in both directions.
    assert shown.dispersion == pytest.approx(math.sqrt(0.5))


def test_one_corner_by_hand() -> None:
    shown = moods(one_play_each(placed_songs([(1.0, 1.0, 3)] * 12)), all_time())
    # s(0.5 / 0.1) = 1 / (1 + e^-5) on each axis.
    high = 1 / (1 + math.exp(-5))
    low = 1 - high
    shares = [high * high, low * high, low * low, high * low]
    entropy = -sum(share * math.log(share) for share in shares)
    assert shown.diversity is not None
    assert shown.diversity.entropy == pytest.approx(entropy)
    # One quadrant is the best match of all: nothing is added.
    assert shown.diversity.corrected_entropy == pytest.approx(entropy)
    assert shown.diversity.simpson == pytest.approx(1 - sum(share * share for share in shares))
    assert shown.dispersion == 0


def whole(**values: float) -> dict[str, float]:
    return dict.fromkeys(FEATURE_NAMES, 0.5) | values


def test_coherence_by_hand() -> None:
    # The library: ten tracks with valence 0 and ten with 1; only these differ, by one deviation from 0.5.
    songs = [Song(features=whole(valence=0.0))] * 10 + [Song(features=whole(valence=1.0))] * 10
    at = utc("2026-01-01T12:00")

    def coherence(tracks: list[int]) -> float | None:
        return moods(a_history([Row(at, track) for track in tracks], songs), all_time()).coherence

    # All in one direction; all but one of ten; as many in both.
    assert coherence(list(range(10))) == pytest.approx(1)
    assert coherence([*range(9), 10]) == pytest.approx(0.8)
    assert coherence(list(range(20))) == pytest.approx(0)


def test_coherence_needs_all_nine_features_of_ten_tracks() -> None:
    songs = [Song(features=whole(valence=index / 16)) for index in range(9)] + [
        Song(features={"valence": 0.5, "energy": 0.5})
    ] * 3
    shown = moods(one_play_each(songs), all_time())
    assert shown.shares is not None
    assert (shown.coherence, shown.coherence_tracks) == (None, 9)
    assert shown.coherence_missing == Missing.FEW_TRACKS


def test_alike_tracks_point_nowhere() -> None:
    shown = moods(one_play_each([Song(features=whole())] * 12), all_time())
    assert (shown.coherence, shown.coherence_missing) == (None, Missing.NO_SPREAD)


def test_little_known_has_no_mood() -> None:
    songs = placed_songs([(0.9, 0.9, 3)] * 12) + [Song()] * 20
    shown = moods(one_play_each(songs), all_time())
    assert shown.coverage.share == pytest.approx(12 / 32)
    assert (shown.shares, shown.diversity, shown.dispersion, shown.coherence) == (None, None, None, None)
    assert shown.missing == shown.diversity_missing == shown.coherence_missing == Missing.LOW_COVERAGE


@given(small_histories(), st.sampled_from(Bucket))
def test_moods_over_time_are_those_of_each_bucket(
    given: tuple[list[Row], list[Song]], bucket: Bucket
) -> None:
    rows, songs = given
    history = a_history(rows, songs)
    shown = mood_timeline(history, days("2026-01-10", "2026-02-20"), bucket, EVERYTHING)
    weights = {id(row): weight for row, weight in zip(rows, _weights(rows, songs), strict=True)}
    for index, start in enumerate(shown.starts):
        inside = [row for row in rows if bucket_start(row.at.date(), bucket) == start]
        heard = {row.track for row in inside if weights[id(row)] > 0}
        placed = {track for track in heard if {"valence", "energy"} <= songs[track].features.keys()}
        total = sum(weights[id(row)] for row in inside)
        known = sum(weights[id(row)] for row in inside if row.track in placed)
        assert (shown.tracks[index], shown.tracks_with_features[index]) == (len(heard), len(placed))
        assert shown.coverage[index] == pytest.approx(known / total if total else 0, abs=5.1e-5)
        assert (shown.upbeat[index] is None) == (shown.missing[index] is not None)
        if shown.missing[index] is None:
            expected = mood_patterns(
                [
                    WeightedTrack(
                        weight=weights[id(row)], features=AudioFeatures(**songs[row.track].features)
                    )
                    for row in inside
                    if weights[id(row)] > 0
                ]
            )
            assert expected is not None
            for mood in MOODS:
                assert getattr(shown, mood)[index] == pytest.approx(getattr(expected, mood), abs=5.1e-5)


def _weights(rows: list[Row], songs: list[Song]) -> list[float]:
    history = a_history(rows, songs)
    return [float(weight) for weight in play_weights(history.plays, history.tracks)]


def test_a_thin_month_is_silent_between_two_that_speak() -> None:
    songs = placed_songs([(0.9, 0.9, 3)] * 12)
    rows = [
        Row(utc(f"2026-{month:02}-05T12:00") + track * timedelta(hours=1), track)
        for month, tracks in ((1, 12), (3, 12), (2, 9))
        for track in range(tracks)
    ]
    shown = mood_timeline(
        a_history(rows, songs), days("2026-01-01", "2026-04-30", now="2026-06-01T00:00"), Bucket.MONTH
    )
    assert shown.starts == tuple(date(2026, month, 1) for month in (1, 2, 3, 4))
    assert shown.missing == (None, Missing.FEW_TRACKS, None, Missing.NO_PLAYS)
    assert [share is None for share in shown.upbeat] == [False, True, False, True]
    assert shown.tracks == (12, 9, 12, 0)


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30), st.sampled_from([0, 0.39, 0.3999999, 0.4, 1])))
)
def test_many_are_judged_as_one(coverages: list[tuple[int, int, float]]) -> None:
    columns = np.array(coverages, dtype=np.float64).reshape(-1, 3).T
    each = why_each_uncovered(columns[0].astype(np.int64), columns[1].astype(np.int64), columns[2])
    assert each == tuple(why_uncovered(Coverage(*coverage)) for coverage in coverages)


@given(small_histories())
def test_any_history_agrees_with_its_snapshot(given: tuple[list[Row], list[Song]]) -> None:
    history = a_history(*given)
    weighed = weigh_tracks(history.plays, history.tracks)
    shares = mood_shares(place_tracks(history.tracks, weighed.rows), weighed.weights)
    expected = mood_patterns(naive_tracks(*given))
    assert (shares is None) == (expected is None)
    if shares is not None and expected is not None:
        assert [getattr(shares, mood) for mood in MOODS] == pytest.approx(
            [getattr(expected, mood) for mood in MOODS], abs=1e-6
        )
