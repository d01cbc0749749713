"""Spotify refuses the whole app: one listener's job finds out, nobody else asks before the time is over."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from uuid import UUID

import pytest

from app_calls import app_state, attempted, requests_made
from ingestions import a_listener, ingested
from job_trials import enqueued, present
from jobs_inline import job_row, work_off
from passing_time import let_delays_pass, let_pause_end
from spotify_insights.accounts.call_budget import SPREAD
from spotify_insights.accounts.jobs import RefreshToken
from spotify_insights.jobs.job import Job
from spotify_insights.listening.jobs import IngestAllRanges, IngestListeningData, PollListener
from spotify_insights.listening.time_range import TimeRange
from spotify_insights.pretend_spotify.faults import CannedAnswer, QuotaExceeded, RateLimited
from spotify_insights.pretend_spotify.running import RunningPretendSpotify
from spotify_insights.runtime import Runtime
from stored_tokens import let_access_end_in

A_MINUTE = timedelta(minutes=1)
QUOTA = '{"error": {"status": 429, "message": "Too many requests", "reason": "QUOTA_EXCEEDED"}}'


def all_kinds_of_work(user_id: UUID) -> list[Job]:
    return [
        PollListener(user_id=user_id),
        IngestAllRanges(user_id=user_id),
        IngestListeningData(user_id=user_id, time_range=TimeRange.SHORT_TERM),
        RefreshToken(user_id=user_id),
    ]


@pytest.mark.parametrize("first_to_notice", ["poll", "ingestion", "refresh"])
def test_after_one_refusal_the_jobs_of_all_others_wait_without_a_call(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify, first_to_notice: str
) -> None:
    unlucky, *others = [a_listener(runtime) for _ in range(4)]
    path = "/api/token" if first_to_notice == "refresh" else "/v1/me/player/recently-played"
    pretend_spotify.control.queue(QuotaExceeded(path=path, retry_after=52_531))
    noticing: dict[str, Job] = {
        "poll": PollListener(user_id=unlucky),
        "ingestion": IngestAllRanges(user_id=unlucky),
        "refresh": RefreshToken(user_id=unlucky),
    }
    if first_to_notice == "refresh":
        let_access_end_in(runtime.database, unlucky, 60)
    refused = attempted(runtime, noticing[first_to_notice])
    assert (refused.status, refused.attempts) == ("queued", 0)
    assert refused.error_code == "spotify_quota_exceeded"
    until = app_state(runtime).paused_until
    assert until is not None
    asked = requests_made(pretend_spotify)

    for user_id in others:
        let_access_end_in(runtime.database, user_id, 60)
    waiting = [enqueued(runtime.database, job) for user_id in others for job in all_kinds_of_work(user_id)]
    for times in (1, 2):
        work_off(runtime)
        for job in (job_row(runtime.database, job_id) for job_id in waiting):
            assert (job.status, job.attempts, job.snoozes) == ("queued", 0, times)
            assert job.error_code == "spotify_app_paused"
            assert until <= job.available_at <= until + SPREAD + A_MINUTE
        # Even if all of them are woken too early.
        let_delays_pass(runtime.database)
    assert requests_made(pretend_spotify) == asked

    let_pause_end(runtime.database)
    let_delays_pass(runtime.database)
    work_off(runtime)
    assert {job_row(runtime.database, job_id).status for job_id in [refused.id, *waiting]} == {"succeeded"}
    assert requests_made(pretend_spotify) == app_state(runtime).calls_today


@pytest.mark.parametrize(
    ("retry_after", "paused_for"),
    [
        ("52531", timedelta(seconds=52_531)),
        ("999999999999", timedelta(days=1)),
        ("1e400", timedelta(days=1)),
        ("-5", timedelta(seconds=1)),
        (None, timedelta(hours=1)),
        ("soon", timedelta(hours=1)),
        ("in three hours", timedelta(hours=3)),
        ("in four years", timedelta(days=1)),
    ],
)
def test_whatever_retry_after_says_the_pause_is_sane(
    runtime: Runtime,
    pretend_spotify: RunningPretendSpotify,
    retry_after: str | None,
    paused_for: timedelta,
) -> None:
    if retry_after == "in three hours":
        retry_after = format_datetime(datetime.now(UTC) + timedelta(hours=3), usegmt=True)
    elif retry_after == "in four years":
        retry_after = format_datetime(datetime.now(UTC) + timedelta(days=1461), usegmt=True)
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    pretend_spotify.control.queue(CannedAnswer(status=429, body=QUOTA, headers=headers))
    user_id = a_listener(runtime)
    before = present(runtime.database)
    job = attempted(runtime, PollListener(user_id=user_id))
    assert (job.status, job.snoozes) == ("queued", 1)
    assert abs(job.available_at - before - paused_for) < A_MINUTE
    until = app_state(runtime).paused_until
    if until is not None:
        assert abs(until - before - paused_for) < A_MINUTE
    else:
        assert paused_for <= timedelta(seconds=1)


def test_the_short_rate_limit_pauses_nobody_else(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify
) -> None:
    pretend_spotify.control.queue(RateLimited(retry_after=12))
    assert attempted(runtime, PollListener(user_id=a_listener(runtime))).error_code == "spotify_rate_limited"
    assert app_state(runtime).paused_until is None
    assert attempted(runtime, PollListener(user_id=a_listener(runtime))).status == "succeeded"


def test_features_that_the_quota_refuses_pause_everybody_and_the_snapshot_is_taken(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify
) -> None:
    pretend_spotify.control.queue(QuotaExceeded(path="/v1/audio-features"))
    assert ingested(runtime, a_listener(runtime)).coverage.share == 0.0
    assert app_state(runtime).paused_until is not None
