"""Every order of readers and writers, against a real Redis: no answer outlives the write that ended it.

What is cached here is the number of commits so far: right is whoever is served the present number.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
import redis
from sqlalchemy.orm import Session

from conftest import Servers
from spotify_insights.cache.cache import Cache
from spotify_insights.cache.keys import HOLD_TTL, LIST_TTL, OBJECT_TTL, SCOPE_TTL, Entry, Scope
from spotify_insights.cache.versioned import Lookup
from spotify_insights.database.database import Transaction
from spotify_insights.web.async_cache import AsyncCache

Step = Callable[[], Awaitable[None]]


class World:
    """A database with one number in it, and one cached answer about it."""

    def __init__(self, redis_url: str) -> None:
        self.scope = Scope(f"test:{secrets.token_hex(8)}")
        self.entry = Entry(self.scope, "commits", timedelta(seconds=60))
        self.commits = 0
        self.writers_cache = Cache(redis_url)
        self.readers_cache = AsyncCache(redis_url)

    def writer(self) -> list[Step]:
        """A transaction that changes the number: hold, commit, release."""
        tx = Transaction(Session())
        self.writers_cache.invalidate(tx, [self.scope])

        async def before_commit() -> None:
            tx.run_before_commit()

        async def commit() -> None:
            self.commits += 1

        async def at_end() -> None:
            tx.run_at_end()

        return [before_commit, commit, at_end]

    def dying_writer(self) -> list[Step]:
        """A process that is killed right after its commit."""
        return self.writer()[:2]

    def failing_writer(self) -> list[Step]:
        """A transaction whose commit fails."""
        before_commit, _, at_end = self.writer()
        return [before_commit, at_end]

    def reader(self) -> list[Step]:
        """A request: look up, ask the database where that gave nothing, keep the answer."""
        found: list[Lookup] = []
        answer: list[bytes] = []

        async def look_up() -> None:
            found.append(await self.readers_cache.look_up(self.entry))

        async def ask() -> None:
            answer.append(str(self.commits).encode())

        async def keep() -> None:
            if found[0].value is None and found[0].version is not None:
                await self.readers_cache.keep(self.entry, answer[0], version=found[0].version)

        return [look_up, ask, keep]

    async def served(self) -> int | None:
        """What the cache serves just now."""
        value = (await self.readers_cache.look_up(self.entry)).value
        return None if value is None else int(value)

    async def close(self) -> None:
        self.writers_cache.close()
        await self.readers_cache.close()


@asynccontextmanager
async def a_world(redis_url: str) -> AsyncIterator[World]:
    world = World(redis_url)
    yield world
    await world.close()


def orders(lengths: Sequence[int]) -> set[tuple[int, ...]]:
    """Every order in which actors with so many steps each can take turns, as the actors' numbers."""
    if not any(lengths):
        return {()}
    return {
        (actor, *rest)
        for actor, left in enumerate(lengths)
        if left
        for rest in orders([steps - (other == actor) for other, steps in enumerate(lengths)])
    }


def in_order_of_arrival(order: tuple[int, ...]) -> bool:
    """Whether the second writer begins after the first: the others are the same with the names exchanged."""
    return order.index(1) < order.index(2) if 2 in order else True


ACTORS: dict[str, Callable[[World], list[list[Step]]]] = {
    "a reader and a writer": lambda world: [world.reader(), world.writer()],
    "a reader and two writers": lambda world: [world.reader(), world.writer(), world.writer()],
    "a reader, a writer and one that fails": lambda world: [
        world.reader(),
        world.writer(),
        world.failing_writer(),
    ],
    "a reader, a writer and one that dies": lambda world: [
        world.reader(),
        world.writer(),
        world.dying_writer(),
    ],
}


@pytest.mark.parametrize("actors", ACTORS.values(), ids=ACTORS)
def test_in_no_order_is_an_answer_served_after_the_write_that_ended_it(
    servers: Servers, actors: Callable[[World], list[list[Step]]]
) -> None:
    async def every_order() -> int:
        tried = 0
        async with a_world(servers.redis_url) as world:
            lengths = [len(steps) for steps in actors(world)]
            alike = lengths[1:] == [3, 3]
            for order in sorted(orders(lengths)):
                if alike and not in_order_of_arrival(order):
                    continue
                world.scope = Scope(f"test:{secrets.token_hex(8)}")
                world.entry = Entry(world.scope, "commits", timedelta(seconds=60))
                steps = [iter(actor) for actor in actors(world)]
                for turn, actor in enumerate(order):
                    await next(steps[actor])()
                    if world.commits:
                        assert await world.served() in {None, world.commits}, (order, turn)
                tried += 1
        return tried

    assert asyncio.run(every_order()) > 10


def test_an_answer_is_served_until_the_next_write(servers: Servers) -> None:
    async def story() -> None:
        async with a_world(servers.redis_url) as world:
            for step in world.reader():
                await step()
            assert await world.served() == 0
            for step in [*world.writer(), *world.reader()]:
                await step()
            assert await world.served() == 1

    asyncio.run(story())


def test_nothing_is_cached_while_any_writer_holds_the_scope(servers: Servers) -> None:
    async def story() -> None:
        async with a_world(servers.redis_url) as world:
            (hold_one, commit_one, release_one), (hold_two, commit_two, release_two) = (
                world.writer(),
                world.writer(),
            )
            for step in (hold_one, hold_two, commit_one, release_one, *world.reader()):
                await step()
            assert await world.served() is None
            for step in (commit_two, release_two, *world.reader()):
                await step()
            assert await world.served() == 2

    asyncio.run(story())


def test_a_writer_that_died_costs_caching_for_half_a_minute_and_no_truth(servers: Servers) -> None:
    async def story() -> None:
        with redis.Redis.from_url(servers.redis_url) as client:
            async with a_world(servers.redis_url) as world:
                for step in [*world.reader(), *world.dying_writer(), *world.reader()]:
                    await step()
                assert await world.served() is None
                assert 0 < client.pttl(world.scope.holders_key) <= HOLD_TTL / timedelta(milliseconds=1)

                client.delete(world.scope.holders_key)  # as time does
                assert await world.served() is None  # what was cached before it died is not used again
                for step in world.reader():
                    await step()
                assert await world.served() == 1

    asyncio.run(story())


def test_a_redis_that_forgot_everything_serves_nothing_old(servers: Servers) -> None:
    async def story() -> None:
        with redis.Redis.from_url(servers.redis_url) as client:
            async with a_world(servers.redis_url) as world:
                look_up, ask, keep = world.reader()
                await look_up()
                await ask()
                for step in world.writer():
                    await step()
                client.delete(world.scope.key, world.scope.holders_key)
                for step in world.reader():
                    await step()
                await keep()
                assert await world.served() in {None, 1}

    asyncio.run(story())


def test_versions_outlive_what_is_stored_under_them() -> None:
    # Else a version could be forgotten, and given anew, while an entry of before still stands.
    assert max(LIST_TTL, OBJECT_TTL, HOLD_TTL) < SCOPE_TTL


def test_every_key_ends_by_itself(servers: Servers) -> None:
    async def story() -> None:
        with redis.Redis.from_url(servers.redis_url) as client:
            async with a_world(servers.redis_url) as world:
                for step in [*world.dying_writer(), *world.writer(), *world.reader()]:
                    await step()
                client.delete(world.scope.holders_key)
                for step in [*world.reader(), *world.dying_writer()]:
                    await step()
                keys = (world.scope.key, world.scope.holders_key, world.entry.key)
                assert all(client.pttl(key) > 0 for key in keys)

    asyncio.run(story())
