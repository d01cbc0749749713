"""uvicorn, set up for the pretend Spotify: silent, quick to stop, able to break connections."""

import socket
from collections.abc import Callable

import uvicorn
from starlette.applications import Starlette
from typing_extensions import override

from spotify_insights.pretend_spotify.http_protocol import ResettableHttpProtocol


class PretendSpotifyServer(uvicorn.Server):
    """Calls `on_listening` once connections are accepted."""

    def __init__(self, app: Starlette, on_listening: Callable[[], None] | None = None) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=ResettableHttpProtocol,
                ws="none",
                lifespan="on",
                log_level="error",
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=1,
            )
        )
        self._on_listening = on_listening

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self._on_listening is not None:
            self._on_listening()

    @override
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Only a delayed or dripping body is ever under way for long; it must not hold up a demo or a test.
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await super().shutdown(sockets)
