"""The day's calls to Spotify: exactly as many as are allowed, however many ask, and none while it refuses."""

import threading
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from app_calls import calls_of
from as_owner import as_owner
from job_trials import at_once, present
from passing_time import let_midnight_pass, let_pause_end
from spotify_insights.accounts.call_budget import (
    AFTER_MIDNIGHT,
    LONGEST_PAUSE,
    SPREAD,
    AppPausedError,
    CallBudget,
    CallBudgetSpentError,
    Purpose,
    ReservedCalls,
    SpotifyAppState,
    spotify_app_state,
)
from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.database import Database
from spotify_insights.errors import SnoozeError
from spotify_insights.spotify.errors import QuotaExceededError

APP = "app-of-this-test"
ASKED_FOR, BACKGROUND = Purpose.ASKED_FOR, Purpose.BACKGROUND
FOUR_HOURS = timedelta(hours=4)


@pytest.fixture
def budget(database: Database) -> CallBudget:
    return CallBudget(database, client_id=APP, calls_per_day=100)


def test_many_at_once_get_exactly_what_is_there(database: Database) -> None:
    budget = CallBudget(database, client_id=APP, calls_per_day=40)

    def reserve(together: threading.Barrier) -> bool:
        together.wait()
        try:
            budget.reserve(3, purpose=ASKED_FOR)
        except CallBudgetSpentError:
            return False
        return True

    granted = at_once(20, reserve)
    assert (granted.count(True), granted.count(False)) == (13, 7)
    assert calls_of(database, APP) == 39
    budget.reserve(1, purpose=ASKED_FOR)
    assert calls_of(database, APP) == 40


def test_background_work_leaves_a_part_for_what_is_asked_for(database: Database, budget: CallBudget) -> None:
    budget.reserve(50, purpose=ASKED_FOR)
    budget.reserve(40, purpose=BACKGROUND)
    with pytest.raises(CallBudgetSpentError) as refusal:
        budget.reserve(1, purpose=BACKGROUND)
    assert refusal.value.message == (
        "Background work has used up its share of today's calls to Spotify; the rest is kept for what "
        "listeners ask for. This goes on by itself after midnight UTC."
    )
    assert (room(database, budget, BACKGROUND), room(database, budget, ASKED_FOR)) == (0, 10)

    budget.reserve(10, purpose=ASKED_FOR)
    with pytest.raises(CallBudgetSpentError) as refusal:
        budget.reserve(1, purpose=ASKED_FOR)
    assert refusal.value.message == (
        "The calls to Spotify that this installation allows itself in a day are used up; this goes on by "
        "itself after midnight UTC. The operator may raise SPOTIFY_CALLS_PER_DAY."
    )
    assert (room(database, budget, BACKGROUND), room(database, budget, ASKED_FOR)) == (0, 0)


def test_who_finds_no_room_waits_until_a_little_after_midnight(
    database: Database, budget: CallBudget
) -> None:
    budget.reserve(100, purpose=ASKED_FOR)
    before = present(database)
    with pytest.raises(SnoozeError) as refusal:
        budget.reserve(1, purpose=ASKED_FOR)
    midnight = datetime.combine(before.astimezone(UTC).date() + timedelta(days=1), time(), UTC)
    goes_on = present(database) + refusal.value.wait
    assert midnight + AFTER_MIDNIGHT <= goes_on <= midnight + AFTER_MIDNIGHT + SPREAD + timedelta(seconds=5)


def test_a_new_day_begins_anew_and_every_app_has_its_own(database: Database, budget: CallBudget) -> None:
    assert budget.reserve(100, purpose=ASKED_FOR) == present(database).astimezone(UTC).date()
    CallBudget(database, client_id="another-app", calls_per_day=100).reserve(100, purpose=ASKED_FOR)
    let_midnight_pass(database)
    budget.reserve(90, purpose=BACKGROUND)
    assert state(database).calls_today == 90


def test_more_than_the_day_has_is_refused_whole(database: Database, budget: CallBudget) -> None:
    with pytest.raises(CallBudgetSpentError):
        budget.reserve(101, purpose=ASKED_FOR)
    assert calls_of(database, APP) == 0


