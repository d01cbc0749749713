"""Signing in, refreshing, and every end of a consent: as our client and the pretend Spotify both read it."""

from datetime import timedelta

import pytest
from pydantic import SecretStr

from pretend_sign_in import CONFIDENTIAL, PUBLIC, REDIRECT_URI, consent, refresh_token_of, sign_in
from spotify_insights.pretend_spotify.config import RefreshTokenAnswer
from spotify_insights.pretend_spotify.running import RunningPretendSpotify
from spotify_insights.spotify.errors import (
    AccessTokenRejectedError,
    InsufficientScopeError,
    OperatorMisconfiguredError,
    ReauthRequiredError,
)
from spotify_insights.spotify.http_client import SpotifyHttpClient
from spotify_insights.spotify.login import (
    AppCredentials,
    Tokens,
    exchange_code,
    new_code_verifier,
    refresh,
)
from spotify_insights.spotify.scopes import REQUESTED_SCOPES
from spotify_insights.spotify.web_api import SpotifyWebApi


@pytest.mark.parametrize("app", [CONFIDENTIAL, PUBLIC], ids=["with a secret", "without a secret"])
def test_a_listener_signs_in_and_the_access_token_is_renewed(
    app: AppCredentials, http: SpotifyHttpClient, spotify: RunningPretendSpotify
) -> None:
    granted = sign_in(http, spotify, app)
    spotify.control.expire_access_tokens()
    with pytest.raises(AccessTokenRejectedError):
        SpotifyWebApi(granted.access_token, http).me()

    renewed = refresh(http, app, refresh_token=refresh_token_of(granted))

    assert granted.scopes == REQUESTED_SCOPES
    assert renewed.refresh_token is None
    assert renewed.expires_in == timedelta(hours=1)
    assert SpotifyWebApi(renewed.access_token, http).me().account_id


def test_consent_that_leaves_a_scope_out_is_noticed(
    http: SpotifyHttpClient, spotify: RunningPretendSpotify
) -> None:
    granted = sign_in(http, spotify, PUBLIC, frozenset({"user-top-read"}))

    with pytest.raises(InsufficientScopeError):
        SpotifyWebApi(granted.access_token, http).recently_played()


@pytest.mark.parametrize("answer", [RefreshTokenAnswer.ABSENT, RefreshTokenAnswer.EMPTY])
def test_refreshing_leaves_the_refresh_token_in_use(
    answer: RefreshTokenAnswer, http: SpotifyHttpClient, tokens: Tokens, spotify: RunningPretendSpotify
) -> None:
    spotify.control.change(refresh_token_answer=answer)

    renewed = [refresh(http, CONFIDENTIAL, refresh_token=refresh_token_of(tokens)) for _ in range(2)]

    assert [one.refresh_token for one in renewed] == [None, None]


def test_a_rotated_refresh_token_is_handed_on(
    http: SpotifyHttpClient, tokens: Tokens, spotify: RunningPretendSpotify
) -> None:
    spotify.control.change(refresh_token_answer=RefreshTokenAnswer.NEW)

    successor = refresh_token_of(refresh(http, CONFIDENTIAL, refresh_token=refresh_token_of(tokens)))

    assert refresh(http, CONFIDENTIAL, refresh_token=successor).access_token


def test_six_months_after_consent_the_listener_has_to_connect_again(
    http: SpotifyHttpClient, tokens: Tokens, spotify: RunningPretendSpotify
) -> None:
    spotify.control.advance_clock(timedelta(days=185))

    with pytest.raises(ReauthRequiredError) as raised:
        refresh(http, CONFIDENTIAL, refresh_token=refresh_token_of(tokens))

    assert raised.value.reason == "expired"


def test_a_listener_who_removed_the_app_has_to_connect_again(
    http: SpotifyHttpClient, tokens: Tokens, spotify: RunningPretendSpotify
) -> None:
    spotify.control.revoke()

    with pytest.raises(ReauthRequiredError) as raised:
        refresh(http, CONFIDENTIAL, refresh_token=refresh_token_of(tokens))

    assert raised.value.reason == "revoked"


@pytest.mark.parametrize(
    "app", [AppCredentials("somebody-else"), AppCredentials("pretend-client", SecretStr("wrong"))]
)
def test_a_wrong_app_is_the_operators_affair(
    app: AppCredentials, http: SpotifyHttpClient, tokens: Tokens
) -> None:
    with pytest.raises(OperatorMisconfiguredError, match="invalid_client"):
        refresh(http, app, refresh_token=refresh_token_of(tokens))


def test_a_code_works_once_and_for_its_own_redirect_uri_only(
    http: SpotifyHttpClient, spotify: RunningPretendSpotify
) -> None:
    verifier = new_code_verifier()
    code = consent(spotify, verifier)

    with pytest.raises(OperatorMisconfiguredError):
        exchange_code(
            http, PUBLIC, code=code, redirect_uri="http://127.0.0.1:9/elsewhere", code_verifier=verifier
        )
    with pytest.raises(ReauthRequiredError):
        exchange_code(http, PUBLIC, code=code, redirect_uri=REDIRECT_URI, code_verifier=new_code_verifier())
    exchange_code(http, PUBLIC, code=code, redirect_uri=REDIRECT_URI, code_verifier=verifier)
    with pytest.raises(ReauthRequiredError):
        exchange_code(http, PUBLIC, code=code, redirect_uri=REDIRECT_URI, code_verifier=verifier)
