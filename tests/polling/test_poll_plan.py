"""When a poll is due: no play is lost, few calls are made, and hours are those of the listener's clock."""

from datetime import UTC, datetime, timedelta
from itertools import chain, pairwise
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulated_polls import A_DAY, A_MINUTE, BEGIN, adaptive, every, plays_of, polled, session
from spotify_insights.listening.poll_plan import (
    LIST_LENGTH,
    SHORTEST_WAIT,
    Waiting,
    choose,
    habits_of,
    next_poll_at,
    same_time_before,
)
from spotify_insights.pretend_spotify.personas import PERSONA_BY_KEY

AN_HOUR = timedelta(hours=1)
HALF_AN_HOUR = 30 * A_MINUTE
# 45 plays of three minutes.
LONGEST_WAIT = timedelta(hours=2, minutes=15)

sessions = st.lists(
    st.tuples(st.integers(0, 27), st.integers(0, 24 * 60 - 1), st.integers(1, 90), st.floats(30, 400)),
    max_size=25,
)


def wait_of(
    plays: list[datetime], moment: datetime, *, timezone: str = "UTC", seen: int | None = 0
) -> timedelta:
    known_since = min(plays, default=None)
    habits = habits_of(plays, timezone=timezone, moment=moment, known_since=known_since)
    return next_poll_at(habits, moment, seen=seen) - moment


def test_somebody_new_is_polled_after_25_plays_of_three_minutes() -> None:
    assert wait_of([], BEGIN) == timedelta(minutes=75)


def test_in_hours_in_which_somebody_never_listens_the_wait_is_longer() -> None:
    """45 plays of three minutes: the long wait of a night ends when a usual hour draws near."""
    evenings = list(
        chain.from_iterable(
            session(BEGIN + day * A_DAY + 19 * AN_HOUR, plays=15, seconds_each=200) for day in range(28)
        )
    )
    today = BEGIN + 28 * A_DAY
    assert wait_of(evenings, today + 2 * AN_HOUR) == LONGEST_WAIT
    assert wait_of(evenings, today + 18 * AN_HOUR + HALF_AN_HOUR) == timedelta(minutes=75)


def test_a_fast_listener_is_polled_so_often_that_half_of_the_list_is_never_passed() -> None:
    """40 plays in an hour of each day: 25 of them take 37.5 minutes."""
    fast = [
        play
        for day in range(28)
        for play in session(BEGIN + day * A_DAY + 12 * AN_HOUR, plays=40, seconds_each=90)
    ]
    assert wait_of(fast, BEGIN + 28 * A_DAY + 12 * AN_HOUR) == timedelta(minutes=37.5)


def test_an_hour_that_could_have_been_a_burst_is_polled_by_the_quarter() -> None:
    burst = session(BEGIN + 20 * A_DAY + 12 * AN_HOUR, plays=50, seconds_each=60)
    assert wait_of(burst, BEGIN + 21 * A_DAY + 12 * AN_HOUR) == timedelta(minutes=15)


@pytest.mark.parametrize(("seen", "minutes"), [(None, 75), (39, 75), (40, 10), (50, 10)])
def test_a_poll_that_brought_many_is_followed_soon(seen: int | None, minutes: int) -> None:
    assert wait_of([], BEGIN, seen=seen) == timedelta(minutes=minutes)


