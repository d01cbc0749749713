"""The jobs that keep connections alive, run as a worker runs them."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from job_trials import present
from jobs_inline import job_row, queued_jobs, work_off
from makers import a_connected_user, a_user
from spotify_insights.accounts.jobs import RefreshExpiringTokens, RefreshToken
from spotify_insights.database.actor import SYSTEM
from spotify_insights.jobs.enqueue import enqueue
from spotify_insights.jobs.job import Job
from spotify_insights.jobs.models import BackgroundJob
from spotify_insights.pretend_spotify.faults import RateLimited, ServerFailure
from spotify_insights.pretend_spotify.running import RunningPretendSpotify
from spotify_insights.runtime import Runtime
from stored_tokens import let_access_end_in, refresh_calls, token_row


def test_a_token_that_ends_before_the_next_run_is_refreshed(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify
) -> None:
    user_id = a_connected_user(runtime, expires_in=20 * 60)
    job = done(runtime, RefreshToken(user_id=user_id))
    row = token_row(runtime.database, user_id)
    assert job.status == "succeeded"
    assert job.result == {"expires_at": row.expires_at.isoformat()}
    assert (row.version, refresh_calls(pretend_spotify)) == (2, 1)


def test_a_token_that_lasts_is_left_alone(runtime: Runtime, pretend_spotify: RunningPretendSpotify) -> None:
    user_id = a_connected_user(runtime, expires_in=40 * 60)
    job = done(runtime, RefreshToken(user_id=user_id))
    assert job.status == "succeeded"
    assert job.result is not None
    ends_at = datetime.fromisoformat(str(job.result["expires_at"]))
    assert ends_at == token_row(runtime.database, user_id).expires_at
    assert refresh_calls(pretend_spotify) == 0


def test_the_schedule_refreshes_whoever_ends_soon_and_nobody_else(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify
) -> None:
    ending = {a_connected_user(runtime, expires_in=seconds) for seconds in (-60, 60, 1800)}
    lasting = a_connected_user(runtime, expires_in=3600)
    lose_connection(runtime, pretend_spotify, a_connected_user(runtime, refresh_token="AQC-somebody-else"))
    a_user(runtime)
    calls = refresh_calls(pretend_spotify)

    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        parent_id = enqueue(tx, RefreshExpiringTokens())
    children = [job_row(runtime.database, job_id) for job_id in work_off(runtime) if job_id != parent_id]

    assert job_row(runtime.database, parent_id).result == {"queued": 3, "reminded": 0, "ended": 0}
    assert {child.owner_id for child in children} == ending
    assert {child.parent_id for child in children} == {parent_id}
    assert {child.status for child in children} == {"succeeded"}
    assert refresh_calls(pretend_spotify) == calls + 3
    assert token_row(runtime.database, lasting).version == 1

    # All that ended soon lasts now: the next run of the schedule finds nothing to do.
    assert done(runtime, RefreshExpiringTokens()).result == {"queued": 0, "reminded": 0, "ended": 0}


def test_an_ended_connection_fails_the_job_with_what_to_do(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify
) -> None:
    user_id = a_connected_user(runtime)
    lose_connection(runtime, pretend_spotify, user_id)
    calls = refresh_calls(pretend_spotify)
    job = done(runtime, RefreshToken(user_id=user_id))
    assert (job.status, job.error_code) == ("failed", "spotify_reauth_required")
    assert job.error == "Spotify no longer accepts this connection; please connect Spotify again."
    assert refresh_calls(pretend_spotify) == calls
    assert queued_jobs(runtime.database) == []


def test_a_failure_of_spotify_is_tried_again(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify
) -> None:
    user_id = a_connected_user(runtime, expires_in=60)
    pretend_spotify.control.queue(ServerFailure(path="/api/token"))
    job = done(runtime, RefreshToken(user_id=user_id))
    assert (job.status, job.attempts, job.snoozes) == ("queued", 1, 0)
    assert job.error_code == "spotify_upstream"


@pytest.mark.parametrize("wait", [7, 40])
def test_a_wait_that_spotify_asks_for_costs_no_attempt(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify, wait: int
) -> None:
    user_id = a_connected_user(runtime, expires_in=60)
    pretend_spotify.control.queue(RateLimited(path="/api/token", retry_after=wait))
    before = present(runtime.database)
    job = done(runtime, RefreshToken(user_id=user_id))
    after = present(runtime.database)
    assert (job.status, job.attempts, job.snoozes) == ("queued", 0, 1)
    assert before <= job.available_at - timedelta(seconds=wait) <= after


def lose_connection(runtime: Runtime, pretend_spotify: RunningPretendSpotify, user_id: UUID) -> None:
    """Have Spotify refuse this listener's refresh token from now on, and the row say so."""
    runtime.tokens.renewed(user_id, seen_version=token_row(runtime.database, user_id).version)
    pretend_spotify.control.revoke()
    let_access_end_in(runtime.database, user_id, 0)
    done(runtime, RefreshToken(user_id=user_id))
    assert token_row(runtime.database, user_id).status == "reauth_required"


def done(runtime: Runtime, job: Job) -> BackgroundJob:
    """The job after one attempt at it."""
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        job_id = enqueue(tx, job)
    work_off(runtime)
    return job_row(runtime.database, job_id)
