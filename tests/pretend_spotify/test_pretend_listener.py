from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from statistics import fmean, median
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pretend_trials import NOW
from spotify_insights.pretend_spotify.day import Play
from spotify_insights.pretend_spotify.listener import Listener, listener_of
from spotify_insights.pretend_spotify.personas import EARLY_COMMUTER, OMNIVORE, PERSONAS, Habit, Persona

EIGHTEEN_MONTHS = timedelta(days=548)
every_persona = pytest.mark.parametrize("persona", PERSONAS, ids=lambda persona: persona.key)
moments = st.datetimes(datetime(2025, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001  hypothesis adds the zone


def history(persona: Persona) -> list[Play]:
    return listener_of(persona.key).plays_between(NOW - EIGHTEEN_MONTHS, NOW)


def described(plays: Sequence[Play]) -> list[tuple[str, datetime, int]]:
    return [(play.track.id, play.started_at, play.ms_played) for play in plays]


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from(PERSONAS), moments, st.lists(st.timedeltas(timedelta(), timedelta(days=9)), max_size=4)
)
def test_an_interval_cut_anywhere_gives_the_same_plays(
    persona: Persona, start: datetime, steps: list[timedelta]
) -> None:
    bounds = [start]
    for step in steps:
        bounds.append(bounds[-1] + step)
    listener = listener_of(persona.key)
    whole = listener.plays_between(bounds[0], bounds[-1])
    pieces = [play for a, b in pairwise(bounds) for play in listener.plays_between(a, b)]
    assert described(pieces) == described(whole)
    assert all(bounds[0] <= play.ended_at < bounds[-1] for play in whole)


def test_a_second_listener_of_the_same_seed_plays_the_same_whatever_was_asked_before() -> None:
    first, second = Listener(OMNIVORE, seed=1), Listener(OMNIVORE, seed=1)
    second.plays_between(NOW - timedelta(days=400), NOW - timedelta(days=390))
    second.recently_played(NOW + timedelta(days=50))
    week = (NOW - timedelta(days=7), NOW)
    assert described(first.plays_between(*week)) == described(second.plays_between(*week))


def test_another_seed_is_another_person() -> None:
    week = (NOW - timedelta(days=7), NOW)
    one, other = (
        Listener(OMNIVORE, seed=1).plays_between(*week),
        Listener(OMNIVORE, seed=2).plays_between(*week),
    )
    assert {play.started_at for play in one}.isdisjoint(play.started_at for play in other)


def test_plays_appear_as_time_passes_and_never_change() -> None:
    listener = listener_of("omnivore")
    start = NOW - timedelta(days=2)
    earlier = described(listener.plays_between(start, NOW))
    later = described(listener.plays_between(start, NOW + timedelta(days=1)))
    assert later[: len(earlier)] == earlier
    assert len(later) > len(earlier)


@every_persona
def test_plays_never_overlap_and_last_as_long_as_they_were_heard(persona: Persona) -> None:
    plays = history(persona)
    assert all(before.ended_at <= after.started_at for before, after in pairwise(plays))
    for play in plays:
        assert play.ended_at - play.started_at == timedelta(milliseconds=play.ms_played)
        assert play.started_at.microsecond % 1000 == 0
        assert play.started_at.tzinfo is UTC
        assert 0 < play.ms_played <= play.track.duration_ms


def test_a_session_that_runs_late_ends_where_the_next_day_begins() -> None:
    late, early = (
        Habit(chances=(1.0,) * 7, hour=hour, spread=0.3, tracks=40, genres={"techno": 1.0})
        for hour in (OMNIVORE.day_break + 23, OMNIVORE.day_break)
    )
    restless = replace(OMNIVORE, key="restless", timezone="Europe/Berlin", habits=(late, early))
    plays = Listener(restless).plays_between(NOW - timedelta(days=365), NOW)
    assert all(before.ended_at <= after.started_at for before, after in pairwise(plays))
    zone = ZoneInfo(restless.timezone)
    hours = {play.started_at.astimezone(zone).hour for play in plays}
    assert {3, 4} <= hours


@every_persona
def test_eighteen_months_hold_a_believable_number_of_plays(persona: Persona) -> None:
    assert 15_000 < len(history(persona)) < 32_000


@every_persona
def test_tracks_are_skipped_about_as_often_as_the_persona_does(persona: Persona) -> None:
    plays = history(persona)
    skipped = fmean(play.ms_played < play.track.duration_ms for play in plays)
    assert abs(skipped - persona.skips) < 0.02


@every_persona
def test_plays_come_in_sessions(persona: Persona) -> None:
    gaps = [after.started_at - before.ended_at for before, after in pairwise(history(persona))]
    within = sum(gap < timedelta(minutes=5) for gap in gaps)
    between = sum(gap > timedelta(minutes=30) for gap in gaps)
    assert within / len(gaps) > 0.85
    # Several sessions a day at most, one every other day at least.
    assert EIGHTEEN_MONTHS.days / 2 < between < EIGHTEEN_MONTHS.days * 6


@every_persona
def test_a_few_favourites_are_played_often_and_many_tracks_seldom(persona: Persona) -> None:
    counts = sorted(Counter(play.track.id for play in history(persona)).values(), reverse=True)
    tenth = len(counts) // 10
    assert sum(counts[:tenth]) > 0.2 * sum(counts)
    # A tail as long as Zipf's: the median track is far below the average one.
    assert median(counts) < 0.8 * fmean(counts)


@every_persona
def test_favourites_move_with_the_months(persona: Persona) -> None:
    listener = listener_of(persona.key)

    def favourites(at: datetime) -> set[str]:
        return {track.id for track in listener.top_tracks("short_term", at)[:30]}

    now, a_fortnight_ago = favourites(NOW), favourites(NOW - timedelta(days=14))
    long_ago = favourites(NOW - timedelta(days=300))
    assert len(now & long_ago) < len(now & a_fortnight_ago)
    assert now - long_ago


def test_the_morning_train_leaves_at_the_same_local_time_in_winter_and_summer() -> None:
    zone = ZoneInfo(EARLY_COMMUTER.timezone)

    def morning(month: int) -> float:
        begin = datetime(2026, month, 1, tzinfo=zone)
        plays = listener_of(EARLY_COMMUTER.key).plays_between(begin, begin + timedelta(days=28))
        local = [play.started_at.astimezone(zone) for play in plays]
        first = {
            moment.date(): moment for moment in reversed(local) if moment.weekday() < 5 and moment.hour < 10
        }
        return median(moment.hour + moment.minute / 60 for moment in first.values())

    assert abs(morning(1) - morning(7)) < 0.4


def test_moments_without_a_time_zone_are_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        listener_of("omnivore").plays_between(NOW.replace(tzinfo=None), NOW)


def test_an_empty_interval_holds_nothing() -> None:
    assert listener_of("omnivore").plays_between(NOW, NOW) == []


@pytest.mark.parametrize(
    ("time_range", "days"), [("short_term", 28), ("medium_term", 182), ("long_term", 365)]
)
def test_top_items_count_the_plays_of_thirty_seconds_and_more(time_range: str, days: int) -> None:
    listener = listener_of("night-owl")
    heard = [
        play for play in listener.plays_between(NOW - timedelta(days=days), NOW) if play.ms_played >= 30_000
    ]
    tracks = Counter(play.track.id for play in heard)
    artists = Counter(artist.id for play in heard for artist in play.track.artists)
    top_tracks, top_artists = listener.top_tracks(time_range, NOW), listener.top_artists(time_range, NOW)
    assert [tracks[track.id] for track in top_tracks] == sorted(tracks.values(), reverse=True)
    assert [artists[artist.id] for artist in top_artists] == sorted(artists.values(), reverse=True)


def test_recently_played_is_the_newest_fifty_counted_plays() -> None:
    listener = listener_of("lunch-lifter")
    counted = [
        play for play in listener.plays_between(NOW - timedelta(days=30), NOW) if play.ms_played >= 30_000
    ]
    newest_first = counted[::-1]
    assert described(listener.recently_played(NOW, limit=50)) == described(newest_first[:50])
    assert described(listener.recently_played(NOW, limit=7)) == described(newest_first[:7])
    tenth = newest_first[9].ended_at
    assert described(listener.recently_played(NOW, 50, after=tenth)) == described(newest_first[:9])
    assert described(listener.recently_played(NOW, 50, before=tenth)) == described(newest_first[10:50])
    assert listener.recently_played(NOW, 50, before=newest_first[49].ended_at) == []
