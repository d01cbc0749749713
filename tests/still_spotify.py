"""A pretend Spotify that stands still."""

from collections.abc import Iterator

import pytest

from spotify_insights.clock import now
from spotify_insights.pretend_spotify.config import Mode, PretendSpotifyConfig
from spotify_insights.pretend_spotify.running import RunningPretendSpotify, running_pretend_spotify


@pytest.fixture(scope="session")
def shared_pretend_spotify() -> Iterator[RunningPretendSpotify]:
    """A pretend Spotify whose listeners play nothing new while a test fetches twice and compares."""
    started = now()
    config = PretendSpotifyConfig(
        mode=Mode.EXTENDED,
        accept_unknown_tokens=True,
        control=True,
        warm_up=False,
        clock=lambda: started,
    )
    with running_pretend_spotify(config) as running:
        yield running
