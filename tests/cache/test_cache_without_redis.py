"""The cache without a Redis: reads miss, writes do nothing, and nobody waits twice."""

import asyncio
import secrets
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from conftest import Servers
from spotify_insights.cache.cache import SILENCE_AFTER_FAILURE_SECONDS, Cache, CircuitBreaker
from spotify_insights.cache.keys import Entry, Scope
from spotify_insights.cache.versioned import NOT_CACHED
from spotify_insights.database.database import Transaction
from spotify_insights.web.async_cache import MAX_CONNECTIONS, AsyncCache

A_MINUTE = timedelta(minutes=1)


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    built = Cache(f"unix://{tmp_path}/nobody.sock")
    yield built
    built.close()


def an_entry() -> Entry:
    return Entry(Scope(f"test:{secrets.token_hex(8)}"), "answer", A_MINUTE)


def test_values_are_missing_and_nothing_is_raised(cache: Cache) -> None:
    cache.set("si:test", 1, ttl=A_MINUTE)

    assert cache.get("si:test") is None
    assert not cache.is_reachable()


def test_a_write_goes_on_without_its_hold(cache: Cache) -> None:
    tx = Transaction(Session())
    cache.invalidate(tx, [Scope("test")])

    tx.run_before_commit()
    tx.run_at_end()


def test_a_reader_is_told_to_keep_nothing(tmp_path: Path) -> None:
    async def story() -> None:
        cache = AsyncCache(f"unix://{tmp_path}/nobody.sock")
        assert await cache.look_up(an_entry()) == NOT_CACHED
        await cache.keep(an_entry(), b"1", version=b"1")
        assert not await cache.is_reachable()
        await cache.close()

    asyncio.run(story())


def test_a_failure_silences_the_cache_for_a_while_only() -> None:
    breaker = CircuitBreaker()
    assert not breaker.is_open

    breaker.trip(ConnectionError())
    assert breaker.is_open

    breaker._silent_until -= SILENCE_AFTER_FAILURE_SECONDS
    assert not breaker.is_open


def test_a_cancelled_lookup_leaves_no_answer_for_the_next_one(servers: Servers) -> None:
    async def story() -> None:
        cache = AsyncCache(servers.redis_url)
        entries = [an_entry() for _ in range(8)]
        for number, entry in enumerate(entries):
            found = await cache.look_up(entry)
            assert found.version is not None
            await cache.keep(entry, str(number).encode(), version=found.version)
        for patience in range(200):
            broken_off = asyncio.create_task(cache.look_up(entries[0]))
            for _ in range(patience % 20):
                await asyncio.sleep(0)
            broken_off.cancel()
            await asyncio.gather(broken_off, return_exceptions=True)
            number = 1 + patience % 7
            assert (await cache.look_up(entries[number])).value == str(number).encode()
        await cache.close()

    asyncio.run(story())


def test_a_rush_of_readers_waits_for_its_turn_instead_of_missing_the_cache(servers: Servers) -> None:
    async def story() -> None:
        cache, entry = AsyncCache(servers.redis_url), an_entry()
        found = await cache.look_up(entry)
        assert found.version is not None
        await cache.keep(entry, b"kept", version=found.version)

        answers = await asyncio.gather(*(cache.look_up(entry) for _ in range(8 * MAX_CONNECTIONS)))

        assert {answer.value for answer in answers} == {b"kept"}
        await cache.close()

    asyncio.run(story())
