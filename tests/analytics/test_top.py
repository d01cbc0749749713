"""What was heard most."""

from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from small_histories import MINUTE, Row, Song, a_history, all_time, days, small_histories, utc
from spotify_insights.errors import InvalidInputError
from spotify_insights.listening.analytics.play_rule import Counting, PlayRule
from spotify_insights.listening.analytics.top import TopBy, TopItem, TopOf, top

EVERYTHING = Counting(PlayRule.ALL, private_sessions=True)
SONGS = [Song(artist=7, album=1), Song(artist=8, album=None), Song(artist=7, album=2)]


def test_a_list_by_hand() -> None:
    history = a_history(
        [
            Row(utc("2026-01-01T10:00"), 0, ms=MINUTE),
            Row(utc("2026-01-02T10:00"), 1, ms=4 * MINUTE),
            Row(utc("2026-01-03T10:00"), 0, ms=None),
            Row(utc("2026-01-04T10:00"), 2, ms=3 * MINUTE),
        ],
        SONGS,
    )
    tracks = top(history, all_time(), TopOf.TRACKS, TopBy.PLAYS)
    # Of the two with one play, the longer heard one comes first.
    assert [(item.rank, item.id, item.plays, item.share) for item in tracks.items] == [
        (1, 100, 2, 0.5), (2, 101, 1, 0.25), (3, 102, 1, 0.25)
    ]  # fmt: skip
    assert tracks.items[0].first_play_at == utc("2026-01-01T10:00")
    assert tracks.items[0].last_play_at == utc("2026-01-03T10:00")
    assert (tracks.distinct, tracks.plays, tracks.ms) == (3, 4, 8 * MINUTE)
    artists = top(history, all_time(), TopOf.ARTISTS, TopBy.TIME)
    # Four minutes each: three plays come before one.
    assert [(item.id, item.ms, item.plays, item.share) for item in artists.items] == [
        (7, 4 * MINUTE, 3, 0.5), (8, 4 * MINUTE, 1, 0.5)
    ]  # fmt: skip
    assert artists.items[0].last_play_at == utc("2026-01-04T10:00")
    # The play without an album is in no row, and in the whole.
    albums = top(history, all_time(), TopOf.ALBUMS, TopBy.PLAYS)
    assert [(item.id, item.share) for item in albums.items] == [(1, 0.5), (2, 0.25)]


def test_ranks_of_the_period_before() -> None:
    before = [Row(utc("2026-01-01T10:00"), track) for track in (1, 1, 0)]
    now = [Row(utc("2026-01-02T10:00"), track) for track in (0, 0, 2, 1)]
    shown = top(a_history(before + now, SONGS), days("2026-01-02", "2026-01-02"), TopOf.TRACKS, TopBy.PLAYS)
    assert [(item.id, item.previous_rank) for item in shown.items] == [(100, 2), (101, 1), (102, None)]


@given(small_histories(), st.sampled_from(TopOf), st.sampled_from(TopBy), st.sampled_from([1, 2, 3, 5, 500]))
def test_a_list_is_that_of_a_loop(
    given: tuple[list[Row], list[Song]], of: TopOf, by: TopBy, limit: int
) -> None:
    rows, songs = given
    heard: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        song = songs[row.track]
        key = {TopOf.TRACKS: 100 + row.track, TopOf.ARTISTS: song.artist, TopOf.ALBUMS: song.album}[of]
        if key is not None:
            heard[key].append(row)

    def order(key: int) -> tuple[int, int, int]:
        plays, ms = len(heard[key]), sum(row.ms or 0 for row in heard[key])
        return (-plays, -ms, key) if by is TopBy.PLAYS else (-ms, -plays, key)

    shown = top(a_history(rows, songs), all_time(), of, by, EVERYTHING, limit=limit)
    whole = len(rows) if by is TopBy.PLAYS else sum(row.ms or 0 for row in rows)
    expected = [
        TopItem(
            rank=rank,
            id=key,
            plays=len(heard[key]),
            ms=sum(row.ms or 0 for row in heard[key]),
            share=-order(key)[0] / whole if whole else None,
            first_play_at=min(row.at for row in heard[key]),
            last_play_at=max(row.at for row in heard[key]),
            previous_rank=None,
        )
        for rank, key in enumerate(sorted(heard, key=order)[:limit], start=1)
    ]
    assert list(shown.items) == expected
    assert shown.distinct == len(heard)


@pytest.mark.parametrize("limit", [0, 501])
def test_a_list_that_cannot_be_is_refused(limit: int) -> None:
    with pytest.raises(InvalidInputError, match="1 to 500 rows"):
        top(a_history([]), all_time(), TopOf.TRACKS, TopBy.PLAYS, limit=limit)
