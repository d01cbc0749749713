from collections.abc import Iterator
from contextlib import ExitStack

import httpx2
import pytest

from pretend_trials import NOW, SignIn
from spotify_insights.pretend_spotify.config import Mode, PretendSpotifyConfig
from spotify_insights.pretend_spotify.loopback_client import loopback_client
from spotify_insights.pretend_spotify.running import RunningPretendSpotify, running_pretend_spotify
from spotify_insights.pretend_spotify.sign_in import LISTENING_SCOPE


@pytest.fixture(scope="module")
def shared() -> Iterator[RunningPretendSpotify]:
    config = PretendSpotifyConfig(mode=Mode.EXTENDED, control=True, clock=lambda: NOW)
    with running_pretend_spotify(config) as running:
        yield running


@pytest.fixture
def spotify(shared: RunningPretendSpotify) -> RunningPretendSpotify:
    """In extended mode, its clock standing still, as fresh as on its first day."""
    shared.control.reset()
    return shared


@pytest.fixture
def browser(spotify: RunningPretendSpotify) -> Iterator[httpx2.Client]:
    """Carries no token and follows no redirect."""
    with loopback_client(spotify.base_url) as client:
        yield client


@pytest.fixture
def listener_client(spotify: RunningPretendSpotify) -> Iterator[SignIn]:
    """Signs a persona in; the clients are closed after the test."""
    with ExitStack() as clients:

        def signed_in(persona: str = "omnivore", *, scope: str = LISTENING_SCOPE) -> httpx2.Client:
            return clients.enter_context(spotify.client_of(persona, scope=scope))

        yield signed_in
