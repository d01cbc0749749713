"""Soft shares of the quadrants of valence and energy, and the neutral zone."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotify_insights.audio_features.values import AudioFeatures
from spotify_insights.listening.mood import MoodPosition, mood_patterns, mood_position
from spotify_insights.listening.snapshot import MoodPatterns
from spotify_insights.listening.weights import WeightedTrack

# Whole thousandths, so that a reflection 1000 - k is exact.
THOUSANDTHS = st.integers(min_value=0, max_value=1000)
WEIGHTS = st.floats(min_value=1e-3, max_value=1e3)
TRACKS = st.lists(st.tuples(THOUSANDTHS, THOUSANDTHS, WEIGHTS), min_size=1, max_size=40)


def track(valence: float | None, energy: float | None, weight: float = 1) -> WeightedTrack:
    return WeightedTrack(weight=weight, features=AudioFeatures(valence=valence, energy=energy))


def patterns(points: list[tuple[int, int, float]]) -> MoodPatterns:
    moods = mood_patterns(
        [track(valence / 1000, energy / 1000, weight) for valence, energy, weight in points]
    )
    assert moods is not None
    return moods


def shares(moods: MoodPatterns) -> list[float]:
    return [moods.upbeat, moods.intense, moods.wistful, moods.calm, moods.neutral]


def test_the_shares_of_one_track_by_hand() -> None:
    moods = mood_patterns([track(0.6, 0.7)])

    # (.6 - .5) / .1 = 1 and (.7 - .5) / .1 = 2
    high_valence, high_energy = 1 / (1 + math.exp(-1)), 1 / (1 + math.exp(-2))
    low_valence, low_energy = 1 / (1 + math.exp(1)), 1 / (1 + math.exp(2))
    assert moods is not None
    assert moods.upbeat == pytest.approx(high_valence * high_energy)
    assert moods.intense == pytest.approx(low_valence * high_energy)
    assert moods.wistful == pytest.approx(low_valence * low_energy)
    assert moods.calm == pytest.approx(high_valence * low_energy)
    assert moods.neutral == 0


@pytest.mark.parametrize(
    ("valence", "energy", "quadrant"),
    [(1, 1, "upbeat"), (0, 1, "intense"), (0, 0, "wistful"), (1, 0, "calm"), (0.5, 0.5, "neutral")],
)
def test_each_part_of_the_plane_has_its_name(valence: float, energy: float, quadrant: str) -> None:
    moods = mood_patterns([track(valence, energy)])
    assert moods is not None
    assert moods.model_dump()[quadrant] > 0.98


def test_a_neutral_track_gives_its_whole_weight_to_neutral() -> None:
    moods = mood_patterns([track(0.52, 0.47, weight=3), track(1, 1, weight=1)])

    assert moods is not None
    assert moods.neutral == pytest.approx(3 / 4)
    # In the corner (1 - .5) / .1 = 5 on both axes.
    assert moods.upbeat == pytest.approx((1 / (1 + math.exp(-5))) ** 2 / 4)


@pytest.mark.parametrize("border", [0.45, 0.55])
def test_the_border_of_the_neutral_zone_is_outside_on_all_four_sides(border: float) -> None:
    assert not MoodPosition(valence=border, energy=0.5).is_neutral
    assert not MoodPosition(valence=0.5, energy=border).is_neutral


@pytest.mark.parametrize("inside", [0.4501, 0.5499])
def test_just_inside_the_border_is_neutral_on_all_four_sides(inside: float) -> None:
    assert MoodPosition(valence=inside, energy=0.5).is_neutral
    assert MoodPosition(valence=0.5, energy=inside).is_neutral


def test_half_known_tracks_have_no_place_in_the_plane() -> None:
    assert mood_position(AudioFeatures(valence=0.3)) is None
    assert mood_position(AudioFeatures(energy=0.3)) is None
    assert mood_position(AudioFeatures(valence=0, energy=0)) == (0, 0)


def test_tracks_without_a_place_do_not_count() -> None:
    known = [track(0.2, 0.9), track(0.7, 0.6, weight=2)]
    assert mood_patterns([*known, track(None, 0.9, weight=50), track(0.1, None)]) == mood_patterns(known)


def test_nothing_known_gives_no_patterns() -> None:
    assert mood_patterns([]) is None
    assert mood_patterns([track(None, None), track(0.4, None)]) is None


@pytest.mark.parametrize("off_the_scale", [-1e6, 1e6])
def test_a_value_far_off_the_scale_belongs_wholly_to_its_side(off_the_scale: float) -> None:
    moods = mood_patterns([track(off_the_scale, 1e6)])
    assert moods is not None
    assert (moods.upbeat if off_the_scale > 0 else moods.intense) == 1


@given(TRACKS)
def test_shares_lie_between_zero_and_one_and_add_up_to_one(points: list[tuple[int, int, float]]) -> None:
    moods = shares(patterns(points))
    assert math.fsum(moods) == pytest.approx(1, abs=1e-12)
    assert all(0 <= share <= 1 for share in moods)


@given(TRACKS)
def test_reflecting_valence_swaps_upbeat_with_intense_and_calm_with_wistful(
    points: list[tuple[int, int, float]],
) -> None:
    moods = patterns(points)
    mirrored = patterns([(1000 - valence, energy, weight) for valence, energy, weight in points])
    swapped = [moods.intense, moods.upbeat, moods.calm, moods.wistful, moods.neutral]
    assert shares(mirrored) == pytest.approx(swapped, abs=1e-12)


@given(TRACKS)
def test_reflecting_energy_swaps_upbeat_with_calm_and_intense_with_wistful(
    points: list[tuple[int, int, float]],
) -> None:
    moods = patterns(points)
    mirrored = patterns([(valence, 1000 - energy, weight) for valence, energy, weight in points])
    swapped = [moods.calm, moods.wistful, moods.intense, moods.upbeat, moods.neutral]
    assert shares(mirrored) == pytest.approx(swapped, abs=1e-12)


@given(TRACKS, st.floats(min_value=1e-3, max_value=1e3), st.integers(min_value=2, max_value=4))
def test_scaled_weights_and_duplicated_tracks_do_not_move_the_shares(
    points: list[tuple[int, int, float]], scale: float, copies: int
) -> None:
    moods = shares(patterns(points))
    scaled = patterns([(valence, energy, weight * scale) for valence, energy, weight in points])
    assert shares(scaled) == pytest.approx(moods, abs=1e-9)
    assert shares(patterns(points * copies)) == pytest.approx(moods, abs=1e-9)


@given(TRACKS, st.randoms(use_true_random=False))
def test_the_order_of_the_tracks_does_not_change_a_digit(
    points: list[tuple[int, int, float]], shuffler: random.Random
) -> None:
    assert patterns(shuffler.sample(points, len(points))) == patterns(points)
