"""What stands between the service and its broker: a passage that can be closed, broken or silent."""

import asyncio
import contextlib
import socket
import struct
from enum import Enum
from pathlib import Path
from typing import Final

# With this, closing a socket sends a reset instead of a goodbye.
_RESET: Final = struct.pack("ii", 1, 0)
_CHUNK: Final = 65_536


class _Flow(Enum):
    OPEN = "open"
    HELD = "held"
    LOST = "lost"


class _Passage:
    """One connection and its other half."""

    def __init__(self, near: asyncio.StreamWriter, far: asyncio.StreamWriter, flow: _Flow) -> None:
        self.near, self.far, self.flow = near, far, flow
        self.changed = asyncio.Event()

    def become(self, flow: _Flow) -> None:
        self.flow = flow
        self.changed.set()
        self.changed = asyncio.Event()

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Hand on what comes, as long as anything comes."""
        with contextlib.suppress(OSError):
            while received := await reader.read(_CHUNK):
                while self.flow is _Flow.HELD:
                    await self.changed.wait()
                if self.flow is _Flow.LOST:
                    continue
                writer.write(received)
                await writer.drain()
        if self.flow is _Flow.LOST and writer is self.near:
            # The near side must not learn that the far side is gone.
            await asyncio.Event().wait()

    def break_off(self) -> None:
        for writer in (self.near, self.far):
            with contextlib.suppress(OSError):
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            writer.transport.abort()


class BrokerProxy:
    """A TCP port that leads to the broker's unix socket, unless told otherwise."""

    def __init__(self, broker: Path) -> None:
        self._broker = broker
        self._server: asyncio.Server | None = None
        self._passages: set[_Passage] = set()
        self._silent = False
        self.port = 0

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    async def open(self) -> None:
        """Take connections, on the same port as before."""
        self._server = await asyncio.start_server(self._meet, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Refuse connections, and reset those that are open."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self.reset()

    def reset(self) -> None:
        """Reset every open connection."""
        for passage in self._passages:
            passage.become(_Flow.OPEN)
            passage.break_off()

    def fall_silent(self) -> None:
        """Swallow everything from now on: connections open and nobody answers."""
        self._silent = True
        for passage in self._passages:
            passage.become(_Flow.HELD)

    def speak(self) -> None:
        """Hand on what was held back, and everything that follows."""
        self._silent = False
        for passage in self._passages:
            if passage.flow is _Flow.HELD:
                passage.become(_Flow.OPEN)

    def lose_connections(self) -> int:
        """Leave every open connection half open: it is there, and nothing passes. New ones work; how many."""
        for passage in self._passages:
            passage.become(_Flow.LOST)
        return len(self._passages)

    async def _meet(self, reader: asyncio.StreamReader, near: asyncio.StreamWriter) -> None:
        try:
            broker_reader, far = await asyncio.open_unix_connection(self._broker)
        except OSError:
            near.transport.abort()
            return
        passage = _Passage(near, far, _Flow.HELD if self._silent else _Flow.OPEN)
        self._passages.add(passage)
        carriers = [
            asyncio.ensure_future(passage.carry(reader, far)),
            asyncio.ensure_future(passage.carry(broker_reader, near)),
        ]
        try:
            # Cancelled at the end of a run; asyncio would report that as an error.
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait(carriers, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for carrier in carriers:
                carrier.cancel()
            self._passages.discard(passage)
            passage.break_off()
