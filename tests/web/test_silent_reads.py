"""Hot reads from a server that falls silent: nobody waits for it, and nothing of theirs stays behind."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import psycopg
import pytest

from conftest import Servers
from frozen_postgres import frozen_backend, frozen_server, server_to_freeze
from server_trials import eventually
from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.hot_read import HotRead
from spotify_insights.embedded.postgres import EmbeddedPostgres
from spotify_insights.errors import UnavailableError
from spotify_insights.web.hot_reads import READ_TIMEOUT_SECONDS, HotReads

POOL = 3
# What a busy machine may need beyond the limit itself.
LEEWAY_SECONDS = 2.0
WHO_ANSWERS = HotRead("SELECT pg_backend_pid()", {})
ENDLESS = HotRead("SELECT pg_sleep(60)::text", {})


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    with server_to_freeze(tmp_path_factory.mktemp("postgres") / "data") as server:
        yield server


@asynccontextmanager
async def hot_reads(
    postgres: EmbeddedPostgres, servers: Servers, *, pool_size: int = POOL
) -> AsyncIterator[HotReads]:
    reads = HotReads(postgres.url, servers.redis_url, pool_size=pool_size)
    await reads.open()
    try:
        yield reads
    finally:
        await reads.close()


def sleeping(postgres: EmbeddedPostgres) -> list[int]:
    """The server processes that work on ENDLESS."""
    query = "SELECT pid FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'SELECT pg_sleep(60)%'"
    with psycopg.connect(postgres.url) as connection:
        return [row[0] for row in connection.execute(query)]


async def refused_within_the_limit(reads: HotReads, number: int) -> None:
    began = time.monotonic()
    outcomes = await asyncio.gather(
        *(reads.row(WHO_ANSWERS, acting_for=SYSTEM) for _ in range(number)), return_exceptions=True
    )
    assert time.monotonic() - began < READ_TIMEOUT_SECONDS + LEEWAY_SECONDS
    assert {type(outcome) for outcome in outcomes} == {UnavailableError}


async def answered_by(reads: HotReads) -> set[int]:
    """Which connections answer when there are as many questions at once as connections may be."""
    slow = HotRead("SELECT pg_backend_pid() FROM pg_sleep(0.3)", {})
    rows = await asyncio.gather(*(reads.row(slow, acting_for=SYSTEM) for _ in range(POOL)))
    return {row[0] for row in rows if row is not None}


async def answers_again(reads: HotReads) -> None:
    ends = time.monotonic() + 10
    while True:
        try:
            await reads.row(WHO_ANSWERS, acting_for=SYSTEM)
        except UnavailableError:
            assert time.monotonic() < ends
            await asyncio.sleep(0.1)
        else:
            return


@pytest.mark.slow  # it waits for the time limit itself
def test_thirty_reads_from_a_server_that_stands_still_cost_no_connection(
    postgres: EmbeddedPostgres, servers: Servers
) -> None:
    async def story() -> None:
        async with hot_reads(postgres, servers) as reads:
            assert len(await answered_by(reads)) == POOL
            tasks = len(asyncio.all_tasks())
            assert postgres.pid is not None
            with frozen_server(postgres.pid):
                await refused_within_the_limit(reads, 30)
                await refused_within_the_limit(reads, 30)

            await answers_again(reads)

            ends = time.monotonic() + 10
            while len(await answered_by(reads)) < POOL:
                assert time.monotonic() < ends
            assert len(asyncio.all_tasks()) <= tasks

    asyncio.run(story())


def test_a_read_that_nobody_waits_for_does_not_wait_for_a_silent_server(
    postgres: EmbeddedPostgres, servers: Servers
) -> None:
    async def story() -> None:
        async with hot_reads(postgres, servers) as reads:
            abandoned = asyncio.create_task(reads.row(ENDLESS, acting_for=SYSTEM))
            assert await asyncio.to_thread(eventually, lambda: bool(sleeping(postgres)))
            assert postgres.pid is not None
            with frozen_server(postgres.pid):
                began = time.monotonic()
                abandoned.cancel()
                [outcome] = await asyncio.gather(abandoned, return_exceptions=True)
                assert isinstance(outcome, asyncio.CancelledError)
                assert time.monotonic() - began < READ_TIMEOUT_SECONDS
            await answers_again(reads)

    asyncio.run(story())


@pytest.mark.slow  # it waits for the time limit itself
def test_a_read_that_is_merely_slow_ends_in_the_server_and_keeps_its_connection(
    postgres: EmbeddedPostgres, servers: Servers
) -> None:
    async def story() -> None:
        async with hot_reads(postgres, servers) as reads:
            before = await reads.row(WHO_ANSWERS, acting_for=SYSTEM)
            began = time.monotonic()
            with pytest.raises(UnavailableError):
                await reads.row(ENDLESS, acting_for=SYSTEM)
            assert time.monotonic() - began < READ_TIMEOUT_SECONDS + LEEWAY_SECONDS
            assert not sleeping(postgres)
            assert await reads.row(WHO_ANSWERS, acting_for=SYSTEM) == before

    asyncio.run(story())


@pytest.mark.slow  # it waits for the time limit itself
def test_only_the_read_over_a_silent_connection_suffers(postgres: EmbeddedPostgres, servers: Servers) -> None:
    async def story() -> None:
        async with hot_reads(postgres, servers, pool_size=1) as reads:
            row = await reads.row(WHO_ANSWERS, acting_for=SYSTEM)
            assert row is not None
            with frozen_backend(row[0]):
                await refused_within_the_limit(reads, 1)
                after = await reads.row(WHO_ANSWERS, acting_for=SYSTEM)
                assert after is not None
                assert after[0] != row[0]

    asyncio.run(story())
