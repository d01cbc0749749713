"""Rounds over all listeners: who is due, the most urgent first, and no more than the day allows."""

from datetime import timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from app_calls import attempted, leave_calls, requests_made
from ingestions import a_listener
from jobs_inline import queued_jobs, work_off
from makers import a_connected_user, a_user
from passing_time import let_authorisation_end_in, let_delays_pass
from spotify_insights.accounts.call_budget import Purpose
from spotify_insights.accounts.jobs import RefreshExpiringTokens
from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.database import Database
from spotify_insights.jobs.enqueue import enqueue
from spotify_insights.jobs.job import Job
from spotify_insights.jobs.models import BackgroundJob
from spotify_insights.jobs.run import run_job
from spotify_insights.listening.everybody import INGESTIONS_APART, POLLS_APART, stagger
from spotify_insights.listening.jobs import IngestAllUsersData, PollListener, PollRecentlyPlayed
from spotify_insights.pretend_spotify.faults import QuotaExceeded, UserNotAllowlisted
from spotify_insights.pretend_spotify.running import RunningPretendSpotify
from spotify_insights.runtime import Runtime
from spotify_insights.worker.tasks import Handlers

A_SECOND = timedelta(seconds=1)


def test_polls_are_spread_and_begin_with_whoever_waited_longest(runtime: Runtime) -> None:
    minutes_ago = (5, 90, None, 30)
    listeners = [a_connected_user(runtime) for _ in minutes_ago]
    for user_id, minutes in zip(listeners, minutes_ago, strict=True):
        if minutes is not None:
            polled(runtime.database, user_id, minutes_ago=minutes)
    a_user(runtime)

    parent = fanned_out(runtime, PollRecentlyPlayed())
    assert parent.result == {"queued": 4, "skipped": 0}
    children = by_time(runtime.database)
    assert [child.owner_id for child in children] == [listeners[index] for index in (2, 1, 3, 0)]
    assert {(child.task_name, child.parent_id) for child in children} == {
        ("spotify.poll_recently_played", parent.id)
    }
    assert_apart(children, POLLS_APART)


def test_the_nightly_ingestions_are_spread(runtime: Runtime) -> None:
    listeners = {a_connected_user(runtime) for _ in range(4)}
    parent = fanned_out(runtime, IngestAllUsersData())
    assert parent.result == {"listeners": 4}
    children = by_time(runtime.database)
    assert {child.owner_id for child in children} == listeners
    assert {(child.task_name, child.parent_id) for child in children} == {
        ("spotify.ingest_all_ranges", parent.id)
    }
    assert_apart(children, INGESTIONS_APART)


def test_a_second_round_joins_what_still_waits(runtime: Runtime) -> None:
    a_connected_user(runtime)
    for job in (PollRecentlyPlayed(), IngestAllUsersData()):
        fanned_out(runtime, job)
        waiting = [child.id for child in queued_jobs(runtime.database)]
        fanned_out(runtime, job)
        assert [child.id for child in queued_jobs(runtime.database)] == waiting


def test_a_round_polls_as_many_as_there_are_calls_and_the_next_begins_with_the_others(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify
) -> None:
    listeners = [a_listener(runtime) for _ in range(5)]
    for minutes, user_id in enumerate(listeners, start=1):
        polled(runtime.database, user_id, minutes_ago=60 * minutes)
    leave_calls(runtime, 2, purpose=Purpose.BACKGROUND)
    assert fanned_out(runtime, PollRecentlyPlayed()).result == {"queued": 2, "skipped": 3}
    let_delays_pass(runtime.database)
    work_off(runtime)
    assert requests_made(pretend_spotify) == 2

    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        tx.session.execute(text("DELETE FROM spotify_app_days"))
    # The two who were polled are not due for an hour.
    assert fanned_out(runtime, PollRecentlyPlayed()).result == {"queued": 3, "skipped": 0}
    order = [child.owner_id for child in by_time(runtime.database)]
    assert order == [listeners[index] for index in (2, 1, 0)]


def test_who_is_not_due_is_not_polled(runtime: Runtime) -> None:
    due, later, now = (a_connected_user(runtime) for _ in range(3))
    polled(runtime.database, due, minutes_ago=60, next_in_minutes=-1)
    polled(runtime.database, later, minutes_ago=60, next_in_minutes=15)
    polled(runtime.database, now, minutes_ago=5)
    assert fanned_out(runtime, PollRecentlyPlayed()).result == {"queued": 2, "skipped": 0}
    assert {child.owner_id for child in by_time(runtime.database)} == {due, now}


def test_who_usually_plays_most_at_this_time_is_polled_first(runtime: Runtime) -> None:
    seldom, often, quiet = (a_connected_user(runtime) for _ in range(3))
    for user_id, minutes in ((seldom, 61), (often, 61), (quiet, 120)):
        polled(runtime.database, user_id, minutes_ago=minutes, next_in_minutes=-1)
    for user_id, number in ((seldom, 2), (often, 9)):
        played(runtime.database, user_id, days_ago=7, minutes_ago=30, number=number)
    # At another time of the week.
    played(runtime.database, quiet, days_ago=6, minutes_ago=30, number=30)
    fanned_out(runtime, PollRecentlyPlayed())
    assert [child.owner_id for child in by_time(runtime.database)] == [often, seldom, quiet]


