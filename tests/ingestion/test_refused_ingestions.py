"""Every way in which Spotify says no to an ingestion: what is tried again, and what a person is told."""

from datetime import timedelta
from uuid import UUID

import pytest

from ingestions import a_listener, asked_features, count, ingest, ingested
from job_trials import present
from passing_time import let_pause_end
from spotify_insights.pretend_spotify.config import Mode
from spotify_insights.pretend_spotify.faults import (
    AccessTokenExpired,
    CannedAnswer,
    Fault,
    InvalidJson,
    OwnerNotPremium,
    QuotaExceeded,
    RateLimited,
    ResetMidBody,
    ServerFailure,
    UserNotAllowlisted,
)
from spotify_insights.pretend_spotify.running import RunningPretendSpotify
from spotify_insights.runtime import Runtime
from spotify_insights.tables import metadata
from stored_tokens import refresh_calls, token_row

TOP_TRACKS = "/v1/me/top/tracks"
TOP_ARTISTS = "/v1/me/top/artists"
RECENTLY_PLAYED = "/v1/me/player/recently-played"
AUDIO_FEATURES = "/v1/audio-features"
PATHS = (TOP_TRACKS, TOP_ARTISTS, RECENTLY_PLAYED, AUDIO_FEATURES)

NOT_ALLOWLISTED = (
    "Spotify does not know this listener as a user of the app; the operator adds them under "
    "User Management in Spotify's developer dashboard."
)
NOT_PREMIUM = (
    "Spotify answers only while the owner of the app has Premium; the operator renews it, "
    "and a few hours later calls work again."
)
LACKS_PERMISSION = (
    "This needs a permission that the connection lacks. Connect Spotify again and allow what it asks for."
)
LACKING_SCOPE = CannedAnswer(
    path=RECENTLY_PLAYED,
    status=403,
    body='{"error": {"status": 403, "message": "Insufficient client scope"}}',
)


@pytest.fixture
def user_id(runtime: Runtime) -> UUID:
    return a_listener(runtime)


@pytest.mark.parametrize("path", PATHS)
def test_a_refused_access_token_is_refreshed_once_and_the_ingestion_goes_on(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify, user_id: UUID, path: str
) -> None:
    pretend_spotify.control.queue(AccessTokenExpired(path=path))
    snapshot = ingested(runtime, user_id)
    assert snapshot.coverage.share == 1.0
    assert refresh_calls(pretend_spotify) == 1
    assert token_row(runtime.database, user_id).version == 2


def test_a_token_that_ended_before_its_time_is_replaced_for_all_later_calls(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify, user_id: UUID
) -> None:
    pretend_spotify.control.queue(AccessTokenExpired(path=TOP_TRACKS))
    ingested(runtime, user_id)
    asked = [(request.path, request.status) for request in pretend_spotify.control.requests()]
    assert asked == [(TOP_TRACKS, 401), ("/api/token", 200), *((path, 200) for path in PATHS)]


@pytest.mark.parametrize("path", [TOP_TRACKS, AUDIO_FEATURES])
def test_a_token_that_is_refused_even_when_fresh_fails_the_ingestion(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify, user_id: UUID, path: str
) -> None:
    pretend_spotify.control.queue(AccessTokenExpired(path=path, times=2))
    job = ingest(runtime, user_id)
    assert (job.status, job.error_code) == ("failed", "spotify_access_token_rejected")
    assert job.error == (
        "Spotify did not accept the access token; if this stays, please connect Spotify again."
    )
    assert refresh_calls(pretend_spotify) == 1
    assert_nothing_stored(runtime)


def test_a_connection_that_has_ended_fails_the_ingestion_with_what_to_do(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify, user_id: UUID
) -> None:
    pretend_spotify.control.queue(AccessTokenExpired(path=TOP_ARTISTS))
    pretend_spotify.control.queue(
        CannedAnswer(
            path="/api/token",
            status=400,
            body='{"error": "invalid_grant", "error_description": "Refresh token expired"}',
        )
    )
    job = ingest(runtime, user_id)
    assert (job.status, job.error_code) == ("failed", "spotify_reauth_required")
    assert job.error == "Spotify no longer accepts this connection; please connect Spotify again."
    assert token_row(runtime.database, user_id).status == "reauth_required"
    assert_nothing_stored(runtime)


