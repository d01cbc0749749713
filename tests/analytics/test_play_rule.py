"""What counts as a play, by each rule."""

import numpy as np
import pytest
from hypothesis import given

from small_histories import MINUTE, Row, Song, a_history, small_histories, utc
from spotify_insights.listening.analytics.play_rule import (
    Counting,
    PlayRule,
    counted,
    counts,
    heard,
    heard_and_counted,
)

AT = utc("2026-01-01T12:00")
FOREVER = (0, 2**40)


@pytest.mark.parametrize(
    ("rule", "ms", "duration", "to_end", "counted_as_play"),
    [
        (PlayRule.SPOTIFY, 29_999, 200_000, False, False),
        (PlayRule.SPOTIFY, 30_000, 200_000, False, True),
        (PlayRule.SPOTIFY, 10_000, 10_000, True, False),
        (PlayRule.SPOTIFY, None, 200_000, False, True),
        (PlayRule.SPOTIFY, 0, None, False, False),
        # Half of 200 s is 100 s; half of 10 minutes is more than four minutes, which come first.
        (PlayRule.LASTFM, 99_999, 200_000, False, False),
        (PlayRule.LASTFM, 100_000, 200_000, False, True),
        (PlayRule.LASTFM, 239_999, 10 * MINUTE, False, False),
        (PlayRule.LASTFM, 240_000, 10 * MINUTE, False, True),
        # Half of 40 s is 20 s: less than Spotify asks for.
        (PlayRule.LASTFM, 20_000, 40_000, False, True),
        # Longer than 30 seconds, not as long.
        (PlayRule.LASTFM, 30_000, 30_000, True, False),
        (PlayRule.LASTFM, 30_001, 30_001, True, True),
        (PlayRule.LASTFM, 30_000, None, False, False),
        (PlayRule.LASTFM, 30_000, None, True, True),
        (PlayRule.LASTFM, 240_000, None, False, True),
        (PlayRule.LASTFM, None, None, False, True),
        (PlayRule.LASTFM, None, 200_000, False, True),
        (PlayRule.LASTFM, None, 20_000, False, False),
        (PlayRule.ALL, 0, None, False, True),
    ],
)
def test_each_rule_draws_its_line(
    rule: PlayRule, ms: int | None, duration: int | None, *, to_end: bool, counted_as_play: bool
) -> None:
    history = a_history([Row(AT, ms=ms, to_end=to_end)], [Song(duration=duration)])
    assert counts(history.plays, history.tracks, rule).tolist() == [counted_as_play]


def test_private_sessions_are_left_out_unless_asked_for() -> None:
    history = a_history([Row(AT, private=True), Row(AT)])
    assert len(counted(history, *FOREVER, Counting())) == 1
    assert len(heard(history, *FOREVER, Counting())) == 1
    assert len(counted(history, *FOREVER, Counting(private_sessions=True))) == 2


def test_a_period_has_its_first_second_and_not_the_one_after_it() -> None:
    history = a_history([Row(utc(f"2026-01-01T12:00:0{second}")) for second in range(4)])
    since = int(AT.timestamp()) + 1
    assert (counted(history, since, since + 2, Counting()).ended_at - since).tolist() == [0, 1]


@given(small_histories())
def test_flags_of_rows_and_plays_are_those_of_both_questions(given: tuple[list[Row], list[Song]]) -> None:
    history = a_history(*given)
    for rule in PlayRule:
        for private in (False, True):
            counting = Counting(rule, private)
            flags, plays = heard_and_counted(history, *FOREVER, counting)
            assert flags.tolist() == heard(history, *FOREVER, counting).flags.tolist()
            assert np.array_equal(plays.ended_at, counted(history, *FOREVER, counting).ended_at)
