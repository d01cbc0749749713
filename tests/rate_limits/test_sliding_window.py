"""What a refused client is told to wait is enough, and what it is told that remains, it gets."""

import math
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from spotify_insights.web.limits.policy import LimitClass, Policy, Standing

QUOTAS = st.integers(min_value=1, max_value=1000)
WINDOWS = st.sampled_from([60, 3600])
SHARES = st.floats(min_value=0.0, max_value=1.0, exclude_max=True)


@st.composite
def standings(draw: st.DrawFn) -> Standing:
    """Any state that the counters can be in: neither window ever holds more than the quota."""
    quota, window = draw(QUOTAS), draw(WINDOWS)
    left = window * (1 - draw(SHARES))
    return Standing(
        Policy(LimitClass.DEFAULT, quota, window),
        granted=draw(st.booleans()),
        previous=draw(st.integers(min_value=0, max_value=quota)),
        previous_left=left,
        current=draw(st.integers(min_value=0, max_value=quota)),
        current_left=left + window,
    )


def later(standing: Standing, seconds: float) -> Standing:
    """The same counters after a while in which nobody asked."""
    left = standing.current_left - standing.policy.window - seconds
    if left > 0:
        return Standing(
            standing.policy,
            granted=True,
            previous=standing.previous,
            previous_left=left,
            current=standing.current,
            current_left=left + standing.policy.window,
        )
    # The current window has become the one before.
    gone = max(left + standing.policy.window, 0.0)
    return Standing(
        standing.policy,
        granted=True,
        previous=standing.current,
        previous_left=gone,
        current=0,
        current_left=gone + standing.policy.window,
    )


@given(standings(), st.data())
def test_after_the_wait_there_is_room(any_standing: Standing, data: st.DataObject) -> None:
    least = any_standing.current + any_standing.remaining
    standing = replace(any_standing, current=data.draw(st.integers(least, any_standing.policy.quota)))
    assert standing.remaining == 0

    # A request arrives a moment after the second that it was told.
    assert later(standing, standing.wait + 0.05).remaining >= 1


@given(standings())
def test_nobody_is_told_to_wait_longer_than_a_window(standing: Standing) -> None:
    assert standing.wait <= standing.policy.window
    assert standing.wait >= (0 if standing.remaining else 1)


@given(standings())
def test_what_remains_and_what_counts_are_the_quota(standing: Standing) -> None:
    policy = standing.policy
    counted = math.floor(standing.previous * standing.previous_left / policy.window) + standing.current

    assert standing.remaining == max(policy.quota - counted, 0)
    assert standing.header == f'"default";r={standing.remaining};t={standing.wait}'
