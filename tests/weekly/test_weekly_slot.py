"""Sunday morning around the world: who is written to at which moment, and that nobody is twice."""

import itertools
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from ingestions import count, rows
from invented_weeks import WEEK
from job_trials import at_once, enqueued
from jobs_inline import job_row, queued_jobs, work_off
from makers import a_user
from spotify_insights.accounts.profile import change_profile
from spotify_insights.database.actor import LOCAL_ADMIN, SYSTEM
from spotify_insights.insights.jobs import GenerateWeeklySummaries, GenerateWeeklySummary
from spotify_insights.insights.summarise_week import NO_PLAYS, NOT_OVER, TOO_FEW_PLAYS
from spotify_insights.jobs.run import run_job
from spotify_insights.pretend_spotify.running import RunningPretendSpotify
from spotify_insights.runtime import Runtime
from spotify_insights.worker.tasks import Handlers
from weekly_trials import Played, has_played, result_of, run_slot, stand_at

ZONES = {
    "Pacific/Kiritimati": datetime(2026, 11, 21, 19, 0, tzinfo=UTC),
    "Asia/Kathmandu": datetime(2026, 11, 22, 3, 15, tzinfo=UTC),
    "Europe/Berlin": datetime(2026, 11, 22, 8, 0, tzinfo=UTC),
    "America/New_York": datetime(2026, 11, 22, 14, 0, tzinfo=UTC),
    "Pacific/Pago_Pago": datetime(2026, 11, 22, 20, 0, tzinfo=UTC),
}
NINE_IN_BERLIN = ZONES["Europe/Berlin"]
HOUR = timedelta(hours=1)


def a_week_of_plays(zone: str, *, plays: int = 24, title: str = "Song") -> list[Played]:
    """So many plays from the first moment of the listener's week to its last."""
    begins, ends = WEEK.bounds(zone)
    step = (ends - begins - timedelta(seconds=1)) / max(1, plays - 1)
    return [Played(f"{title} {number % 9}", begins + number * step) for number in range(plays)]


def a_listener(runtime: Runtime, zone: str = "Europe/Berlin", *, plays: int = 24) -> UUID:
    """Somebody with so many plays in the week."""
    user_id = a_user(runtime, timezone=zone)
    has_played(runtime, user_id, a_week_of_plays(zone, plays=plays))
    return user_id


def letters(client: TestClient, user_id: UUID) -> list[dict[str, Any]]:
    """What the API gives for the listener's weekly insights."""
    answer = client.get(f"/api/insights/user/{user_id}", params={"insight_type": "weekly"})
    documents: list[dict[str, Any]] = answer.raise_for_status().json()
    return documents


def weeks(client: TestClient, user_id: UUID) -> list[dict[str, Any]]:
    query = {"user_id": str(user_id), "time_range": "week"}
    snapshots: list[dict[str, Any]] = (
        client.get("/api/listening/snapshots", params=query).raise_for_status().json()
    )
    return snapshots


def summarised(runtime: Runtime, user_id: UUID, ends_on: date = WEEK.ends_on) -> dict[str, Any]:
    """The result of one run of the listener's own job."""
    job_id = enqueued(runtime.database, GenerateWeeklySummary(user_id=user_id, week_ends_on=ends_on))
    work_off(runtime)
    return result_of(job_row(runtime.database, job_id))


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
    stand_at(monkeypatch, ZONES["America/New_York"] + 24 * HOUR)
    assert result_of(run_slot(runtime)) == {"listeners": 1}
    assert len(letters(client, served)) == 1
    assert letters(client, missed) == []


