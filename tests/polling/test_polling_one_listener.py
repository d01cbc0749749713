"""Polling the latest plays of one listener: one call, each play once, and no call where none is left."""

import json
import threading
from contextlib import suppress
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from app_calls import app_state, attempted, leave_calls, requests_made
from ingestions import a_listener, calls, count, ingest, rows, told
from job_trials import at_once, enqueued, present
from jobs_inline import job_row, work_off
from makers import a_user
from passing_time import let_delays_pass
from spotify_insights.accounts.call_budget import Purpose
from spotify_insights.jobs.run import run_job
from spotify_insights.listening.hold_history import HistoryBusyError
from spotify_insights.listening.jobs import IngestAllRanges, PollListener
from spotify_insights.listening.poll_plan import SHORTEST_WAIT
from spotify_insights.pretend_spotify.faults import CannedAnswer, ServerFailure
from spotify_insights.pretend_spotify.running import RunningPretendSpotify
from spotify_insights.runtime import Runtime
from spotify_insights.worker.tasks import Handlers
from stored_rows import a_snapshot
from stored_tokens import let_access_end_in

RECENTLY_PLAYED = "/v1/me/player/recently-played"
PLAYS = "SELECT t.spotify_id, p.ended_at FROM plays p JOIN tracks t ON t.id = p.track_id WHERE user_id = :who"
WAITS = "SELECT next_poll_at - polled_at FROM recently_played_polls WHERE user_id = :who"
NOTED = "SELECT polled_at, new_plays FROM recently_played_polls WHERE user_id = :who"


@pytest.fixture
def user_id(runtime: Runtime) -> UUID:
    return a_listener(runtime)


def test_a_poll_makes_one_call_and_stores_every_play_once(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify, user_id: UUID
) -> None:
    first = attempted(runtime, PollListener(user_id=user_id))
    second = attempted(runtime, PollListener(user_id=user_id))
    assert requests_made(pretend_spotify) == app_state(runtime).calls_today == 2
    assert calls(pretend_spotify, f"GET {RECENTLY_PLAYED}") == 2
    assert (first.result, second.result) == ({"new_plays": 50}, {"new_plays": 0})
    plays = told(pretend_spotify, "me/player/recently-played?limit=50")["items"]
    assert sorted(rows(runtime.database, PLAYS, who=user_id)) == sorted(
        (play["track"]["id"], datetime.fromisoformat(play["played_at"])) for play in plays
    )


def test_only_what_is_new_is_added(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify, user_id: UUID
) -> None:
    plays = told(pretend_spotify, "me/player/recently-played?limit=50")
    earlier = {**plays, "items": plays["items"][10:]}
    pretend_spotify.control.queue(CannedAnswer(path=RECENTLY_PLAYED, status=200, body=json.dumps(earlier)))
    assert attempted(runtime, PollListener(user_id=user_id)).result == {"new_plays": 40}
    assert attempted(runtime, PollListener(user_id=user_id)).result == {"new_plays": 10}
    assert count(runtime.database, "plays") == 50


def test_polls_and_ingestions_share_their_plays(runtime: Runtime, user_id: UUID) -> None:
    attempted(runtime, PollListener(user_id=user_id))
    assert (ingest(runtime, user_id).result or {})["new_plays"] == 0
    assert (attempted(runtime, IngestAllRanges(user_id=user_id)).result or {})["new_plays"] == 0
    assert count(runtime.database, "plays") == 50


def test_polls_and_ingestions_at_the_same_time_store_each_play_once(runtime: Runtime, user_id: UUID) -> None:
    handlers = Handlers.of(runtime)
    jobs = [PollListener(user_id=user_id), IngestAllRanges(user_id=user_id)]
    waiting = [(enqueued(runtime.database, job), type(job)) for job in jobs]

    ids = [job_id for job_id, _ in waiting]

    def run(together: threading.Barrier) -> None:
        job_id, job_type = waiting.pop()
        together.wait()
        # Whoever comes second may find the history busy; that is recorded before it is raised.
        with suppress(HistoryBusyError):
            run_job(runtime.database, job_id, job_type, handlers[job_type])

    at_once(2, run)
    let_delays_pass(runtime.database)
    work_off(runtime)
    assert {job_row(runtime.database, job_id).status for job_id in ids} == {"succeeded"}
    assert count(runtime.database, "plays") == 50


