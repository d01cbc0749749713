"""The summary of one listener: a snapshot, and a letter where there is enough to tell."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from ingestions import count
from invented_weeks import WEEK
from job_trials import at_once, enqueued
from jobs_inline import job_row, work_off
from makers import a_user
from spotify_insights.accounts.profile import change_profile
from spotify_insights.database.actor import SYSTEM
from spotify_insights.insights.jobs import GenerateWeeklySummary
from spotify_insights.insights.summarise_week import NO_PLAYS, TOO_FEW_PLAYS
from spotify_insights.pretend_spotify.running import RunningPretendSpotify
from spotify_insights.runtime import Runtime
from weekly_trials import (
    HOUR,
    NINE_IN_BERLIN,
    Played,
    a_listener,
    a_week_of_plays,
    children,
    has_played,
    letters,
    result_of,
    run_slot,
    stand_at,
    summarised,
    weeks,
)


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


def test_the_letter_is_in_the_voice_that_the_listener_prefers(
    runtime: Runtime, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_at(monkeypatch, NINE_IN_BERLIN)
    wishes: dict[Any, str] = {"playful": "playful", "operatic": "neutral", 7: "neutral", None: "neutral"}
    for wish, voice in wishes.items():
        user_id = a_listener(runtime)
        with runtime.database.transaction(acting_for=SYSTEM) as tx:
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