def test_a_listener_who_moves_is_written_to_once(
    runtime: Runtime, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the first Sunday morning of the world to its last, twenty-five hours later, and back."""
    user_id = a_listener(runtime, "Pacific/Kiritimati")
    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago", "Europe/Berlin"):
        with runtime.database.transaction(acting_for=LOCAL_ADMIN) as tx:
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
    with runtime.database.transaction(acting_for=LOCAL_ADMIN) as tx:
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


def test_too_few_plays_make_a_snapshot_and_no_letter(
    runtime: Runtime, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    user_id = a_listener(runtime, plays=9)
    stand_at(monkeypatch, NINE_IN_BERLIN)
    slot = run_slot(runtime)
    [summary] = children(runtime, slot.id)
    [snapshot] = weeks(client, user_id)
    assert result_of(summary) == {
        "insight_id": None,
        "reason": TOO_FEW_PLAYS,
        "snapshot_id": snapshot["snapshot_id"],
    }
    assert letters(client, user_id) == []
    # Nobody looks again: the week has been looked at.
    assert result_of(run_slot(runtime)) == {"listeners": 0}
    a_listener(runtime, plays=10)
    assert result_of(run_slot(runtime)) == {"listeners": 1}
    assert count(runtime.database, "generated_insights") == 1


def test_a_silent_week_is_left_in_peace(
    runtime: Runtime, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    user_id = a_user(runtime, timezone="Europe/Berlin")
    begins, ends = WEEK.bounds("Europe/Berlin")
    has_played(
        runtime,
        user_id,
        [
            Played("before", begins - timedelta(seconds=1)),
            Played("after", ends),
            Played("skipped", begins + HOUR, ms_played=2000),
        ],
    )
    stand_at(monkeypatch, NINE_IN_BERLIN)
    assert result_of(run_slot(runtime)) == {"listeners": 0}
    assert summarised(runtime, user_id) == {"insight_id": None, "reason": NO_PLAYS}
    assert (weeks(client, user_id), letters(client, user_id)) == ([], [])


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


def test_the_same_job_again_gives_the_same_letter(
    runtime: Runtime, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    user_id = a_listener(runtime)
    stand_at(monkeypatch, NINE_IN_BERLIN)
    first = summarised(runtime, user_id)
    [letter] = letters(client, user_id)
    assert first == {
        "insight_id": letter["insight_id"],
        "reused": False,
        "snapshot_id": letter["snapshot_id"],
    }
    assert summarised(runtime, user_id) == first | {"reused": True}
    assert letters(client, user_id) == [letter]


def test_plays_that_arrive_later_make_a_version_that_supersedes(
    runtime: Runtime, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    user_id = a_listener(runtime)
    stand_at(monkeypatch, NINE_IN_BERLIN)
    first = summarised(runtime, user_id)
    assert len(letters(client, user_id)) == 1
    has_played(runtime, user_id, a_week_of_plays("Europe/Berlin", plays=3, title="Late"))
    second = summarised(runtime, user_id)
    assert second["snapshot_id"] == first["snapshot_id"]
    assert [(letter["version"], letter["superseded_by"]) for letter in letters(client, user_id)] == [
        (2, None),
        (1, second["insight_id"]),
    ]
    assert "27 plays" in letters(client, user_id)[0]["content"]


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


def test_the_letter_is_in_the_voice_that_the_listener_prefers(
    runtime: Runtime, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_at(monkeypatch, NINE_IN_BERLIN)
    wishes: dict[Any, str] = {"playful": "playful", "operatic": "neutral", 7: "neutral", None: "neutral"}
    for wish, voice in wishes.items():
        user_id = a_listener(runtime)
        with runtime.database.transaction(acting_for=LOCAL_ADMIN) as tx:
            change_profile(tx, user_id, preferences={"tone_mode": wish})
        run_slot(runtime)
        assert [letter["tone_mode"] for letter in letters(client, user_id)] == [voice]


def test_what_a_client_has_read_is_renewed(
    runtime: Runtime, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    user_id = a_listener(runtime)
    assert (letters(client, user_id), weeks(client, user_id)) == ([], [])
    stand_at(monkeypatch, NINE_IN_BERLIN)
    run_slot(runtime)
    assert (len(letters(client, user_id)), len(weeks(client, user_id))) == (1, 1)


def test_spotify_is_not_asked(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_listener(runtime)
    stand_at(monkeypatch, NINE_IN_BERLIN)
    run_slot(runtime)
    assert count(runtime.database, "generated_insights") == 1
    assert pretend_spotify.control.requests() == []


def test_two_runs_at_once_leave_one_letter(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two jobs for one week can run side by side where the first was queued again as it ended."""
    user_id = a_listener(runtime)
    stand_at(monkeypatch, NINE_IN_BERLIN)
    other_week = WEEK.before
    has_played(runtime, user_id, [Played("Old", WEEK.before.bounds("Europe/Berlin")[0])])
    jobs = [
        enqueued(runtime.database, GenerateWeeklySummary(user_id=user_id, week_ends_on=week.ends_on))
        for week in (WEEK, other_week)
    ]
    # The second becomes a copy of the first, which deduplication would not have let in.
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        tx.session.execute(
            text("UPDATE background_jobs SET arguments = :arguments WHERE id = :id"),
            {"arguments": f'{{"user_id": "{user_id}", "week_ends_on": "2026-11-21"}}', "id": jobs[1]},
        )
    at_once(2, lambda barrier: (barrier.wait(), work_off(runtime)))
    results = [result_of(job_row(runtime.database, job_id)) for job_id in jobs]
    assert len({result["insight_id"] for result in results}) == 1
    assert count(runtime.database, "generated_insights") == 1
    assert count(runtime.database, "listening_snapshots") == 1


def children(runtime: Runtime, parent_id: UUID) -> list[Any]:
    """The jobs that a job queued, in the order of their turn."""
    ids: Iterable[tuple[Any, ...]] = rows(
        runtime.database,
        "SELECT id FROM background_jobs WHERE parent_id = :parent_id ORDER BY available_at",
        parent_id=parent_id,
    )
    return [job_row(runtime.database, job_id) for (job_id,) in ids]


def work_off_first(runtime: Runtime, job_id: UUID) -> None:
    """Run this one job and leave what it queues."""
    run_job(runtime.database, job_id, GenerateWeeklySummaries, Handlers.of(runtime)[GenerateWeeklySummaries])
