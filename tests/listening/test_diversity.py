"""Normalised entropy over the quadrants, its correction and its limits."""

import math
import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotify_insights.audio_features.values import AudioFeatures
from spotify_insights.listening.diversity import MoodDiversity, mood_diversity
from spotify_insights.listening.weights import WeightedTrack, rank_weight

THOUSANDTHS = st.integers(min_value=0, max_value=1000)
POINTS = st.lists(st.tuples(THOUSANDTHS, THOUSANDTHS), min_size=15, max_size=40)
CORNERS = [(1, 1), (0, 1), (0, 0), (1, 0)]

# Membership of a corner in its own side: (1 - .5) / .1 = 5.
OWN_SIDE = 1 / (1 + math.exp(-5))
OTHER_SIDE = 1 - OWN_SIDE


def entropy(*shares: float) -> float:
    return -sum(share * math.log(share) for share in shares)


def tracks_at(points: Sequence[tuple[float, float]], weight: float = 1) -> list[WeightedTrack]:
    return [
        WeightedTrack(weight=weight, features=AudioFeatures(valence=valence, energy=energy))
        for valence, energy in points
    ]


def ranked(points: Sequence[tuple[float, float]]) -> list[WeightedTrack]:
    return [
        WeightedTrack(weight=rank_weight(rank), features=AudioFeatures(valence=valence, energy=energy))
        for rank, (valence, energy) in enumerate(points, start=1)
    ]


def ranked_thousandths(points: list[tuple[int, int]]) -> list[WeightedTrack]:
    return ranked([(valence / 1000, energy / 1000) for valence, energy in points])


def diversity_of(tracks: list[WeightedTrack]) -> MoodDiversity:
    diversity = mood_diversity(tracks)
    assert diversity is not None
    return diversity


@pytest.mark.parametrize("corner", CORNERS)
def test_all_tracks_in_one_corner_are_near_zero_by_hand(corner: tuple[float, float]) -> None:
    diversity = diversity_of(tracks_at([corner] * 20))

    # One quadrant observed: no correction, only the blur of the soft borders is left.
    blur = entropy(OWN_SIDE**2, OWN_SIDE * OTHER_SIDE, OWN_SIDE * OTHER_SIDE, OTHER_SIDE**2)
    assert diversity.score == pytest.approx(blur / math.log(4))
    assert diversity.score < 0.06
    assert diversity.effective_moods == pytest.approx(math.exp(blur))
    assert diversity.effective_moods < 1.1


def test_tracks_spread_evenly_over_the_corners_are_one_and_four_moods() -> None:
    diversity = diversity_of(tracks_at(CORNERS * 5))
    assert diversity.score == pytest.approx(1)
    assert diversity.effective_moods == pytest.approx(4)


def test_two_opposite_corners_by_hand() -> None:
    diversity = diversity_of(tracks_at([(1, 1)] * 15 + [(0, 0)] * 5))

    # Upbeat .75 of own^2 and .25 of other^2, wistful the reverse, the other two own * other each.
    upbeat = 0.75 * OWN_SIDE**2 + 0.25 * OTHER_SIDE**2
    wistful = 0.25 * OWN_SIDE**2 + 0.75 * OTHER_SIDE**2
    between = OWN_SIDE * OTHER_SIDE
    # Two quadrants observed among twenty tracks: (2 - 1) / (2 * 20).
    corrected = entropy(upbeat, wistful, between, between) + 1 / 40
    assert diversity.score == pytest.approx(corrected / math.log(4))
    assert diversity.effective_moods == pytest.approx(math.exp(corrected))


def test_the_correction_is_larger_where_weights_leave_less_evidence() -> None:
    # Weights 2 and 1 in the same proportion for both moods: the shares stay, n_eff falls to
    # (10 * 2 + 20 * 1)^2 / (10 * 4 + 20 * 1) = 1600 / 60.
    points = [(1, 1), (0, 0)]
    even = diversity_of(tracks_at(points * 15))
    uneven = diversity_of(tracks_at(points * 5, weight=2) + tracks_at(points * 10))

    expected = 1 / (2 * 1600 / 60) - 1 / (2 * 30)
    assert (uneven.score - even.score) * math.log(4) == pytest.approx(expected)