@given(sessions, st.integers(0, 7 * 24 * 60), st.sampled_from(["UTC", "Asia/Kathmandu", "America/New_York"]))
def test_whatever_was_played_in_the_last_weeks_played_again_fits_into_the_list(
    listened: list[tuple[int, int, int, float]], minute: int, timezone: str
) -> None:
    """What an earlier week brought at this time, even if the poll comes nine minutes late."""
    plays = sorted(
        play
        for day, begins, number, seconds in listened
        for play in session(BEGIN + day * A_DAY + begins * A_MINUTE, plays=number, seconds_each=seconds)
    )
    moment = BEGIN + 28 * A_DAY + minute % (24 * 60) * A_MINUTE
    # Sessions that overlap are not one listener's: nobody hears two songs at once.
    plays = [one for one, later in pairwise([*plays, moment + A_DAY]) if later - one >= HALF_AN_HOUR / 60]
    wait = wait_of(plays, moment, timezone=timezone)
    assert SHORTEST_WAIT <= wait <= LONGEST_WAIT
    for week in range(1, 5):
        then = moment - 7 * week * A_DAY
        again = [play for play in plays if then < play <= then + wait + 9 * A_MINUTE]
        assert len(again) <= LIST_LENGTH


@pytest.mark.parametrize("persona", ["weekend-raver", "early-commuter"])
def test_the_usual_listener_loses_nothing_for_a_third_of_the_calls(persona: str) -> None:
    days = 14
    plays = plays_of(persona, days=days)
    planned = polled(plays, adaptive(PERSONA_BY_KEY[persona].timezone), days=days)
    fixed = polled(plays, every(HALF_AN_HOUR), days=days, round_minutes=30, late=timedelta(0))
    assert fixed.calls_a_day == 48
    assert planned.calls_a_day < fixed.calls_a_day / 2
    assert (planned.lost, planned.most < LIST_LENGTH) == (0, True)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("persona", PERSONA_BY_KEY)
def test_no_usual_listener_ever_fills_the_list_between_two_polls(persona: str, seed: int) -> None:
    days = 42
    plays = plays_of(persona, seed=seed, days=days)
    planned = polled(plays, adaptive(PERSONA_BY_KEY[persona].timezone), days=days)
    assert planned.calls_a_day < 20
    assert (planned.lost, planned.most < LIST_LENGTH) == (0, True)


def test_who_skips_every_evening_loses_plays_on_the_first_one_only() -> None:
    """31 s a play, for two hours: the half-hourly poll would lose some every evening."""
    first = session(BEGIN + 19 * AN_HOUR, plays=230, seconds_each=31)
    later = [
        play
        for day in range(1, 10)
        for play in session(BEGIN + day * A_DAY + (19 * 60 + 7 * day) * A_MINUTE, plays=230, seconds_each=31)
    ]
    plan = adaptive("Europe/Berlin")
    surprised, known = polled(first, plan, days=1), polled(first + later, plan, days=10)
    assert surprised.lost == known.lost > 0
    assert known.calls_a_day < 48
    assert polled(first + later, every(HALF_AN_HOUR), days=10).lost > 2 * known.lost


def test_after_a_silent_week_a_party_at_an_unusual_hour_is_seen_whole() -> None:
    evenings = [
        play
        for day in range(14)
        for play in session(BEGIN + day * A_DAY + 18 * AN_HOUR, plays=20, seconds_each=200)
    ]
    party = session(BEGIN + 21 * A_DAY + 2 * AN_HOUR, plays=120, seconds_each=190)
    outcome = polled(evenings + party, adaptive("UTC"), days=22)
    assert (outcome.lost, outcome.most < LIST_LENGTH) == (0, True)


def test_hours_are_those_of_the_listeners_clock_on_both_sides_of_a_change() -> None:
    """Clocks in New York went back on 1 November 2026: 19:00 is 23:00 UTC before, and 24:00 UTC after."""
    zone = ZoneInfo("America/New_York")
    evenings = [
        play
        for day in range(5, 32)
        for play in session(
            datetime(2026, 10, day, 19, tzinfo=zone).astimezone(UTC), plays=40, seconds_each=90
        )
    ]
    # The fast hour reaches an hour back: 18:00 on their clock, on the day after the change.
    begins = datetime(2026, 11, 2, 18, tzinfo=zone).astimezone(UTC)
    assert wait_of(evenings, begins, timezone="America/New_York") == timedelta(minutes=37.5)
    assert wait_of(evenings, begins - AN_HOUR, timezone="America/New_York") > timedelta(minutes=60)