def test_a_poll_that_failed_is_left_alone_for_half_an_hour(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify
) -> None:
    user_id = a_listener(runtime)
    pretend_spotify.control.queue(UserNotAllowlisted())
    assert attempted(runtime, PollListener(user_id=user_id)).status == "failed"
    assert fanned_out(runtime, PollRecentlyPlayed()).result == {"queued": 0, "skipped": 0}
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        tx.session.execute(
            text("UPDATE background_jobs SET finished_at = finished_at - interval '31 minutes'")
        )
    assert fanned_out(runtime, PollRecentlyPlayed()).result == {"queued": 1, "skipped": 0}


def test_while_spotify_refuses_the_app_nobody_is_polled(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify
) -> None:
    a_listener(runtime)
    pretend_spotify.control.queue(QuotaExceeded())
    fanned_out(runtime, PollRecentlyPlayed())
    work_off(runtime)
    asked = requests_made(pretend_spotify)
    assert asked == 1
    assert attempted(runtime, PollRecentlyPlayed()).result == {"queued": 0, "skipped": 1}
    assert requests_made(pretend_spotify) == asked


def test_who_has_to_authorise_again_is_left_out(runtime: Runtime) -> None:
    over = a_connected_user(runtime)
    let_authorisation_end_in(runtime.database, over, -A_SECOND)
    attempted(runtime, RefreshExpiringTokens())
    assert fanned_out(runtime, PollRecentlyPlayed()).result == {"queued": 0, "skipped": 0}
    assert fanned_out(runtime, IngestAllUsersData()).result == {"listeners": 0}


@given(
    st.integers(0, 3000),
    st.timedeltas(timedelta(seconds=1), timedelta(minutes=5)),
    st.timedeltas(timedelta(minutes=1), timedelta(hours=3)),
)
def test_however_many_there_are_all_begin_in_time_and_evenly_apart(
    number: int, apart: timedelta, within: timedelta
) -> None:
    delays = stagger(number, apart=apart, within=within)
    assert len(delays) == number
    assert delays[:1] == [timedelta(0)][:number]
    assert all(delay < within for delay in delays)
    gaps = {later - earlier for earlier, later in pairwise(delays)}
    assert len(gaps) <= 1
    assert all(timedelta(0) < gap <= apart for gap in gaps)


@pytest.mark.parametrize("job", [PollRecentlyPlayed(), IngestAllUsersData()], ids=lambda job: job.task_name)
def test_a_round_over_nobody_is_a_round(runtime: Runtime, job: Job) -> None:
    assert fanned_out(runtime, job).status == "succeeded"
    assert queued_jobs(runtime.database) == []


def fanned_out(runtime: Runtime, job: Job) -> BackgroundJob:
    """The round after it was done, its children untouched."""
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        job_id = enqueue(tx, job)
    run_job(runtime.database, job_id, type(job), Handlers.of(runtime)[type(job)])
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        return tx.session.get_one(BackgroundJob, job_id)


def by_time(database: Database) -> list[BackgroundJob]:
    """What waits, in the order in which it will be due."""
    return sorted(queued_jobs(database), key=lambda job: job.available_at)


def assert_apart(children: list[BackgroundJob], distance: timedelta) -> None:
    """They are due so far from each other, give or take the moments between their rows."""
    gaps = [later.available_at - one.available_at for one, later in pairwise(children)]
    assert gaps
    assert all(distance <= gap < distance + A_SECOND for gap in gaps)


def polled(
    database: Database, user_id: UUID, *, minutes_ago: int, next_in_minutes: int | None = None
) -> None:
    statement = text("""
        INSERT INTO recently_played_polls (user_id, polled_at, new_plays, next_poll_at)
        VALUES (:user_id, clock_timestamp() - make_interval(mins => :minutes), 0,
                clock_timestamp() + make_interval(mins => CAST(:next AS integer)))
    """)
    with database.transaction(acting_for=SYSTEM) as tx:
        tx.session.execute(statement, {"user_id": user_id, "minutes": minutes_ago, "next": next_in_minutes})


def played(database: Database, user_id: UUID, *, days_ago: int, minutes_ago: int, number: int) -> None:
    statement = text("""
        WITH track AS (
             INSERT INTO tracks (spotify_id, name, source)
             VALUES (:user_id, 'Song', 'spotify_api') RETURNING id)
        INSERT INTO plays (user_id, track_id, ended_at, source)
        SELECT CAST(:user_id AS uuid), track.id,
               clock_timestamp() - make_interval(days => :days, mins => :minutes) + n * interval '1 second',
               'spotify_api'
          FROM track CROSS JOIN generate_series(1, :number) n
    """)
    with database.transaction(acting_for=SYSTEM) as tx:
        tx.session.execute(
            statement,
            {"user_id": str(user_id), "days": days_ago, "minutes": minutes_ago, "number": number},
        )