@pytest.mark.parametrize("job_type", [PollListener, IngestAllRanges])
def test_whoever_asks_for_the_plays_notes_it(
    runtime: Runtime, user_id: UUID, job_type: type[PollListener | IngestAllRanges]
) -> None:
    for new_plays in (50, 0):
        before = present(runtime.database)
        assert attempted(runtime, job_type(user_id=user_id)).status == "succeeded"
        [(polled_at, noted)] = rows(runtime.database, NOTED, who=user_id)
        assert before < polled_at < present(runtime.database)
        assert noted == new_plays


@pytest.mark.parametrize("job_type", [PollListener, IngestAllRanges])
def test_whoever_asks_for_the_plays_plans_the_next_poll(
    runtime: Runtime, user_id: UUID, job_type: type[PollListener | IngestAllRanges]
) -> None:
    for _ in range(2):
        attempted(runtime, job_type(user_id=user_id))
        [(wait,)] = rows(runtime.database, WAITS, who=user_id)
        assert SHORTEST_WAIT <= wait <= timedelta(hours=2, minutes=15)


def test_a_poll_that_finds_no_call_left_says_so_and_makes_none(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify, user_id: UUID
) -> None:
    leave_calls(runtime, 0, purpose=Purpose.BACKGROUND)
    job = attempted(runtime, PollListener(user_id=user_id))
    assert job.status == "succeeded"
    assert job.result == {
        "skipped": "Background work has used up its share of today's calls to Spotify; the rest is kept for "
        "what listeners ask for. This goes on by itself after midnight UTC."
    }
    assert requests_made(pretend_spotify) == 0
    assert count(runtime.database, "recently_played_polls") == 0


def test_a_poll_whose_token_cannot_be_refreshed_for_lack_of_calls_is_skipped_too(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify, user_id: UUID
) -> None:
    let_access_end_in(runtime.database, user_id, 5)
    leave_calls(runtime, 1, purpose=Purpose.BACKGROUND)
    job = attempted(runtime, PollListener(user_id=user_id))
    assert (job.status, list(job.result or {})) == ("succeeded", ["skipped"])
    assert requests_made(pretend_spotify) == 0
    # The call that was reserved and not made is there for others.
    before = app_state(runtime).calls_today
    runtime.spotify.budget.reserve(1, purpose=Purpose.BACKGROUND)
    assert app_state(runtime).calls_today == before + 1


def test_a_failure_of_spotify_is_tried_again(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify, user_id: UUID
) -> None:
    pretend_spotify.control.queue(ServerFailure(path=RECENTLY_PLAYED))
    job = attempted(runtime, PollListener(user_id=user_id))
    assert (job.status, job.attempts, job.error_code) == ("queued", 1, "spotify_upstream")
    assert count(runtime.database, "recently_played_polls") == 0


def test_without_a_connection_a_poll_fails_with_what_to_do(runtime: Runtime) -> None:
    job = attempted(runtime, PollListener(user_id=a_user(runtime)))
    assert (job.status, job.error_code) == ("failed", "spotify_not_connected")


def test_what_a_poll_changed_is_read_afresh(client: TestClient, runtime: Runtime, user_id: UUID) -> None:
    """A list that was cached before a poll is not served after it, as with an ingestion."""
    address = f"/api/listening/snapshots?user_id={user_id}"
    assert client.get(address).json() == []
    snapshot_id = a_snapshot(runtime, user_id)
    assert client.get(address).json() == [], "this test needs a list that is cached"
    attempted(runtime, PollListener(user_id=user_id))
    assert [shown["snapshot_id"] for shown in client.get(address).json()] == [str(snapshot_id)]
