"""Rank weights and the effective sample size."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotify_insights.listening.weights import effective_sample_size, rank_weight

POSITIVE_WEIGHTS = st.lists(st.floats(min_value=1e-3, max_value=1e3), min_size=1, max_size=60)


@pytest.mark.parametrize(
    ("rank", "weight"),
    # log2 of 2, 4, 8, 16 is 1, 2, 3, 4.
    [(1, 1), (3, 1 / 2), (7, 1 / 3), (15, 1 / 4)],
)
def test_the_weight_is_one_over_the_binary_logarithm_of_the_next_rank(rank: int, weight: float) -> None:
    assert rank_weight(rank) == weight


@given(st.integers(min_value=1, max_value=1000))
def test_a_later_rank_weighs_less_but_something(rank: int) -> None:
    assert 0 < rank_weight(rank + 1) < rank_weight(rank)


@pytest.mark.parametrize("rank", [0, -1])
def test_a_rank_below_one_is_refused(rank: int) -> None:
    with pytest.raises(ValueError, match="ranks count from 1"):
        rank_weight(rank)


def test_one_heavy_and_two_half_weights_are_worth_eight_thirds() -> None:
    # (1 + 1/2 + 1/2)^2 / (1 + 1/4 + 1/4) = 4 / (3/2)
    assert effective_sample_size([1, 1 / 2, 1 / 2]) == pytest.approx(8 / 3)


def test_no_tracks_are_worth_nothing() -> None:
    assert effective_sample_size([]) == 0


@given(st.integers(min_value=1, max_value=200), st.floats(min_value=1e-3, max_value=1e3))
def test_equal_weights_are_worth_their_number(count: int, weight: float) -> None:
    assert effective_sample_size([weight] * count) == pytest.approx(count)


@given(POSITIVE_WEIGHTS)
def test_the_effective_size_lies_between_one_and_the_number_of_tracks(weights: list[float]) -> None:
    assert 1 - 1e-9 <= effective_sample_size(weights) <= len(weights) + 1e-9


@given(POSITIVE_WEIGHTS, st.floats(min_value=1e-3, max_value=1e3))
def test_the_scale_of_the_weights_does_not_change_the_effective_size(
    weights: list[float], scale: float
) -> None:
    scaled = effective_sample_size([weight * scale for weight in weights])
    assert scaled == pytest.approx(effective_sample_size(weights))


@given(POSITIVE_WEIGHTS, st.randoms(use_true_random=False))
def test_the_order_of_the_weights_does_not_change_the_effective_size(
    weights: list[float], shuffler: random.Random
) -> None:
    shuffled = shuffler.sample(weights, len(weights))
    assert effective_sample_size(shuffled) == effective_sample_size(weights)


def test_ten_first_ranks_are_worth_about_eight_tracks_and_thirteen_more_than_ten() -> None:
    def size_of_first(count: int) -> float:
        weights = [1 / math.log2(rank + 1) for rank in range(1, count + 1)]
        return sum(weights) ** 2 / sum(weight**2 for weight in weights)

    for count in (10, 12, 13, 50):
        ranked = [rank_weight(rank) for rank in range(1, count + 1)]
        assert effective_sample_size(ranked) == pytest.approx(size_of_first(count))
    assert size_of_first(10) == pytest.approx(8.3, abs=0.05)
    assert size_of_first(12) < 10 < size_of_first(13)
    assert size_of_first(13) == pytest.approx(10.6, abs=0.05)
    assert size_of_first(50) == pytest.approx(39, abs=0.5)
