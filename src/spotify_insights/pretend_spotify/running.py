"""A pretend Spotify inside this process, on a free loopback port: for tests and benchmarks."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import httpx2

from spotify_insights.pretend_spotify.app import create_pretend_spotify
from spotify_insights.pretend_spotify.config import PretendSpotifyConfig
from spotify_insights.pretend_spotify.control_client import PretendSpotifyControl
from spotify_insights.pretend_spotify.listenbrainz import LISTENBRAINZ_PREFIX
from spotify_insights.pretend_spotify.loopback_client import loopback_client
from spotify_insights.pretend_spotify.reccobeats import RECCOBEATS_PREFIX
from spotify_insights.pretend_spotify.server import PretendSpotifyServer
from spotify_insights.pretend_spotify.sign_in import LISTENING_SCOPE, sign_in

_START_S: Final = 10.0
_STOP_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class RunningPretendSpotify:
    """Where it listens, and as what; `control` works if the config allows control."""

    base_url: str
    config: PretendSpotifyConfig

    @property
    def accounts_url(self) -> str:
        """Stands for https://accounts.spotify.com."""
        return self.base_url

    @property
    def api_url(self) -> str:
        """Stands for https://api.spotify.com/v1."""
        return f"{self.base_url}/v1"

    @property
    def listenbrainz_url(self) -> str:
        """Stands for https://api.listenbrainz.org."""
        return f"{self.base_url}{LISTENBRAINZ_PREFIX}"

    @property
    def reccobeats_url(self) -> str:
        """Stands for https://api.reccobeats.com."""
        return f"{self.base_url}{RECCOBEATS_PREFIX}"

    @property
    def control(self) -> PretendSpotifyControl:
        return PretendSpotifyControl(self.base_url)

    def client_of(self, persona: str | None = None, *, scope: str = LISTENING_SCOPE) -> httpx2.Client:
        """A client of the Web API that carries a new access token of the persona; close it after use."""
        tokens = sign_in(self.base_url, self.config, persona=persona, scope=scope)
        headers = {"Authorization": f"Bearer {tokens.access_token}"}
        return loopback_client(self.api_url, headers)


@contextmanager
def running_pretend_spotify(config: PretendSpotifyConfig) -> Iterator[RunningPretendSpotify]:
    """A server in a thread of its own, gone when the block ends; each has a port and a state to itself.

    Raises TimeoutError where it does not start, or stop, within ten seconds.
    """
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    server = PretendSpotifyServer(create_pretend_spotify(config))
    thread = threading.Thread(target=server.run, args=([listening],), name="pretend-spotify", daemon=True)
    thread.start()
    try:
        _wait_for_start(server, thread)
        yield RunningPretendSpotify(f"http://127.0.0.1:{port}", config)
    finally:
        server.should_exit = True
        thread.join(_STOP_S)
        listening.close()
    if thread.is_alive():
        raise TimeoutError("The pretend Spotify did not stop within ten seconds.")


def _wait_for_start(server: PretendSpotifyServer, thread: threading.Thread) -> None:
    deadline = time.monotonic() + _START_S
    while not server.started:
        if time.monotonic() > deadline or not thread.is_alive():
            raise TimeoutError("The pretend Spotify did not start within ten seconds.")
        time.sleep(0.005)
