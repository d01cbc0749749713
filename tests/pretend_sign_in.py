"""For tests of our client against the pretend Spotify: a listener who agrees, and the tokens of that."""

from datetime import UTC, datetime
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx2
from pydantic import SecretStr

from spotify_insights.pretend_spotify.config import PretendSpotifyConfig
from spotify_insights.pretend_spotify.running import RunningPretendSpotify
from spotify_insights.spotify.http_client import SpotifyHttpClient
from spotify_insights.spotify.login import (
    AppCredentials,
    Tokens,
    authorize_url,
    exchange_code,
    new_code_verifier,
)
from spotify_insights.spotify.scopes import REQUESTED_SCOPES

CONFIG = PretendSpotifyConfig(control=True, clock=lambda: datetime(2026, 11, 21, 12, tzinfo=UTC))
REDIRECT_URI = "http://127.0.0.1:8000/auth/spotify/callback"
CONFIDENTIAL = AppCredentials("pretend-client", SecretStr("pretend-secret"))
PUBLIC = AppCredentials("pretend-client")


def consent(
    spotify: RunningPretendSpotify, code_verifier: SecretStr, scopes: frozenset[str] = REQUESTED_SCOPES
) -> SecretStr:
    """Open the page that `authorize_url` names, agree, and bring back the code."""
    url = authorize_url(
        PUBLIC,
        redirect_uri=REDIRECT_URI,
        state=SecretStr("state-1"),
        code_verifier=code_verifier,
        scopes=scopes,
        accounts_url=spotify.accounts_url,
    )
    with httpx2.Client(trust_env=False) as browser:
        assert browser.get(url).status_code == 200
        fields = dict(parse_qsl(urlsplit(url).query))
        response = browser.post(url.partition("?")[0], data={**fields, "decision": "agree"})
    answer = parse_qs(urlsplit(response.headers["Location"]).query)
    assert answer["state"] == ["state-1"]
    return SecretStr(answer["code"][0])


def sign_in(
    http: SpotifyHttpClient,
    spotify: RunningPretendSpotify,
    app: AppCredentials,
    scopes: frozenset[str] = REQUESTED_SCOPES,
) -> Tokens:
    verifier = new_code_verifier()
    code = consent(spotify, verifier, scopes)
    return exchange_code(http, app, code=code, redirect_uri=REDIRECT_URI, code_verifier=verifier)


def refresh_token_of(tokens: Tokens) -> SecretStr:
    assert tokens.refresh_token is not None
    return tokens.refresh_token
