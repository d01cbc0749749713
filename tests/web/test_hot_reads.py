"""Hot reads against a real PostgreSQL: whatever goes wrong with one leaves the next one unharmed."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from conftest import Servers
from server_trials import eventually
from spotify_insights.database.actor import SYSTEM, Actor
from spotify_insights.database.hot_read import HotRead
from spotify_insights.errors import UnavailableError
from spotify_insights.web.hot_reads import READ_TIMEOUT_SECONDS, HotReads

WHO_ASKS = HotRead("SELECT current_setting('app.actor_role'), current_setting('app.user_id')", {})
_OTHERS = (
    "FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'spotify-insights reads'"
)


@asynccontextmanager
async def hot_reads(servers: Servers, *, pool_size: int = 1) -> AsyncIterator[HotReads]:
    reads = HotReads(servers.database_url, servers.redis_url, pool_size=pool_size)
    await reads.open()
    yield reads
    await reads.close()


def run(
    servers: Servers, story: Callable[[HotReads], Coroutine[Any, Any, None]], *, pool_size: int = 1
) -> None:
    async def whole() -> None:
        async with hot_reads(servers, pool_size=pool_size) as reads:
            await story(reads)

    asyncio.run(whole())


async def assert_works(reads: HotReads) -> None:
    assert await reads.row(HotRead("SELECT %(n)s::int", {"n": 7}), acting_for=SYSTEM) == (7,)


def connections(servers: Servers, condition: str = "true") -> list[tuple[int, str, str]]:
    """Process id, state and statement of the connections that hot reads hold."""
    with psycopg.connect(servers.database_url) as connection:
        query = f"SELECT pid, state, query {_OTHERS} AND {condition}"
        return connection.execute(query.encode()).fetchall()


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("SELECT 1 / 0", psycopg.errors.DivisionByZero),
        ("SELECT nonsense", psycopg.errors.UndefinedColumn),
        ("SELEC 1", psycopg.errors.SyntaxError),
        ("SELECT 'x'::int", psycopg.errors.InvalidTextRepresentation),
        ("CREATE TABLE forbidden (n int)", psycopg.errors.ReadOnlySqlTransaction),
    ],
)
def test_a_statement_that_fails_leaves_a_connection_fit_for_the_next(
    servers: Servers, statement: str, error: type[psycopg.Error]
) -> None:
    async def story(reads: HotReads) -> None:
        await assert_works(reads)
        [before] = connections(servers)
        for _ in range(7):  # as often as it takes until psycopg would prepare it
            with pytest.raises(error):
                await reads.row(HotRead(statement, {}), acting_for=SYSTEM)
            await assert_works(reads)
        [after] = connections(servers)
        assert (after[0], after[1]) == (before[0], "idle")

    run(servers, story)


def test_a_parameter_that_cannot_be_sent_leaves_a_connection_fit_for_the_next(servers: Servers) -> None:
    async def story(reads: HotReads) -> None:
        for unfit in ("\0", "\ud800", object()):
            with pytest.raises((psycopg.Error, UnicodeEncodeError)):
                await reads.row(HotRead("SELECT %(text)s::text", {"text": unfit}), acting_for=SYSTEM)
            await assert_works(reads)
        assert not connections(servers, "xact_start IS NOT NULL")

    run(servers, story)


def test_nobody_acts_for_somebody_else(servers: Servers) -> None:
    async def story(reads: HotReads) -> None:
        actors = [Actor.listener(uuid4()) for _ in range(60)] + [SYSTEM, SYSTEM]

        rows = await asyncio.gather(*(reads.row(WHO_ASKS, acting_for=actor) for actor in actors))

        assert rows == [(actor.role, str(actor.user_id or "")) for actor in actors]

    run(servers, story, pool_size=3)


def test_no_connection_remembers_for_whom_it_acted(servers: Servers) -> None:
    async def story(reads: HotReads) -> None:
        await reads.row(WHO_ASKS, acting_for=Actor.listener(uuid4()))
        async with reads._pool.connection() as connection:
            cursor = await connection.execute("SELECT current_setting('app.user_id', true)")
            assert await cursor.fetchone() in {("",), (None,)}

    run(servers, story)


def test_a_cancelled_read_stops_in_the_database_and_harms_no_other(servers: Servers) -> None:
    async def story(reads: HotReads) -> None:
        endless = asyncio.create_task(reads.row(HotRead("SELECT pg_sleep(60)::text", {}), acting_for=SYSTEM))
        sleeping = "state = 'active' AND query LIKE '%pg_sleep%'"
        assert await asyncio.to_thread(eventually, lambda: bool(connections(servers, sleeping)))

        endless.cancel()
        await asyncio.gather(endless, return_exceptions=True)

        assert await asyncio.to_thread(eventually, lambda: not connections(servers, sleeping))
        await assert_works(reads)

    run(servers, story)


def test_reads_cancelled_at_any_point_never_exchange_their_answers(servers: Servers) -> None:
    async def story(reads: HotReads) -> None:
        async def number(n: int) -> None:
            assert await reads.row(HotRead("SELECT %(n)s::int", {"n": n}), acting_for=SYSTEM) == (n,)

        for patience in range(60):
            broken_off = asyncio.create_task(number(-1))
            for _ in range(patience):
                await asyncio.sleep(0)
            broken_off.cancel()
            await asyncio.gather(broken_off, return_exceptions=True)
            await number(patience)

    run(servers, story)


def test_connections_that_the_database_closed_are_replaced_unnoticed(servers: Servers) -> None:
    async def story(reads: HotReads) -> None:
        await asyncio.gather(*(assert_works(reads) for _ in range(20)))
        for pid, _, _ in connections(servers):
            with psycopg.connect(servers.database_url) as connection:
                connection.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))

        await asyncio.gather(*(assert_works(reads) for _ in range(20)))

    run(servers, story, pool_size=4)


def test_a_connection_lost_in_the_middle_of_a_read_is_replaced_unnoticed(servers: Servers) -> None:
    async def story(reads: HotReads) -> None:
        read = HotRead("SELECT 'answered' FROM pg_sleep(0.7)", {})
        reading = asyncio.create_task(reads.row(read, acting_for=SYSTEM))
        active = "state = 'active' AND query LIKE '%answered%'"
        assert await asyncio.to_thread(eventually, lambda: bool(connections(servers, active)))
        [(pid, _, _)] = connections(servers, active)
        with psycopg.connect(servers.database_url) as connection:
            connection.execute("SELECT pg_terminate_backend(%s)", (pid,))

        assert await reading == ("answered",)

    run(servers, story)


@pytest.mark.slow  # it waits for the time limit itself
def test_a_read_without_end_is_given_up(servers: Servers) -> None:
    async def story(reads: HotReads) -> None:
        with pytest.raises(UnavailableError):
            await asyncio.wait_for(
                reads.row(HotRead("SELECT pg_sleep(120)::text", {}), acting_for=SYSTEM),
                timeout=3 * READ_TIMEOUT_SECONDS,
            )
        await assert_works(reads)

    run(servers, story)