@pytest.mark.parametrize(
    ("fault", "wait", "code"),
    [
        (
            RateLimited(path=TOP_TRACKS, retry_after=12),
            timedelta(seconds=12),
            "spotify_rate_limited",
        ),
        (
            QuotaExceeded(path=RECENTLY_PLAYED, retry_after=52_531),
            timedelta(hours=14, minutes=35, seconds=31),
            "spotify_quota_exceeded",
        ),
    ],
    ids=["rate", "quota"],
)
def test_a_wait_that_spotify_asks_for_is_kept_and_costs_no_attempt(
    runtime: Runtime,
    pretend_spotify: RunningPretendSpotify,
    user_id: UUID,
    fault: Fault,
    wait: timedelta,
    code: str,
) -> None:
    pretend_spotify.control.queue(fault)
    before = present(runtime.database)
    job = ingest(runtime, user_id)
    after = present(runtime.database)
    assert (job.status, job.attempts, job.snoozes, job.error_code) == ("queued", 0, 1, code)
    assert before <= job.available_at - wait <= after
    assert job.finished_at is None
    assert_nothing_stored(runtime)


@pytest.mark.parametrize(
    "fault",
    [
        ServerFailure(path=TOP_TRACKS, status=500),
        ServerFailure(path=TOP_ARTISTS, status=502),
        ServerFailure(path=RECENTLY_PLAYED, status=503),
        InvalidJson(path=TOP_TRACKS),
        ResetMidBody(path=RECENTLY_PLAYED),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.path.rpartition('/')[2]}",
)
def test_a_failure_of_spotify_costs_one_attempt_and_is_tried_again(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify, user_id: UUID, fault: Fault
) -> None:
    pretend_spotify.control.queue(fault)
    job = ingest(runtime, user_id)
    assert (job.status, job.attempts, job.snoozes) == ("queued", 1, 0)
    assert job.error_code == "spotify_upstream"
    assert_nothing_stored(runtime)


@pytest.mark.parametrize(
    ("fault", "code", "sentence"),
    [
        (UserNotAllowlisted(path=TOP_TRACKS), "spotify_user_not_allowlisted", NOT_ALLOWLISTED),
        (OwnerNotPremium(path=TOP_TRACKS), "spotify_owner_not_premium", NOT_PREMIUM),
        (LACKING_SCOPE, "spotify_insufficient_scope", LACKS_PERMISSION),
    ],
)
def test_what_only_a_person_can_mend_fails_at_once_with_what_to_do(
    runtime: Runtime,
    pretend_spotify: RunningPretendSpotify,
    user_id: UUID,
    fault: Fault,
    code: str,
    sentence: str,
) -> None:
    pretend_spotify.control.queue(fault)
    job = ingest(runtime, user_id)
    assert (job.status, job.error_code, job.error) == ("failed", code, sentence)
    assert token_row(runtime.database, user_id).status == "connected"
    assert_nothing_stored(runtime)


@pytest.mark.parametrize(
    "fault",
    [
        ServerFailure(path=AUDIO_FEATURES),
        RateLimited(path=AUDIO_FEATURES),
        QuotaExceeded(path=AUDIO_FEATURES),
        InvalidJson(path=AUDIO_FEATURES),
    ],
    ids=lambda fault: fault.kind,
)
def test_features_that_fail_for_a_time_lower_the_coverage_and_are_asked_for_again(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify, user_id: UUID, fault: Fault
) -> None:
    pretend_spotify.control.queue(fault)
    snapshot = ingested(runtime, user_id)
    assert (snapshot.coverage.tracks_with_features, snapshot.coverage.providers) == (0, {})
    assert snapshot.mood_patterns is None
    assert count(runtime.database, "track_features") == 0

    let_pause_end(runtime.database)
    assert ingested(runtime, user_id).coverage.share == 1.0
    first, second = asked_features(pretend_spotify)
    assert first == second


def test_features_that_spotify_does_not_offer_are_not_remembered_as_missing(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify, user_id: UUID
) -> None:
    """The operator has set extended mode for an app that is not in it."""
    pretend_spotify.control.change(mode=Mode.DEVELOPMENT)
    assert ingested(runtime, user_id).coverage.share == 0.0
    assert count(runtime.database, "track_features") == 0
    pretend_spotify.control.change(mode=Mode.EXTENDED)
    assert ingested(runtime, user_id).coverage.share == 1.0


def assert_nothing_stored(runtime: Runtime) -> None:
    """No effect of the attempt is left but what it says about the job, the tokens and our app."""
    kept = {"users", "user_identities", "spotify_tokens", "background_jobs"}
    kept |= {"spotify_app_days", "spotify_app_pauses"}
    assert [name for name in metadata.tables if name not in kept and count(runtime.database, name)] == []
