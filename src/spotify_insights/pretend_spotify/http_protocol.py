"""uvicorn's HTTP protocol, plus the one thing it cannot do: break a connection on purpose."""

import asyncio
import os
import socket
import struct

from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from spotify_insights.pretend_spotify.fault_injection import RESET_EXTENSION


def _reset(transport: asyncio.Transport) -> None:
    """Close with a TCP reset instead of a proper end: a linger time of zero says so (POSIX SO_LINGER)."""
    # A copy of the descriptor: the event loop's own socket object may not be a full one.
    duplicate = os.dup(transport.get_extra_info("socket").fileno())
    with socket.socket(fileno=duplicate) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


class ResettableHttpProtocol(HttpToolsProtocol):
    """Offers each request a `reset` of its connection, as an ASGI extension."""

    @override
    def on_message_begin(self) -> None:
        super().on_message_begin()
        transport = self.transport
        self.scope["extensions"] = {RESET_EXTENSION: {"reset": lambda: _reset(transport)}}
