"""What stands between the service and its broker does to connections what its faults say."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from chaos.proxy import BrokerProxy

A_MOMENT = 0.3


@asynccontextmanager
async def an_echo() -> AsyncIterator[BrokerProxy]:
    """A proxy before a server that says everything back."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while said := await reader.read(100):
            writer.write(said)
        writer.close()

    # A socket's path must be short.
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "echo.sock")
        async with await asyncio.start_unix_server(echo, path):
            proxy = BrokerProxy(path)
            await proxy.open()
            yield proxy
            await proxy.close()
            # Whatever served a connection ends with it.
            others = asyncio.all_tasks() - {asyncio.current_task()}
            _, left = await asyncio.wait(others, timeout=5) if others else (None, None)
            assert not left


class Caller:
    """One connection through the proxy."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def of(cls, proxy: BrokerProxy) -> "Caller":
        return cls(*await asyncio.open_connection("127.0.0.1", proxy.port))

    async def answer_to(self, word: bytes, *, within: float = 5.0) -> bytes | None:
        """What comes back; nothing where the connection has ended, None for silence."""
        self.writer.write(word)
        return await self.heard(within=within)

    async def heard(self, *, within: float = 5.0) -> bytes | None:
        try:
            return await asyncio.wait_for(self.reader.read(100), within)
        except TimeoutError:
            return None
        except ConnectionError:
            return b""

    def close(self) -> None:
        self.writer.close()


def told(story: Callable[[BrokerProxy], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with an_echo() as proxy:
            await story(proxy)

    asyncio.run(whole())


def test_it_hands_on_what_is_said() -> None:
    async def story(proxy: BrokerProxy) -> None:
        caller = await Caller.of(proxy)
        assert await caller.answer_to(b"one") == b"one"
        caller.close()

    told(story)


def test_closed_it_refuses_and_resets_and_comes_back_on_the_same_port() -> None:
    async def story(proxy: BrokerProxy) -> None:
        caller, port = await Caller.of(proxy), proxy.port
        assert await caller.answer_to(b"one") == b"one"

        await proxy.close()
        assert await caller.heard() == b""
        with pytest.raises(ConnectionRefusedError):
            await Caller.of(proxy)

        await proxy.open()
        assert proxy.port == port
        again = await Caller.of(proxy)
        assert await again.answer_to(b"two") == b"two"
        for each in (caller, again):
            each.close()

    told(story)


def test_a_silent_one_answers_nobody_and_later_everything() -> None:
    async def story(proxy: BrokerProxy) -> None:
        old = await Caller.of(proxy)
        assert await old.answer_to(b"one") == b"one"

        proxy.fall_silent()
        new = await Caller.of(proxy)
        for caller in (old, new):
            assert await caller.answer_to(b"two", within=A_MOMENT) is None

        proxy.speak()
        for caller in (old, new):
            assert await caller.heard() == b"two"
            caller.close()

    told(story)


def test_a_half_open_connection_stays_silent_while_new_ones_work() -> None:
    async def story(proxy: BrokerProxy) -> None:
        old = await Caller.of(proxy)
        assert await old.answer_to(b"one") == b"one"

        assert proxy.lose_connections() == 1
        new = await Caller.of(proxy)

        assert await new.answer_to(b"two") == b"two"
        assert await old.answer_to(b"two", within=A_MOMENT) is None
        for caller in (old, new):
            caller.close()

    told(story)
