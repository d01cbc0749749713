"""A history that grows: what is kept from before says the same as what would be made anew."""

from dataclasses import asdict, replace
from datetime import timedelta
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from small_histories import MINUTE, Row, Song, a_history, all_time, days, small_histories, utc
from spotify_insights.audio_features.values import FEATURE_NAMES
from spotify_insights.listening.analytics.buckets import Bucket
from spotify_insights.listening.analytics.clock import clock
from spotify_insights.listening.analytics.columns import HistoryColumns, TrackColumns
from spotify_insights.listening.analytics.counted_plays import previous_of_track
from spotify_insights.listening.analytics.daily_centres import daily_centres
from spotify_insights.listening.analytics.feature_profile import profile_of
from spotify_insights.listening.analytics.grow import grown
from spotify_insights.listening.analytics.held import Held
from spotify_insights.listening.analytics.mood_timeline import mood_timeline
from spotify_insights.listening.analytics.moods import moods
from spotify_insights.listening.analytics.overview import overview
from spotify_insights.listening.analytics.play_rule import Counting, PlayRule, all_counted
from spotify_insights.listening.analytics.repetition import repetition
from spotify_insights.listening.analytics.room import appended
from spotify_insights.listening.analytics.sessions import sessions
from spotify_insights.listening.analytics.top import TopBy, TopOf, top

COUNTINGS = [Counting(), Counting(PlayRule.LASTFM), Counting(PlayRule.ALL, private_sessions=True)]
ZONE = "Pacific/Auckland"


def answers(history: HistoryColumns) -> list[dict[str, Any]]:
    """What views with anything held say."""
    said: list[Any] = []
    for counting in COUNTINGS:
        for period in (all_time(ZONE), days("2026-01-25", "2026-02-12", ZONE)):
            said += [
                view(history, period, counting) for view in (overview, clock, moods, repetition, sessions)
            ]
            said += [top(history, period, of, TopBy.TIME, counting) for of in TopOf]
            said.append(mood_timeline(history, period, Bucket.WEEK, counting))
    return [asdict(each) for each in said]


def anew(history: HistoryColumns) -> HistoryColumns:
    return HistoryColumns(history.plays, replace(history.tracks, held=Held()))


def in_pieces(tracks: TrackColumns, first: int, size: int) -> list[TrackColumns]:
    """The tracks from that one on, some at a time."""
    columns = ("track_id", "artist", "album", "duration_ms", "features", "providers")
    return [
        TrackColumns(*(getattr(tracks, name)[begin : begin + size] for name in columns))
        for begin in range(first, len(tracks), size)
    ]


def growing_changes_nothing(given: tuple[list[Row], list[Song]], data: st.DataObject) -> None:
    rows, songs = given
    cut = data.draw(st.integers(0, len(rows)))
    if cut < len(rows):
        # Plays of one second are never on both sides.
        cut = next(place for place, row in enumerate(rows) if row.at == rows[cut].at)
    kept = data.draw(st.integers(0, cut))
    if kept < len(rows):
        kept = next(place for place, row in enumerate(rows) if row.at == rows[kept].at)
    # The later half of the songs is new, mostly without features.
    known = max([row.track for row in rows[:cut]], default=-1) + 1
    if data.draw(st.booleans()):
        songs = [*songs[:known], *(replace(song, features={}) for song in songs[known:])]
    before = a_history(rows[:cut], songs[:known])
    answers(before)
    kept_tracks = data.draw(st.integers(0, len(before.tracks)))
    if kept_tracks < min(known, len(before.tracks)) and data.draw(st.booleans()):
        # Something about a known song was learnt.
        place = data.draw(st.integers(kept_tracks, known - 1))
        learnt = data.draw(
            st.sampled_from(
                [
                    replace(songs[place], duration=3 * MINUTE),
                    replace(songs[place], features={"valence": 0.5}),
                    replace(songs[place], artist=7),
                ]
            )
        )
        songs = [*songs[:place], learnt, *songs[place + 1 :]]
    now = a_history(rows, songs)
    said_before = answers(anew(before))

    history = grown(
        before,
        [now.plays.where(slice(kept, None))],
        in_pieces(now.tracks, kept_tracks, data.draw(st.integers(1, 4))),
        kept_plays=kept,
        kept_tracks=kept_tracks,
    )

    assert history.plays.ended_at.tolist() == now.plays.ended_at.tolist()
    np.testing.assert_equal(answers(history), answers(now))
    # And nothing has changed for those who still look at the one before.
    np.testing.assert_equal(answers(anew(before)), said_before)