def test_calls_that_were_not_made_are_given_back(database: Database, budget: CallBudget) -> None:
    def work_that_breaks_off() -> None:
        with ReservedCalls(budget, 7, purpose=BACKGROUND) as calls:
            assert calls_of(database, APP) == 7
            calls.make(lambda: None)
            calls.make(lambda: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        work_that_breaks_off()
    assert calls_of(database, APP) == 2


def test_a_call_beyond_the_reservation_needs_room_of_its_own(database: Database, budget: CallBudget) -> None:
    made: list[int] = []
    with ReservedCalls(budget, 99, purpose=ASKED_FOR) as calls:
        for number in range(100):
            calls.make(lambda number=number: made.append(number))  # type: ignore[misc]
        with pytest.raises(CallBudgetSpentError):
            calls.make(lambda: made.append(100))
    assert made == list(range(100))
    assert calls_of(database, APP) == 100


@examples(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(Purpose), st.integers(1, 30), st.integers(0, 3)), max_size=12))
def test_whatever_is_reserved_and_given_back_no_share_is_exceeded(
    database: Database, pieces: list[tuple[Purpose, int, int]]
) -> None:
    as_owner(database.url, "TRUNCATE spotify_app_days")
    budget = CallBudget(database, client_id=APP, calls_per_day=50)
    made = 0
    for purpose, calls, not_made in pieces:
        fits = made + calls <= (50 if purpose is ASKED_FOR else 45)
        try:
            with ReservedCalls(budget, calls, purpose=purpose) as reserved:
                for _ in range(max(0, calls - not_made)):
                    reserved.make(lambda: None)
        except CallBudgetSpentError:
            assert not fits
        else:
            assert fits
            made += max(0, calls - not_made)
        assert calls_of(database, APP) == made


def test_a_quota_that_is_used_up_stops_everybody_until_it_is_over(
    database: Database, budget: CallBudget
) -> None:
    made: list[str] = []
    another_process = CallBudget(database, client_id=APP, calls_per_day=100)
    with ReservedCalls(another_process, 3, purpose=ASKED_FOR) as under_way:
        under_way.make(lambda: made.append("before"))
        with ReservedCalls(budget, 2, purpose=ASKED_FOR) as calls, pytest.raises(QuotaExceededError):
            calls.make(refused)
        begins = present(database)
        with pytest.raises(AppPausedError) as refusal:
            under_way.make(lambda: made.append("during"))
    with pytest.raises(AppPausedError):
        budget.reserve(1, purpose=ASKED_FOR)
    assert room(database, budget, ASKED_FOR) == 0
    until = state(database).paused_until
    assert until is not None
    assert FOUR_HOURS - timedelta(minutes=1) < until - begins <= FOUR_HOURS
    assert until <= begins + refusal.value.wait <= until + SPREAD + timedelta(seconds=5)
    assert refusal.value.message == (
        "Spotify refuses all calls of this installation's app for now; this goes on by itself after "
        f"{until.astimezone(UTC):%Y-%m-%d %H:%M} UTC."
    )
    assert made == ["before"]
    # One that was refused and one that went through: what was not made is not counted.
    assert calls_of(database, APP) == 2

    let_pause_end(database)
    budget.reserve(1, purpose=ASKED_FOR)
    assert state(database).paused_until is None


@pytest.mark.parametrize(
    ("first", "second", "paused_for"),
    [
        (FOUR_HOURS, timedelta(hours=1), FOUR_HOURS),
        (timedelta(hours=1), FOUR_HOURS, FOUR_HOURS),
        (timedelta(days=4000), timedelta(seconds=1), LONGEST_PAUSE),
    ],
)
def test_the_longest_wait_that_was_named_counts_and_none_is_longer_than_a_day(
    database: Database, budget: CallBudget, first: timedelta, second: timedelta, paused_for: timedelta
) -> None:
    begins = present(database)
    budget.pause(QuotaExceededError(retry_after=first))
    budget.pause(QuotaExceededError(retry_after=second))
    until = state(database).paused_until
    assert until is not None
    assert begins + paused_for <= until <= present(database) + paused_for


def test_another_app_is_not_paused(database: Database, budget: CallBudget) -> None:
    budget.pause(QuotaExceededError(retry_after=FOUR_HOURS))
    CallBudget(database, client_id="another-app", calls_per_day=100).reserve(1, purpose=BACKGROUND)


def refused() -> None:
    raise QuotaExceededError(retry_after=FOUR_HOURS)


def room(database: Database, budget: CallBudget, purpose: Purpose) -> int:
    with database.transaction(acting_for=SYSTEM) as tx:
        return budget.room(tx.session, purpose=purpose)


def state(database: Database) -> SpotifyAppState:
    with database.transaction(acting_for=SYSTEM) as tx:
        return spotify_app_state(tx.session, APP)
