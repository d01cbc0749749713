"""Weighted centre, spread and margin of each audio feature."""

import math
import random
import statistics
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotify_insights.audio_features.values import FEATURE_NAMES, AudioFeatures
from spotify_insights.listening.feature_summary import summarise_features, weighted_mean, weighted_median
from spotify_insights.listening.weights import WeightedTrack

WEIGHTS = st.floats(min_value=1e-3, max_value=1e3)
THOUSANDTHS = st.integers(min_value=0, max_value=1000).map(lambda thousandths: thousandths / 1000)
PAIRS = st.lists(st.tuples(THOUSANDTHS, WEIGHTS), min_size=1, max_size=40)


def danceable(value: float | None, weight: float) -> WeightedTrack:
    return WeightedTrack(weight=weight, features=AudioFeatures(danceability=value))


def with_tempo(tempo: float, weight: float = 1) -> WeightedTrack:
    return WeightedTrack(weight=weight, features=AudioFeatures(tempo=tempo))


def test_centre_spread_and_margin_of_three_tracks_by_hand() -> None:
    summary = summarise_features([danceable(0.2, 1), danceable(0.8, 1 / 2), danceable(0.5, 1 / 2)])

    # Sum of weights 2; weighted sum 1 * .2 + .5 * .8 + .5 * .5 = .85
    mean = 0.85 / 2
    # Deviations -.225, .375, .075; 1 * .050625 + .5 * .140625 + .5 * .005625 = .12375
    spread = math.sqrt(0.12375 / 2)
    # n_eff = 2^2 / (1 + 1/4 + 1/4) = 8/3
    margin = 1.96 * spread / math.sqrt(8 / 3)
    assert summary["danceability"].mean == pytest.approx(mean)
    assert summary["danceability"].spread == pytest.approx(spread)
    assert summary["danceability"].margin == pytest.approx(margin)
    assert summary["danceability"].n == 3


def test_each_feature_is_taken_over_the_tracks_that_have_it() -> None:
    both = AudioFeatures(energy=0.4, loudness=-6)
    one = AudioFeatures(energy=0.6)
    summaries = summarise_features(
        [WeightedTrack(weight=1, features=both), WeightedTrack(weight=1, features=one)]
    )

    assert (summaries["energy"].n, summaries["loudness"].n) == (2, 1)
    assert summaries["energy"].mean == pytest.approx(0.5)
    assert summaries["loudness"].mean == -6
    assert set(summaries) == {"energy", "loudness"}


def test_a_track_without_the_feature_changes_nothing() -> None:
    known = [danceable(0.3, 1), danceable(0.9, 0.5)]
    assert summarise_features([*known, danceable(None, 100)]) == summarise_features(known)


def test_a_value_of_zero_is_a_value() -> None:
    assert summarise_features([danceable(0, 1), danceable(1, 1)])["danceability"].n == 2


def test_no_tracks_give_no_summaries() -> None:
    assert summarise_features([]) == {}


def test_every_feature_is_summarised_in_the_usual_order() -> None:
    full = AudioFeatures(**dict.fromkeys(FEATURE_NAMES, 0.5))
    assert tuple(summarise_features([WeightedTrack(weight=1, features=full)])) == FEATURE_NAMES


def test_tempo_is_a_median_and_one_octave_error_does_not_move_it() -> None:
    right = summarise_features([with_tempo(tempo) for tempo in (118, 120, 122)])
    doubled = summarise_features([with_tempo(tempo) for tempo in (118, 120, 244)])
    assert right["tempo"].mean == doubled["tempo"].mean == 120


def test_the_spread_of_tempo_is_about_its_mean() -> None:
    # Mean 130, deviations -30, -10, 40: (900 + 100 + 1600) / 3; the median is 120.
    tempo = summarise_features([with_tempo(tempo) for tempo in (100, 120, 170)])["tempo"]
    assert tempo.mean == 120
    assert tempo.spread == pytest.approx(math.sqrt(2600 / 3))


