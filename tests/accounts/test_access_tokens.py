"""Access tokens: kept while they last, refreshed in time, given up once Spotify has ended the connection."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from makers import a_connected_user, a_user
from passing_time import let_pause_end
from spotify_insights.accounts.access import AccessTokens, NotConnectedError
from spotify_insights.accounts.connect import store_tokens
from spotify_insights.database.actor import SYSTEM
from spotify_insights.pretend_spotify.config import RefreshTokenAnswer
from spotify_insights.pretend_spotify.faults import InvalidJson, QuotaExceeded, RateLimited, ServerFailure
from spotify_insights.pretend_spotify.running import RunningPretendSpotify
from spotify_insights.runtime import Runtime
from spotify_insights.security.sealing import BrokenSealError
from spotify_insights.spotify.errors import (
    NotSetUpError,
    OperatorMisconfiguredError,
    QuotaExceededError,
    RateLimitedError,
    ReauthRequiredError,
    UpstreamError,
)
from spotify_insights.spotify.login import AppCredentials
from stored_tokens import (
    let_access_end_in,
    refresh_calls,
    stored_access_token,
    stored_refresh_token,
    token_row,
)

A_MINUTE = timedelta(minutes=1)


def test_a_token_that_lasts_is_used_as_it_is(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify
) -> None:
    user_id = a_connected_user(runtime, access_token="BQD-robin", expires_in=3600)
    access = runtime.tokens.current(user_id)
    assert access.token.get_secret_value() == "BQD-robin"
    assert access.version == 1
    assert pretend_spotify.control.counters().total == 0


@pytest.mark.parametrize(("seconds_left", "calls"), [(-3600, 1), (0, 1), (50, 1), (90, 0)])
def test_a_token_is_refreshed_from_one_minute_before_its_end(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify, seconds_left: int, calls: int
) -> None:
    user_id = a_connected_user(runtime)
    let_access_end_in(runtime.database, user_id, seconds_left)
    runtime.tokens.current(user_id)
    runtime.tokens.current(user_id)
    assert refresh_calls(pretend_spotify) == calls


def test_whoever_needs_the_token_longer_has_it_refreshed_earlier(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify
) -> None:
    user_id = a_connected_user(runtime, expires_in=1800)
    runtime.tokens.current(user_id, good_for=29 * A_MINUTE)
    assert refresh_calls(pretend_spotify) == 0
    access = runtime.tokens.current(user_id, good_for=31 * A_MINUTE)
    assert refresh_calls(pretend_spotify) == 1
    assert access.token.get_secret_value() == stored_access_token(runtime, user_id)


@pytest.mark.parametrize("answer", RefreshTokenAnswer)
def test_a_refresh_keeps_the_refresh_token_unless_it_is_given_a_new_one(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify, answer: RefreshTokenAnswer
) -> None:
    pretend_spotify.control.change(refresh_token_answer=answer)
    user_id = a_connected_user(runtime, access_token="BQD-robin", refresh_token="AQC-robin", expires_in=30)
    before = token_row(runtime.database, user_id)
    access = runtime.tokens.current(user_id)

    row = token_row(runtime.database, user_id)
    assert access.token.get_secret_value() == stored_access_token(runtime, user_id) != "BQD-robin"
    assert access.version == row.version == 2
    assert row.expires_at - before.expires_at > 50 * A_MINUTE
    # The six months run from the listener's consent, whatever is refreshed.
    assert (row.authorized_at, row.refresh_expires_at) == (before.authorized_at, before.refresh_expires_at)
    assert (stored_refresh_token(runtime, user_id) == "AQC-robin") == (answer != RefreshTokenAnswer.NEW)

    # What was kept or given is what the next refresh needs.
    let_access_end_in(runtime.database, user_id, 0)
    assert runtime.tokens.current(user_id).version == 3


@pytest.mark.parametrize("ended_by", ["revocation", "age"])
def test_the_end_of_a_connection_asks_for_consent_and_never_calls_again(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify, ended_by: str
) -> None:
    user_id = a_connected_user(runtime)
    let_access_end_in(runtime.database, user_id, 0)
    runtime.tokens.current(user_id)
    if ended_by == "revocation":
        pretend_spotify.control.revoke()
    else:
        pretend_spotify.control.advance_clock(timedelta(days=185))
    let_access_end_in(runtime.database, user_id, 0)

    for _ in range(3):
        with pytest.raises(ReauthRequiredError) as refusal:
            runtime.tokens.current(user_id)
        assert refusal.value.message == (
            "Spotify no longer accepts this connection; please connect Spotify again."
        )
    assert refresh_calls(pretend_spotify) == 2, "one that worked and one that was refused"
    row = token_row(runtime.database, user_id)
    assert row.status == "reauth_required"
    assert (row.sealed_access_token, row.sealed_refresh_token) == (None, None)
    assert (row.lease_token, row.lease_expires_at) == (None, None)


def test_consent_brings_an_ended_connection_back(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify
) -> None:
    user_id = a_connected_user(runtime)
    end_connection(runtime, pretend_spotify, user_id)
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        store_tokens(
            tx,
            runtime.sealer,
            user_id,
            access_token=SecretStr("BQD-again"),
            refresh_token=SecretStr("AQC-again"),
            expires_in=3600,
        )
    assert runtime.tokens.current(user_id).token.get_secret_value() == "BQD-again"
    assert token_row(runtime.database, user_id).status == "connected"


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (ServerFailure(path="/api/token", status=503), UpstreamError),
        (ServerFailure(path="/api/token", status=500), UpstreamError),
        (InvalidJson(path="/api/token"), UpstreamError),
        (RateLimited(path="/api/token", retry_after=7), RateLimitedError),
        (QuotaExceeded(path="/api/token"), QuotaExceededError),
    ],
)
def test_a_failure_of_spotify_leaves_everything_ready_for_the_next_call(
    runtime: Runtime,
    pretend_spotify: RunningPretendSpotify,
    fault: ServerFailure | InvalidJson | RateLimited | QuotaExceeded,
    error: type[Exception],
) -> None:
    user_id = a_connected_user(runtime, expires_in=30)
    pretend_spotify.control.queue(fault)
    with pytest.raises(error):
        runtime.tokens.current(user_id)
    row = token_row(runtime.database, user_id)
    assert (row.status, row.version) == ("connected", 1)
    assert (row.lease_token, row.lease_expires_at) == (None, None)
    let_pause_end(runtime.database)
    assert runtime.tokens.current(user_id).version == 2


def test_a_wrong_client_secret_is_the_operators_affair_and_not_the_listeners(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify
) -> None:
    user_id = a_connected_user(runtime, expires_in=30)
    app = AppCredentials(client_id=runtime.settings.spotify_client_id, client_secret=SecretStr("wrong"))
    misconfigured = AccessTokens(
        runtime.database, runtime.sealer, runtime.spotify_http, app, runtime.spotify.budget
    )
    with pytest.raises(OperatorMisconfiguredError) as refusal:
        misconfigured.current(user_id)
    assert refusal.value.message == (
        "Spotify refused this installation's app (invalid_client); the operator compares client id, "
        "client secret and redirect URI with Spotify's developer dashboard."
    )
    row = token_row(runtime.database, user_id)
    assert (row.status, row.lease_token) == ("connected", None)
    assert runtime.tokens.current(user_id).version == 2
    assert refresh_calls(pretend_spotify) == 2


def test_without_a_client_id_nobody_is_asked_to_refresh(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify
) -> None:
    user_id = a_connected_user(runtime, expires_in=30)
    not_set_up = AccessTokens(
        runtime.database, runtime.sealer, runtime.spotify_http, AppCredentials(""), runtime.spotify.budget
    )
    with pytest.raises(NotSetUpError, match="SPOTIFY_CLIENT_ID is missing"):
        not_set_up.current(user_id)
    row = token_row(runtime.database, user_id)
    assert (row.status, row.lease_token) == ("connected", None)
    assert refresh_calls(pretend_spotify) == 0


def test_without_a_connection_there_is_no_token(runtime: Runtime) -> None:
    for user_id in (a_user(runtime), uuid4()):
        with pytest.raises(NotConnectedError) as refusal:
            runtime.tokens.current(user_id)
        assert refusal.value.message == (
            "This listener is not connected to Spotify. Connect Spotify first, then try again."
        )


def test_a_token_that_does_not_open_keeps_nobody_waiting(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify
) -> None:
    user_id, other = a_connected_user(runtime, expires_in=30), a_connected_user(runtime)
    swap = text("""
        UPDATE spotify_tokens SET sealed_refresh_token = theirs.sealed_refresh_token
          FROM (SELECT * FROM spotify_tokens) theirs
         WHERE spotify_tokens.user_id = :user_id AND theirs.user_id = :other
    """)
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        tx.session.execute(swap, {"user_id": user_id, "other": other})
    with pytest.raises(BrokenSealError):
        runtime.tokens.current(user_id)
    assert token_row(runtime.database, user_id).lease_token is None
    assert refresh_calls(pretend_spotify) == 0


def test_no_token_is_shown_by_accident(runtime: Runtime) -> None:
    user_id = a_connected_user(runtime, access_token="BQD-canary")
    assert "canary" not in repr(runtime.tokens.current(user_id))


def end_connection(runtime: Runtime, pretend_spotify: RunningPretendSpotify, user_id: UUID) -> None:
    """Let Spotify refuse the next refresh, and have it refused."""
    let_access_end_in(runtime.database, user_id, 0)
    runtime.tokens.current(user_id)
    pretend_spotify.control.revoke()
    let_access_end_in(runtime.database, user_id, 0)
    with pytest.raises(ReauthRequiredError):
        runtime.tokens.current(user_id)
