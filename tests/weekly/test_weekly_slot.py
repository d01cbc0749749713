"""Sunday morning around the world: who is written to at which moment, and that nobody is twice."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from ingestions import count, rows
from invented_weeks import WEEK
from job_trials import enqueued
from jobs_inline import job_row, queued_jobs, work_off
from spotify_insights.accounts.profile import change_profile
from spotify_insights.database.actor import SYSTEM
from spotify_insights.insights.jobs import GenerateWeeklySummaries
from spotify_insights.insights.summarise_week import NOT_OVER
from spotify_insights.runtime import Runtime
from weekly_trials import (
    HOUR,
    NINE_IN_BERLIN,
    ZONES,
    Played,
    a_listener,
    children,
    has_played,
    letters,
    result_of,
    run_slot,
    stand_at,
    weeks,
    work_off_first,
)


def test_everybody_is_written_to_on_their_own_sunday_morning(
    runtime: Runtime, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The slot runs at every full hour from Saturday to Tuesday, as the schedule has it."""
    listeners = {zone: a_listener(runtime, zone) for zone in ZONES}
    written_at: dict[str, datetime] = {}
    for hour in range(72):
        moment = datetime(2026, 11, 21, tzinfo=UTC) + hour * HOUR
        stand_at(monkeypatch, moment)
        before = count(runtime.database, "generated_insights")
        queued = result_of(run_slot(runtime))["listeners"]
        assert count(runtime.database, "generated_insights") - before == queued
        for zone, user_id in listeners.items():
            if queued and zone not in written_at and letters(client, user_id):
                written_at[zone] = moment

    assert written_at == {
        zone: nine.replace(minute=0) + (HOUR if nine.minute else 0 * HOUR) for zone, nine in ZONES.items()
    }
    for zone, user_id in listeners.items():
        [letter] = letters(client, user_id)
        [snapshot] = weeks(client, user_id)
        assert (letter["snapshot_id"], letter["time_range"]) == (snapshot["snapshot_id"], "week")
        assert (snapshot["snapshot_date"], snapshot["timezone"]) == ("2026-11-21", zone)
        assert (snapshot["rhythm"]["plays"], snapshot["rhythm"]["days"]) == (24, 7)
        assert all(words in letter["content"] for words in ("15 November", "21 November", "24 plays"))
        assert client.get(f"/api/insights/{letter['insight_id']}").json() == letter


def test_a_slot_that_comes_late_makes_up_for_the_missed_ones(
    runtime: Runtime, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    served, missed = a_listener(runtime, "America/New_York"), a_listener(runtime, "Pacific/Kiritimati")
    stand_at(monkeypatch, ZONES["America/New_York"] + 72 * HOUR)
    assert result_of(run_slot(runtime)) == {"listeners": 1}
    assert len(letters(client, served)) == 1
    assert letters(client, missed) == []


def test_a_listener_who_moves_is_written_to_once(
    runtime: Runtime, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the first Sunday morning of the world to its last, twenty-five hours later, and back."""
    user_id = a_listener(runtime, "Pacific/Kiritimati")
    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago", "Europe/Berlin"):
        with runtime.database.transaction(acting_for=SYSTEM) as tx:
            change_profile(tx, user_id, timezone=zone)
        stand_at(monkeypatch, ZONES[zone])
        run_slot(runtime)
    assert len(letters(client, user_id)) == 1
    assert len(weeks(client, user_id)) == 1


def test_a_week_that_is_not_over_where_the_listener_has_gone_waits_for_their_sunday(
    runtime: Runtime, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    user_id = a_listener(runtime, "Pacific/Kiritimati")
    stand_at(monkeypatch, ZONES["Pacific/Kiritimati"])
    job_id = enqueued(runtime.database, GenerateWeeklySummaries())
    work_off_first(runtime, job_id)
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        change_profile(tx, user_id, timezone="Pacific/Pago_Pago")
    # What came with the move is still part of the same Saturday.
    ends = WEEK.bounds("Pacific/Pago_Pago")[1]
    has_played(runtime, user_id, [Played("Late", ends - timedelta(minutes=3))])

    [summary] = queued_jobs(runtime.database)
    work_off(runtime)
    assert result_of(job_row(runtime.database, summary.id)) == {"insight_id": None, "reason": NOT_OVER}
    assert (weeks(client, user_id), letters(client, user_id)) == ([], [])

    stand_at(monkeypatch, ZONES["Pacific/Pago_Pago"])
    run_slot(runtime)
    [snapshot] = weeks(client, user_id)
    assert "Late" in {track["name"] for track in snapshot["top_tracks"]}
    assert len(letters(client, user_id)) == 1


def test_a_zone_that_nobody_knows_keeps_nobody_else_from_their_letter(
    runtime: Runtime, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost, user_id = a_listener(runtime), a_listener(runtime)
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        tx.session.execute(
            text("UPDATE users SET timezone = 'Mars/Olympus_Mons' WHERE id = :id"), {"id": lost}
        )
    stand_at(monkeypatch, NINE_IN_BERLIN)
    assert result_of(run_slot(runtime)) == {"listeners": 1}
    assert len(letters(client, user_id)) == 1


def test_slots_at_the_same_moment_ask_once_for_everybody(
    runtime: Runtime, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    listeners = [a_listener(runtime) for _ in range(3)]
    stand_at(monkeypatch, NINE_IN_BERLIN)
    slots = [enqueued(runtime.database, GenerateWeeklySummaries()) for _ in range(2)]
    assert len(set(slots)) == 1
    run_slot(runtime)
    again = enqueued(runtime.database, GenerateWeeklySummaries())
    work_off(runtime)
    assert result_of(job_row(runtime.database, again)) == {"listeners": 0}
    jobs = rows(
        runtime.database,
        "SELECT count(*) FROM background_jobs WHERE task_name = 'insights.generate_weekly_summary'",
    )
    assert jobs == [(len(listeners),)]
    assert [len(letters(client, user_id)) for user_id in listeners] == [1, 1, 1]


def test_summaries_are_spread_out_and_known_to_the_slot(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    listeners = sorted(a_listener(runtime) for _ in range(4))
    stand_at(monkeypatch, NINE_IN_BERLIN)
    slot_id = enqueued(runtime.database, GenerateWeeklySummaries())
    work_off_first(runtime, slot_id)
    summaries = children(runtime, slot_id)
    assert [job.owner_id for job in summaries] == listeners
    assert {job.queue for job in summaries} == {"insights"}
    assert {str(job.arguments["week_ends_on"]) for job in summaries} == {"2026-11-21"}
    waits = [later.available_at - earlier.available_at for earlier, later in itertools.pairwise(summaries)]
    assert all(timedelta(seconds=0.9) < wait < timedelta(seconds=1.5) for wait in waits)