@settings(max_examples=5)
@given(small_histories(), st.data())
def test_a_grown_history_says_what_a_new_one_says(
    given: tuple[list[Row], list[Song]], data: st.DataObject
) -> None:
    growing_changes_nothing(given, data)


@pytest.mark.slow  # every view of every history, twice
@settings(max_examples=60)
@given(small_histories(), st.data())
def test_histories_grown_in_many_ways_say_what_new_ones_say(
    given: tuple[list[Row], list[Song]], data: st.DataObject
) -> None:
    growing_changes_nothing(given, data)


def test_a_new_play_is_the_only_one_that_is_looked_at() -> None:
    at, songs = utc("2026-01-05T12:00"), [Song(features=dict.fromkeys(FEATURE_NAMES, 0.5)), Song(artist=2)]
    rows = [Row(at + timedelta(minutes=5 * minute)) for minute in range(100)]
    first = a_history(rows, songs[:1])
    answers(first)
    second = a_history([*rows, Row(rows[-1].at + timedelta(minutes=5))], songs[:1])
    third = a_history(
        [*rows, Row(rows[-1].at + timedelta(minutes=5)), Row(utc("2026-02-01T12:00"), 1)], songs
    )

    once = grown(first, [second.plays.where(slice(90, None))], [], kept_plays=90, kept_tracks=1)
    # The block of the last tracks is read as a whole: the one that was there comes with it.
    twice = grown(
        once,
        [third.plays.where(slice(90, None))],
        in_pieces(third.tracks, 0, 2),
        kept_plays=90,
        kept_tracks=0,
    )

    for counting in COUNTINGS:
        plays, before = all_counted(twice, counting), all_counted(once, counting)
        # Everything else stands where it stood: no play is copied, judged or matched again.
        assert len(plays) == len(before) + 1 == 102
        for column in ("ended_at", "track", "ms_played", "flags", "limited", "completion", "previous"):
            assert np.shares_memory(getattr(plays, column), getattr(before, column)), column
    assert np.shares_memory(twice.plays.ended_at, once.plays.ended_at)
    assert {name for name, _ in twice.tracks.held.items()} == {name for name, _ in first.tracks.held.items()}


def test_what_was_given_is_never_written_again() -> None:
    first = appended(np.zeros(0, np.int32), np.array([1, 2, 3], np.int32))
    left, right = appended(first, np.array([4], np.int32)), appended(first, np.array([5, 6], np.int32))
    assert [each.tolist() for each in (first, left, right)] == [[1, 2, 3], [1, 2, 3, 4], [1, 2, 3, 5, 6]]
    assert np.shares_memory(first, left)
    assert appended(left[:2], np.array([9], np.int32)).tolist() == [1, 2, 9]
    assert left.tolist() == [1, 2, 3, 4]


@given(st.lists(st.integers(0, 5)))
def test_the_play_before_of_the_same_track(tracks: list[int]) -> None:
    naive = [
        max((earlier for earlier in range(place) if tracks[earlier] == track), default=-1)
        for place, track in enumerate(tracks)
    ]
    assert previous_of_track(np.array(tracks, dtype=np.int32)).tolist() == naive


@given(small_histories())
def test_centres_of_days_are_those_of_each_day(given: tuple[list[Row], list[Song]]) -> None:
    rows, songs = given
    history = a_history(rows * 3, [replace(song, duration=5 * MINUTE) for song in songs])
    plays = all_counted(history, COUNTINGS[2])
    cuts = np.linspace(0, len(plays), 4).astype(np.intp)
    each = [profile_of(plays.part(first, last), history.tracks) for first, last in pairwise(cuts.tolist())]
    for column, (shown, centres) in enumerate(daily_centres(plays, history.tracks, cuts)):
        expected = [mean for profile in each if (mean := profile.features[column].mean) is not None]
        np.testing.assert_allclose(centres, expected)
        assert [each[day].features[column].mean is not None for day in range(len(each))] == [
            day in shown for day in range(len(each))
        ]


def test_no_more_is_held_than_a_dozen_things() -> None:
    held = Held()
    for number in range(20):
        assert held.get(number, partial(np.full, 2, number)).tolist() == [number] * 2
    assert [name for name, _ in held.items()] == list(range(8, 20))
    assert held.nbytes == 12 * 2 * np.dtype(np.int64).itemsize
    assert held.get(19, lambda: np.zeros(1)).tolist() == [19, 19]
