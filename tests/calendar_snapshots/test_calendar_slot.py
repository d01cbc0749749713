"""Every listener's day becomes the past at another moment, and is summed up once."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from calendar_trials import run_slot, snapshots, stand_at
from history_trials import HISTORY, TIN_ROOF, a_listener, played
from ingestions import count, rows
from makers import a_user
from spotify_insights.accounts.profile import change_profile
from spotify_insights.database.actor import SYSTEM
from spotify_insights.listening.jobs import TakeCalendarSnapshots
from spotify_insights.runtime import Runtime

HOUR = timedelta(hours=1)
# Six o'clock of 16 March in Auckland, where it is thirteen hours later than in UTC.
SIX_IN_AUCKLAND = datetime(2026, 3, 15, 17, tzinfo=UTC)
# The same in Honolulu, where it is ten hours earlier.
SIX_IN_HONOLULU = datetime(2026, 3, 16, 16, tzinfo=UTC)


def test_everybody_has_the_day_that_is_over_where_they_live(
    runtime: Runtime, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    auckland = a_listener(runtime)
    honolulu = a_listener(runtime, timezone="Pacific/Honolulu")

    asked = []
    for moment in (SIX_IN_AUCKLAND - HOUR, SIX_IN_AUCKLAND, SIX_IN_AUCKLAND + HOUR, SIX_IN_HONOLULU):
        stand_at(monkeypatch, moment)
        asked.append(run_slot(runtime)["listeners"])

    # At first both have a day of their own that nobody looked at: the 14th, in Honolulu the 14th, too.
    assert asked == [2, 1, 0, 1]
    for user_id in (auckland, honolulu):
        days = {(each["snapshot_date"], each["time_range"]) for each in snapshots(client, user_id)}
        assert days == {
            (day, time_range)
            for day in ("2026-03-14", "2026-03-15")
            for time_range in ("month", "year", "all_time")
        }


def test_a_day_is_asked_about_once_whatever_came_of_it(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Last.fm's rule takes 20 seconds for a play where that is half of the track; how long it is nobody knows.
    user_id = a_listener(
        runtime, [played(TIN_ROOF, "2026-03-10T10:00:00", ms_played=20_000, reason_end="fwdbtn")]
    )
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        change_profile(tx, user_id, preferences={"play_rule": "lastfm"})
    stand_at(monkeypatch, SIX_IN_AUCKLAND)

    assert [run_slot(runtime)["listeners"] for _ in range(2)] == [1, 0]
    assert count(runtime.database, "listening_snapshots") == 0
    stand_at(monkeypatch, SIX_IN_AUCKLAND + 24 * HOUR)
    assert run_slot(runtime)["listeners"] == 1


def test_whoever_has_nothing_to_tell_is_left_in_peace(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_user(runtime)
    # A skip, a private session, and a play of tomorrow.
    a_listener(runtime, [HISTORY[2], HISTORY[5], played(TIN_ROOF, "2026-03-16T10:00:00")])
    leaving = a_listener(runtime)
    lost = a_listener(runtime)
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        tx.session.execute(
            text("UPDATE users SET erasing_since = clock_timestamp() WHERE id = :id"), {"id": leaving}
        )
        tx.session.execute(
            text("UPDATE users SET timezone = 'Mars/Olympus_Mons' WHERE id = :id"), {"id": lost}
        )
    stand_at(monkeypatch, SIX_IN_AUCKLAND)

    assert run_slot(runtime) == {"listeners": 0}
    skips = a_listener(runtime, [HISTORY[2]])
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        change_profile(tx, skips, preferences={"play_rule": "all"})
    assert run_slot(runtime) == {"listeners": 1}


def test_the_jobs_say_which_day_they_are_about(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    user_id = a_listener(runtime)
    stand_at(monkeypatch, SIX_IN_AUCKLAND)
    run_slot(runtime)

    jobs = rows(
        runtime.database,
        "SELECT owner_id, arguments ->> 'last_day', parent_id IS NOT NULL FROM background_jobs"
        " WHERE task_name = :task_name",
        task_name=TakeCalendarSnapshots.task_name,
    )
    assert jobs == [(user_id, "2026-03-15", True)]