def test_half_of_the_weight_lies_on_either_side_of_the_median() -> None:
    # Weights 1 + 2 = 3 on either side of the gap between 90 and 150: the midpoint.
    assert weighted_median([80, 90, 150], [1, 2, 3]) == 120
    # A little more weight on the right takes the median there.
    assert weighted_median([80, 90, 150], [1, 2, 3.1]) == 150


def test_float_noise_does_not_decide_where_one_half_falls() -> None:
    # 0.1 + 0.2 is a little more than 0.3 in floats, and one half all the same.
    assert weighted_median([80, 90, 150], [0.1, 0.2, 0.3]) == 120


@given(st.lists(st.integers(min_value=40, max_value=220), min_size=1, max_size=40), WEIGHTS)
def test_with_equal_weights_the_median_is_the_ordinary_one(tempos: list[int], weight: float) -> None:
    assert weighted_median(tempos, [weight] * len(tempos)) == statistics.median(tempos)


@given(st.lists(st.tuples(st.integers(40, 220), st.integers(1, 9)), min_size=1, max_size=20))
def test_a_whole_weight_counts_as_so_many_copies(pairs: list[tuple[int, int]]) -> None:
    tempos, weights = [tempo for tempo, _ in pairs], [weight for _, weight in pairs]
    copies = [tempo for tempo, weight in pairs for _ in range(weight)]
    assert weighted_median(tempos, weights) == statistics.median(copies)
    assert weighted_mean(tempos, weights) == pytest.approx(statistics.fmean(copies))


@given(PAIRS)
def test_the_mean_agrees_with_exact_fractions(pairs: list[tuple[float, float]]) -> None:
    weighted = sum(Fraction(value) * Fraction(weight) for value, weight in pairs)
    exact = weighted / sum(Fraction(weight) for _, weight in pairs)
    values, weights = zip(*pairs, strict=True)
    assert weighted_mean(values, weights) == pytest.approx(float(exact), abs=1e-12)


@given(PAIRS)
def test_the_centre_lies_within_the_values_and_the_spread_within_half_their_range(
    pairs: list[tuple[float, float]],
) -> None:
    summary = summarise_features([danceable(*pair) for pair in pairs])["danceability"]
    lowest, highest = min(value for value, _ in pairs), max(value for value, _ in pairs)
    assert lowest - 1e-9 <= summary.mean <= highest + 1e-9
    assert 0 <= summary.spread <= (highest - lowest) / 2 + 1e-9
    assert 0 <= summary.margin <= 1.96 * summary.spread + 1e-9


@given(PAIRS, WEIGHTS, st.integers(min_value=2, max_value=4))
def test_scaled_weights_and_duplicated_tracks_do_not_move_centre_and_spread(
    pairs: list[tuple[float, float]], scale: float, copies: int
) -> None:
    def read(tracks: list[WeightedTrack]) -> list[float]:
        summaries = summarise_features(tracks)
        names = ("danceability", "tempo")
        return [figure for name in names for figure in (summaries[name].mean, summaries[name].spread)]

    def tracks_with(factor: float) -> list[WeightedTrack]:
        return [
            WeightedTrack(
                weight=weight * factor, features=AudioFeatures(danceability=value, tempo=60 + 100 * value)
            )
            for value, weight in pairs
        ]

    once = tracks_with(1)
    assert read(tracks_with(scale)) == pytest.approx(read(once), abs=1e-9)
    assert read(once * copies) == pytest.approx(read(once), abs=1e-9)


@given(PAIRS)
def test_four_copies_of_every_track_halve_the_margin(pairs: list[tuple[float, float]]) -> None:
    tracks = [danceable(*pair) for pair in pairs]
    margin = summarise_features(tracks)["danceability"].margin
    assert summarise_features(tracks * 4)["danceability"].margin == pytest.approx(margin / 2, abs=1e-9)


@given(PAIRS, st.randoms(use_true_random=False))
def test_the_order_of_the_tracks_does_not_change_a_digit(
    pairs: list[tuple[float, float]], shuffler: random.Random
) -> None:
    tracks = [
        WeightedTrack(weight=weight, features=AudioFeatures(danceability=value, tempo=value))
        for value, weight in pairs
    ]
    assert summarise_features(shuffler.sample(tracks, len(tracks))) == summarise_features(tracks)
