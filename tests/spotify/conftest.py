"""What the tests against the pretend Spotify share: one server, and our client of it."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from pretend_sign_in import CONFIDENTIAL, CONFIG, sign_in
from spotify_insights.pretend_spotify.running import RunningPretendSpotify, running_pretend_spotify
from spotify_insights.spotify.http_client import SpotifyHttpClient
from spotify_insights.spotify.login import (
    Tokens,
)
from spotify_insights.spotify.web_api import SpotifyWebApi


@pytest.fixture(scope="module")
def shared_server() -> Iterator[RunningPretendSpotify]:
    with running_pretend_spotify(CONFIG) as running:
        yield running


@pytest.fixture
def spotify(shared_server: RunningPretendSpotify) -> RunningPretendSpotify:
    shared_server.control.reset()
    return shared_server


@pytest.fixture
def http(spotify: RunningPretendSpotify) -> Iterator[SpotifyHttpClient]:
    with SpotifyHttpClient(
        api_url=spotify.base_url, accounts_url=spotify.accounts_url, total_limit=timedelta(seconds=5)
    ) as client:
        yield client


@pytest.fixture
def tokens(http: SpotifyHttpClient, spotify: RunningPretendSpotify) -> Tokens:
    return sign_in(http, spotify, CONFIDENTIAL)


@pytest.fixture
def api(http: SpotifyHttpClient, tokens: Tokens) -> SpotifyWebApi:
    return SpotifyWebApi(tokens.access_token, http)
