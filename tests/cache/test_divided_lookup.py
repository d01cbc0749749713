"""A writer may come between the commands of one lookup; new versions at both its ends make that harmless."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from itertools import combinations

from redis.connection import parse_url
from sqlalchemy.orm import Session

from conftest import Servers
from spotify_insights.cache.cache import Cache
from spotify_insights.cache.keys import Entry, Scope
from spotify_insights.cache.versioned import Lookup
from spotify_insights.database.database import Transaction
from spotify_insights.web.async_cache import AsyncCache

COMMANDS_OF_A_LOOKUP = 4
READERS_STEPS = COMMANDS_OF_A_LOOKUP + 2  # ask the database, keep the answer
WRITERS_STEPS = 3  # hold, commit, release
PATIENCE_SECONDS = 10.0


class Gate:
    """Stands before Redis; closed, it lets commands through one at a time, when it is told to."""

    def __init__(self, redis_url: str) -> None:
        self._redis = parse_url(redis_url)  # type: ignore[no-untyped-call]  # redis-py leaves it so
        self._permits = asyncio.Semaphore(0)
        self._passed: asyncio.Queue[None] = asyncio.Queue()
        self.is_closed = False
        self.url = ""

    async def let_one_pass(self) -> None:
        """One command goes to Redis, and its answer comes back."""
        self._permits.release()
        await asyncio.wait_for(self._passed.get(), PATIENCE_SECONDS)

    @asynccontextmanager
    async def standing(self) -> AsyncIterator["Gate"]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        credentials = (
            f"{self._redis.get('username') or ''}:{self._redis['password']}@"
            if self._redis.get("password")
            else ""
        )
        self.url = f"redis://{credentials}127.0.0.1:{port}/{self._redis.get('db', 0)}"
        async with server:
            yield self

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if "path" in self._redis:
            from_redis, to_redis = await asyncio.open_unix_connection(self._redis["path"])
        else:
            from_redis, to_redis = await asyncio.open_connection(self._redis["host"], self._redis["port"])
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                command = await a_command(reader)
                was_closed = self.is_closed
                if was_closed:
                    await self._permits.acquire()
                to_redis.write(command)
                # Every answer here is short and comes in one piece.
                writer.write(await from_redis.read(65_536))
                await writer.drain()
                if was_closed:
                    self._passed.put_nowait(None)
        to_redis.close()
        writer.close()


async def a_command(reader: asyncio.StreamReader) -> bytes:
    """One command as clients send it: an array of bulk strings (Redis serialization protocol)."""
    whole = head = await reader.readuntil(b"\r\n")
    for _ in range(int(head[1:])):
        length = await reader.readuntil(b"\r\n")
        whole += length + await reader.readexactly(int(length[1:]) + 2)
    return whole


class Reader:
    """A request whose lookup reaches Redis one command at a time."""

    def __init__(self, cache: AsyncCache, gate: Gate, entry: Entry) -> None:
        self._cache, self._gate, self._entry = cache, gate, entry
        self._steps_done = 0
        self._looking: asyncio.Task[Lookup] | None = None
        self._answer = b""

    async def step(self, commits: int) -> None:
        """Take the next step, in a world with this many commits."""
        if self._looking is None:
            self._looking = asyncio.create_task(self._cache.look_up(self._entry))
        self._steps_done += 1
        if self._steps_done <= COMMANDS_OF_A_LOOKUP:
            await self._gate.let_one_pass()
            return
        found = await asyncio.wait_for(self._looking, PATIENCE_SECONDS)
        if self._steps_done == COMMANDS_OF_A_LOOKUP + 1:
            self._answer = str(commits).encode()
        elif found.value is None and found.version is not None:
            keeping = asyncio.create_task(self._cache.keep(self._entry, self._answer, version=found.version))
            await self._gate.let_one_pass()
            await keeping


def test_no_writer_between_the_commands_of_a_lookup_makes_it_keep_what_is_over(servers: Servers) -> None:
    async def every_order() -> None:
        writers_cache, others_cache = Cache(servers.redis_url), AsyncCache(servers.redis_url)
        async with Gate(servers.redis_url).standing() as gate:
            cache = AsyncCache(gate.url)
            await cache.look_up(an_entry())  # connects
            gate.is_closed = True
            steps = READERS_STEPS + WRITERS_STEPS
            for writers_turns in combinations(range(steps), WRITERS_STEPS):
                entry, commits = an_entry(), 0
                reader, tx = Reader(cache, gate, entry), Transaction(Session())
                writers_cache.invalidate(tx, [entry.scope])
                for turn in range(steps):
                    if turn not in writers_turns:
                        await reader.step(commits)
                    elif turn == writers_turns[0]:
                        tx.run_before_commit()
                    elif turn == writers_turns[1]:
                        commits += 1
                    else:
                        tx.run_at_end()
                    if commits:
                        served = (await others_cache.look_up(entry)).value
                        assert served in {None, b"1"}, (writers_turns, turn)
            gate.is_closed = False
            await cache.close()
        writers_cache.close()
        await others_cache.close()

    asyncio.run(every_order())


def an_entry() -> Entry:
    return Entry(Scope(f"test:{secrets.token_hex(8)}"), "commits", timedelta(seconds=60))