def test_a_zone_that_is_not_known_here_stops_nobody() -> None:
    assert wait_of([BEGIN], BEGIN + A_DAY, timezone="Moon/Crater") == timedelta(minutes=75)


def test_the_same_hours_of_earlier_weeks_are_the_same_on_the_wall_clock() -> None:
    zone = ZoneInfo("Europe/Berlin")
    # Clocks went back on 25 October 2026.
    since, until = (datetime(2026, 10, 28, hour, tzinfo=zone) for hour in (8, 11))
    weeks = same_time_before(since, until, timezone="Europe/Berlin")
    assert weeks == [
        (datetime(2026, month, day, 8, tzinfo=zone), datetime(2026, month, day, 11, tzinfo=zone))
        for month, day in ((10, 21), (10, 14), (10, 7), (9, 30))
    ]
    assert [begins.astimezone(UTC).hour for begins, _ in weeks] == [6, 6, 6, 6]


def waiting(*, hours_ago: float, wait: float, expected: float = 0.0, moment: datetime = BEGIN) -> Waiting:
    polled_at = moment - hours_ago * AN_HOUR
    return Waiting(user_id=uuid4(), polled_at=polled_at, due_at=polled_at + wait * AN_HOUR, expected=expected)


def test_who_probably_played_most_is_polled_first() -> None:
    few, many, longest = (
        waiting(hours_ago=2, wait=1, expected=3),
        waiting(hours_ago=1, wait=1, expected=20),
        waiting(hours_ago=9, wait=1, expected=3),
    )
    never = Waiting(user_id=uuid4(), polled_at=None, due_at=None, expected=0)
    not_due = waiting(hours_ago=1, wait=2, expected=40)
    chosen = choose([few, many, longest, never, not_due], moment=BEGIN, room=100, left=AN_HOUR)
    assert chosen.polled == [each.user_id for each in (never, many, longest, few)]
    assert chosen.skipped == 0


def test_where_calls_are_short_everybody_waits_longer_by_the_same_factor() -> None:
    """Four listeners who wait an hour need 40 calls in ten hours; there are 20, so they wait two."""
    listeners = [waiting(hours_ago=hours, wait=1) for hours in (1, 1.9, 2, 3)]
    chosen = choose(listeners, moment=BEGIN, room=20, left=10 * AN_HOUR)
    assert chosen.polled == [listeners[3].user_id, listeners[2].user_id]
    assert chosen.skipped == 2


@pytest.mark.parametrize("room", [100, 1])
def test_a_clock_that_was_put_back_silences_nobody(room: int) -> None:
    """Polled in what is the future now: the wait would last until the clock gets there again."""
    ahead = waiting(hours_ago=-400 * 24, wait=1)
    chosen = choose([ahead], moment=BEGIN, room=room, left=10 * AN_HOUR)
    assert (chosen.polled, chosen.skipped) == ([ahead.user_id], 0)


@given(
    st.lists(st.builds(waiting, hours_ago=st.floats(0, 9), wait=st.floats(0.2, 3)), max_size=20), st.data()
)
def test_never_are_more_polled_than_there_are_calls_and_all_are_where_there_are_enough(
    listeners: list[Waiting], data: st.DataObject
) -> None:
    room = data.draw(st.integers(0, 30))
    due: list[UUID] = [each.user_id for each in listeners if each.due_at is None or each.due_at <= BEGIN]
    chosen = choose(listeners, moment=BEGIN, room=room, left=6 * AN_HOUR)
    assert len(chosen.polled) <= room
    assert len(chosen.polled) + chosen.skipped == len(due)
    plenty = choose(listeners, moment=BEGIN, room=10_000, left=6 * AN_HOUR)
    assert sorted(plenty.polled) == sorted(due)