def test_a_track_on_the_border_is_the_best_match_of_both_sides() -> None:
    diversity = diversity_of(tracks_at([(0.5, 1)] * 10))
    # Upbeat and intense share alike, and both are observed: (2 - 1) / (2 * 10).
    corrected = entropy(OWN_SIDE / 2, OWN_SIDE / 2, OTHER_SIDE / 2, OTHER_SIDE / 2) + 1 / 20
    assert diversity.score == pytest.approx(corrected / math.log(4))


@pytest.mark.parametrize("weight", [0.1, 1 / 3, 0.7, 1, 12.34])
def test_ten_equal_tracks_are_enough_and_nine_are_not(weight: float) -> None:
    assert mood_diversity(tracks_at([(0.9, 0.8)] * 10, weight)) is not None
    assert mood_diversity(tracks_at([(0.9, 0.8)] * 9, weight)) is None


def test_under_rank_weights_thirteen_tracks_are_enough_and_twelve_are_not() -> None:
    assert mood_diversity(ranked([(0.9, 0.8)] * 13)) is not None
    assert mood_diversity(ranked([(0.9, 0.8)] * 12)) is None


def test_nothing_known_gives_no_diversity() -> None:
    assert mood_diversity([]) is None
    assert mood_diversity([WeightedTrack(weight=1, features=AudioFeatures(valence=0.9))] * 50) is None


def test_neutral_and_unknown_tracks_neither_add_nor_dilute() -> None:
    coloured = tracks_at([(0.9, 0.8)] * 8 + [(0.1, 0.3)] * 4)
    neutral = tracks_at([(0.5, 0.5)] * 30)
    unknown = [WeightedTrack(weight=1, features=AudioFeatures(energy=0.9))] * 5
    assert mood_diversity(coloured + neutral + unknown) == mood_diversity(coloured)


def test_neutral_tracks_do_not_make_up_for_missing_evidence() -> None:
    assert mood_diversity(tracks_at([(0.9, 0.8), (0.1, 0.3), (0.2, 0.9)] * 3 + [(0.5, 0.5)] * 41)) is None


@given(POINTS)
def test_score_and_effective_moods_stay_in_bounds_and_agree(points: list[tuple[int, int]]) -> None:
    diversity = mood_diversity(ranked_thousandths(points))
    if diversity is not None:
        assert 0 <= diversity.score <= 1
        assert 1 <= diversity.effective_moods <= 4 + 1e-12
        assert diversity.effective_moods == pytest.approx(4**diversity.score)


@given(points=POINTS, flip_valence=st.booleans(), flip_energy=st.booleans())
def test_reflecting_the_plane_does_not_change_diversity(
    *, points: list[tuple[int, int]], flip_valence: bool, flip_energy: bool
) -> None:
    mirrored = [
        (1000 - valence if flip_valence else valence, 1000 - energy if flip_energy else energy)
        for valence, energy in points
    ]
    before, after = mood_diversity(ranked_thousandths(points)), mood_diversity(ranked_thousandths(mirrored))
    assert (before is None) == (after is None)
    if before is not None and after is not None:
        assert after.score == pytest.approx(before.score, abs=1e-9)


@given(POINTS, st.floats(min_value=1e-2, max_value=1e2))
def test_the_scale_of_the_weights_does_not_change_diversity(
    points: list[tuple[int, int]], scale: float
) -> None:
    tracks = ranked_thousandths(points)
    scaled = [WeightedTrack(weight=track.weight * scale, features=track.features) for track in tracks]
    before, after = mood_diversity(tracks), mood_diversity(scaled)
    assert (before is None) == (after is None)
    if before is not None and after is not None:
        assert after.score == pytest.approx(before.score, abs=1e-9)


@given(POINTS, st.randoms(use_true_random=False))
def test_the_order_of_the_tracks_does_not_change_a_digit(
    points: list[tuple[int, int]], shuffler: random.Random
) -> None:
    tracks = ranked_thousandths(points)
    assert mood_diversity(shuffler.sample(tracks, len(tracks))) == mood_diversity(tracks)
