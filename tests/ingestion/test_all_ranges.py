"""All ranges of one listener by one job: few calls, one transaction, nothing twice."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from app_calls import app_state, attempted, leave_calls, requests_made
from ingestions import a_listener, calls, count, ingest, rows, snapshot_rows, told_top_tracks
from job_trials import enqueued
from jobs_inline import job_row, work_off
from passing_time import let_delays_pass
from server_trials import eventually
from spotify_insights.accounts.call_budget import Purpose
from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.database import Database
from spotify_insights.jobs.cancel import cancel_job
from spotify_insights.jobs.job import Job
from spotify_insights.jobs.models import BackgroundJob
from spotify_insights.jobs.run import run_job
from spotify_insights.listening.hold_history import HistoryBusyError
from spotify_insights.listening.jobs import IngestAllRanges, IngestListeningData
from spotify_insights.listening.time_range import TimeRange
from spotify_insights.pretend_spotify.faults import AccessTokenExpired, Delay, ServerFailure
from spotify_insights.pretend_spotify.running import RunningPretendSpotify
from spotify_insights.runtime import Runtime
from spotify_insights.worker.tasks import Handlers
from stored_tokens import let_access_end_in

TOP_TRACKS = "/v1/me/top/tracks"
RECENTLY_PLAYED = "/v1/me/player/recently-played"


@pytest.fixture
def user_id(runtime: Runtime) -> UUID:
    return a_listener(runtime)


def test_three_snapshots_cost_seven_calls_and_the_features(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify, user_id: UUID
) -> None:
    job = attempted(runtime, IngestAllRanges(user_id=user_id))
    assert (job.status, job.error) == ("succeeded", None)
    made = Counter(request.path for request in pretend_spotify.control.requests())
    assert made.pop("/v1/audio-features") in {1, 2}
    assert made == {TOP_TRACKS: 3, "/v1/me/top/artists": 3, RECENTLY_PLAYED: 1}
    assert app_state(runtime).calls_today == requests_made(pretend_spotify)


def test_the_result_names_the_snapshot_of_each_range(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify, user_id: UUID
) -> None:
    result = attempted(runtime, IngestAllRanges(user_id=user_id)).result
    stored = snapshot_rows(runtime.database, user_id)
    assert result == {
        "snapshot_ids": {row.time_range: str(row.id) for row in stored},
        "new_plays": count(runtime.database, "plays"),
    }
    assert {row.time_range for row in stored} == set(TimeRange)
    for row in stored:
        told = told_top_tracks(pretend_spotify, TimeRange(row.time_range))
        named: list[Any] = row.top_tracks
        assert [track["spotify_id"] for track in named] == [track["id"] for track in told]
        assert row.coverage["share"] == 1.0


def test_one_range_asked_for_by_hand_takes_the_same_snapshot(runtime: Runtime, user_id: UUID) -> None:
    attempted(runtime, IngestAllRanges(user_id=user_id))
    before = {row.time_range: (row.id, row.top_tracks) for row in snapshot_rows(runtime.database, user_id)}
    for time_range in TimeRange:
        assert ingest(runtime, user_id, time_range).status == "succeeded"
    after = {row.time_range: (row.id, row.top_tracks) for row in snapshot_rows(runtime.database, user_id)}
    assert after == before
    assert count(runtime.database, "plays") == 50


def test_side_by_side_with_an_ingestion_by_hand_nothing_doubles(runtime: Runtime, user_id: UUID) -> None:
    jobs: list[Job] = [IngestAllRanges(user_id=user_id)]
    jobs += [IngestListeningData(user_id=user_id, time_range=time_range) for time_range in TimeRange]
    together = threading.Barrier(len(jobs), timeout=20)
    handlers = Handlers.of(runtime)

    def run(job: Job) -> UUID:
        job_id = enqueued(runtime.database, job)
        together.wait()
        # Who comes while another one stores is put off.
        with suppress(HistoryBusyError):
            run_job(runtime.database, job_id, type(job), handlers[type(job)])
        return job_id

    for _ in range(3):
        with ThreadPoolExecutor(len(jobs)) as pool:
            job_ids = list(pool.map(run, jobs))
        let_delays_pass(runtime.database)
        work_off(runtime)
        done = [job_row(runtime.database, job_id) for job_id in job_ids]
        assert {(job.status, job.attempts) for job in done} == {("succeeded", 1)}
    assert count(runtime.database, "plays") == 50
    assert len(snapshot_rows(runtime.database, user_id)) == 3


def test_a_failure_in_the_middle_stores_nothing_and_the_next_attempt_everything(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify, user_id: UUID
) -> None:
    pretend_spotify.control.queue(ServerFailure(path="/v1/me/top/artists"))
    job = attempted(runtime, IngestAllRanges(user_id=user_id))
    assert (job.status, job.attempts) == ("queued", 1)
    assert count(runtime.database, "listening_snapshots") == count(runtime.database, "tracks") == 0
    # The call that failed was made; the five that were reserved beyond it were not.
    assert app_state(runtime).calls_today == requests_made(pretend_spotify) == 2

    assert eventually(lambda: bool(work_off(runtime)) and status(runtime.database, job.id) == "succeeded")
    assert count(runtime.database, "listening_snapshots") == 3


def test_every_call_is_counted_also_those_that_a_refused_token_costs(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify, user_id: UUID
) -> None:
    let_access_end_in(runtime.database, user_id, 5)
    pretend_spotify.control.queue(AccessTokenExpired(path=RECENTLY_PLAYED))
    assert attempted(runtime, IngestAllRanges(user_id=user_id)).status == "succeeded"
    assert calls(pretend_spotify, "POST /api/token refresh_token") == 2
    assert calls(pretend_spotify, f"GET {RECENTLY_PLAYED}") == 2
    assert app_state(runtime).calls_today == requests_made(pretend_spotify)


def test_without_room_in_the_budget_it_waits_and_asks_nothing(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify, user_id: UUID
) -> None:
    leave_calls(runtime, 6, purpose=Purpose.BACKGROUND)
    job = attempted(runtime, IngestAllRanges(user_id=user_id))
    assert (job.status, job.attempts, job.snoozes) == ("queued", 0, 1)
    assert job.error_code == "spotify_calls_used_up"
    assert requests_made(pretend_spotify) == 0
    [(waits_for_tomorrow,)] = rows(
        runtime.database,
        "SELECT (available_at AT TIME ZONE 'UTC')::date - (clock_timestamp() AT TIME ZONE 'UTC')::date"
        "  FROM background_jobs",
    )
    assert waits_for_tomorrow == 1
    # Somebody who asks by hand is served all the same.
    assert ingest(runtime, user_id).status == "succeeded"


def test_its_progress_can_be_followed_and_a_cancellation_stops_it_before_the_next_call(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify, user_id: UUID
) -> None:
    pretend_spotify.control.queue(Delay(path=RECENTLY_PLAYED, seconds=0.5))
    job_id = enqueued(runtime.database, IngestAllRanges(user_id=user_id))
    with ThreadPoolExecutor(1) as pool:
        outcome = pool.submit(work_off, runtime)
        at_the_plays = {"step": "recently played", "done": 6, "total": 9}
        assert eventually(lambda: job_row(runtime.database, job_id).progress == at_the_plays)
        with runtime.database.transaction(acting_for=SYSTEM) as tx:
            cancel_job(tx, job_id, acting_for=SYSTEM)
        outcome.result(timeout=20)
    job = job_row(runtime.database, job_id)
    assert (job.status, job.result) == ("cancelled", None)
    assert pretend_spotify.control.requests()[-1].path == RECENTLY_PLAYED
    assert count(runtime.database, "plays") == 0
    assert app_state(runtime).calls_today == requests_made(pretend_spotify) == 7


def test_an_ingestion_by_hand_tells_its_progress_too(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify, user_id: UUID
) -> None:
    pretend_spotify.control.queue(Delay(path="/v1/me/top/artists", seconds=0.3))
    job = IngestListeningData(user_id=user_id, time_range=TimeRange.SHORT_TERM)
    job_id = enqueued(runtime.database, job)
    with ThreadPoolExecutor(1) as pool:
        outcome = pool.submit(work_off, runtime)
        at_the_artists = {"step": "top artists", "done": 1, "total": 5}
        assert eventually(lambda: job_row(runtime.database, job_id).progress == at_the_artists)
        outcome.result(timeout=20)
    done = job_row(runtime.database, job_id)
    assert (done.status, done.progress) == ("succeeded", None)


def test_whoever_lost_the_lease_stores_none_of_the_three(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify, user_id: UUID
) -> None:
    """Another attempt has taken the job over while Spotify was slow with the last answer."""
    pretend_spotify.control.queue(Delay(path="/v1/audio-features", seconds=0.5))
    job_id = enqueued(runtime.database, IngestAllRanges(user_id=user_id))
    with ThreadPoolExecutor(1) as pool:
        outcome = pool.submit(work_off, runtime)
        assert eventually(lambda: step(runtime.database, job_id) == "audio features")
        with runtime.database.transaction(acting_for=SYSTEM) as tx:
            tx.session.execute(text("UPDATE background_jobs SET lease_token = gen_random_uuid()"))
        outcome.result(timeout=20)
    assert status(runtime.database, job_id) == "running"
    assert count(runtime.database, "listening_snapshots") == count(runtime.database, "plays") == 0


def step(database: Database, job_id: UUID) -> object:
    return (job_row(database, job_id).progress or {}).get("step")


def status(database: Database, job_id: UUID) -> str:
    job: BackgroundJob = job_row(database, job_id)
    return job.status
