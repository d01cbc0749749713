"""Many who need a fresh token at once: one asks Spotify, and whatever happens meanwhile, nothing is lost."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from uuid import UUID

import pytest
from pydantic import SecretStr

from job_trials import at_once
from makers import a_connected_user
from misbehaving_server import answer, request_head, server
from spotify_insights.accounts import access as access_module
from spotify_insights.accounts.access import Access, AccessTokens
from spotify_insights.accounts.connect import store_tokens
from spotify_insights.database.actor import SYSTEM
from spotify_insights.errors import TemporaryError
from spotify_insights.pretend_spotify.config import RefreshTokenAnswer
from spotify_insights.pretend_spotify.faults import Delay
from spotify_insights.pretend_spotify.running import RunningPretendSpotify
from spotify_insights.runtime import Runtime
from spotify_insights.spotify.errors import ReauthRequiredError
from spotify_insights.spotify.http_client import SpotifyHttpClient
from spotify_insights.spotify.login import AppCredentials
from stored_tokens import (
    hold_lease_for,
    let_access_end_in,
    refresh_calls,
    stored_access_token,
    stored_refresh_token,
    token_row,
)

CALLERS = 24


def test_any_number_of_callers_make_one_call(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify
) -> None:
    # A provider that rotates: using one refresh token twice would end the connection.
    pretend_spotify.control.change(refresh_token_answer=RefreshTokenAnswer.NEW)
    pretend_spotify.control.queue(Delay(path="/api/token", seconds=0.3))
    user_id = a_connected_user(runtime)
    let_access_end_in(runtime.database, user_id, 5)

    def call(together: threading.Barrier) -> Access:
        tokens = another_process(runtime)
        together.wait()
        return tokens.current(user_id)

    given = at_once(CALLERS, call)
    assert refresh_calls(pretend_spotify) == 1
    assert {access.token.get_secret_value() for access in given} == {stored_access_token(runtime, user_id)}
    assert {access.version for access in given} == {2}


def test_callers_whose_token_was_refused_make_one_call(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify
) -> None:
    """The stored end lies far ahead; only Spotify knows better."""
    user_id = a_connected_user(runtime)

    def call(together: threading.Barrier) -> Access:
        tokens = another_process(runtime)
        refused = tokens.current(user_id)
        together.wait()
        return tokens.renewed(user_id, seen_version=refused.version)

    given = at_once(CALLERS, call)
    assert refresh_calls(pretend_spotify) == 1
    assert {access.version for access in given} == {2}


def test_the_end_of_a_connection_is_found_out_by_one_call_for_all(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify
) -> None:
    user_id = a_connected_user(runtime)
    runtime.tokens.renewed(user_id, seen_version=1)
    pretend_spotify.control.revoke()
    let_access_end_in(runtime.database, user_id, 5)

    def call(together: threading.Barrier) -> str:
        tokens = another_process(runtime)
        together.wait()
        with pytest.raises(ReauthRequiredError) as refusal:
            tokens.current(user_id)
        return refusal.value.code

    assert at_once(CALLERS, call) == ["spotify_reauth_required"] * CALLERS
    assert refresh_calls(pretend_spotify) == 2, "one that worked before, one that was refused"


def test_a_caller_that_died_delays_others_until_its_lease_ends_and_no_longer(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify
) -> None:
    user_id = a_connected_user(runtime, expires_in=5)
    ends_at = hold_lease_for(runtime.database, user_id, 0.6)
    assert runtime.tokens.current(user_id).version == 2
    [asked] = [request.at for request in pretend_spotify.control.requests()]
    assert asked >= ends_at


def test_a_lease_that_never_seems_to_end_is_given_up_on(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access_module, "WAIT_FOR_OTHERS", access_module.WAIT_FOR_OTHERS / 100)
    user_id = a_connected_user(runtime, expires_in=5)
    hold_lease_for(runtime.database, user_id, 600)
    with pytest.raises(TemporaryError) as refusal:
        runtime.tokens.current(user_id)
    assert refusal.value.message == "Another process has been refreshing this Spotify token for too long."
    assert refresh_calls(pretend_spotify) == 0


GRANTED = answer(
    json.dumps({"access_token": "BQD-late", "refresh_token": "AQC-late", "expires_in": 3600}).encode()
)
REFUSED = answer(
    json.dumps({"error": "invalid_grant", "error_description": "Refresh token revoked"}).encode(),
    status="400 Bad Request",
)


@pytest.mark.parametrize("late_answer", [GRANTED, REFUSED], ids=["granted", "refused"])
def test_a_new_authorisation_during_a_refresh_wins(runtime: Runtime, late_answer: bytes) -> None:
    """A listener connects again while the answer about the old connection is still on its way."""
    user_id = a_connected_user(runtime, expires_in=5)
    with a_refresh_under_way(runtime, user_id, late_answer) as (outcome, let_it_answer):
        with runtime.database.transaction(acting_for=SYSTEM) as tx:
            store_tokens(
                tx,
                runtime.sealer,
                user_id,
                access_token=SecretStr("BQD-new"),
                refresh_token=SecretStr("AQC-new"),
                expires_in=3600,
            )
        let_it_answer()
        assert outcome.result(timeout=10).token.get_secret_value() == "BQD-new"
    row = token_row(runtime.database, user_id)
    assert (row.status, row.version, row.lease_token) == ("connected", 2, None)
    assert stored_access_token(runtime, user_id) == "BQD-new"
    assert stored_refresh_token(runtime, user_id) == "AQC-new"


@pytest.mark.parametrize("late_answer", [GRANTED, REFUSED], ids=["granted", "refused"])
def test_who_lost_the_lease_stores_nothing(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify, late_answer: bytes
) -> None:
    """A process that froze beyond its lease wakes up after another one has refreshed."""
    user_id = a_connected_user(runtime, expires_in=5)
    with a_refresh_under_way(runtime, user_id, late_answer) as (outcome, let_it_answer):
        hold_lease_for(runtime.database, user_id, -1)
        fresh = runtime.tokens.current(user_id)
        let_it_answer()
        assert outcome.result(timeout=10).token == fresh.token
    assert refresh_calls(pretend_spotify) == 1
    row = token_row(runtime.database, user_id)
    assert (row.status, row.version) == ("connected", 2)
    assert stored_access_token(runtime, user_id) == fresh.token.get_secret_value()


def another_process(runtime: Runtime) -> AccessTokens:
    """Access tokens as another process has them: nothing shared but the database and Spotify."""
    return access_tokens(runtime, runtime.spotify_http)


def access_tokens(runtime: Runtime, http: SpotifyHttpClient) -> AccessTokens:
    app = AppCredentials(
        client_id=runtime.settings.spotify_client_id, client_secret=runtime.settings.spotify_client_secret
    )
    return AccessTokens(runtime.database, runtime.sealer, http, app, runtime.spotify.budget)


@contextmanager
def a_refresh_under_way(
    runtime: Runtime, user_id: UUID, late_answer: bytes
) -> Iterator[tuple[Future[Access], Callable[[], None]]]:
    """A caller whose refresh has reached Spotify, and the way to let Spotify answer."""
    asked, may_answer = threading.Event(), threading.Event()

    def hold_back(connection: socket.socket) -> None:
        request_head(connection)
        asked.set()
        may_answer.wait(10)
        connection.sendall(late_answer)

    with (
        server(hold_back) as port,
        SpotifyHttpClient(accounts_url=f"http://127.0.0.1:{port}") as http,
        ThreadPoolExecutor(1) as pool,
    ):
        outcome = pool.submit(access_tokens(runtime, http).current, user_id)
        assert asked.wait(10)
        yield outcome, may_answer.set
