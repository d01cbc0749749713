"""Counting requests in sliding windows: in Redis for all processes together, or in this process alone."""

from typing import Any, Final, Protocol, cast

import redis.asyncio
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.storage.redis.redispy import RedispyBridge
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError

from spotify_insights.web.limits.policy import Policy, Standing

MAX_CONNECTIONS: Final = 64
# A counter and what stands in front of its name.
_PREFIX: Final = "limits"


class Counters(Protocol):
    """Takes one request from each of several quotas."""

    async def take(self, wanted: list[tuple[Policy, str]]) -> list[Standing]:
        """Count a request under each policy for each name, and say where that leads; in the same order."""


class RedisCounters:
    """The library's own scripts for Redis, all of one request sent in one round trip."""

    def __init__(self, url: str, *, patience: float) -> None:
        # Our own pool, because it understands every address that the cache understands, unix:// as well.
        self._pool = redis.asyncio.BlockingConnectionPool.from_url(
            url,
            max_connections=MAX_CONNECTIONS,
            timeout=patience,
            socket_timeout=patience,
            socket_connect_timeout=patience,
            retry=Retry(NoBackoff(), 0),
        )
        options: dict[str, Any] = {"connection_pool": self._pool}
        storage = RedisStorage("async+redis://", implementation="redispy", key_prefix=_PREFIX, **options)
        self._bridge = cast("RedispyBridge", storage.bridge)
        self._redis = redis.asyncio.Redis.from_pool(self._pool)

    async def take(self, wanted: list[tuple[Policy, str]]) -> list[Standing]:
        """As `Counters.take`.

        Raises:
            RedisError: Redis does not answer, or not in time.
        """
        try:
            answers = await self._run(wanted)
        except NoScriptError:
            # A new Redis, or a restarted one. Whoever raced with us has loaded them as well.
            for script in self._scripts:
                await self._redis.script_load(script.script)
            answers = await self._run(wanted)
        return [
            _standing(policy, granted=bool(granted), window=window)
            for (policy, _), granted, window in zip(wanted, answers[::2], answers[1::2], strict=True)
        ]

    async def _run(self, wanted: list[tuple[Policy, str]]) -> list[object]:
        acquire, look = self._scripts
        pipeline = self._redis.pipeline(transaction=False)
        for policy, name in wanted:
            # In braces, so that both would be on one machine of a cluster.
            current = self._bridge.prefixed_key(f"{{{policy.item.key_for(name)}}}")
            keys = (f"{current}/-1", current)
            # Inside a pipeline these only queue; there is nothing to await before `execute`.
            _ = pipeline.evalsha(acquire.sha, 2, *keys, str(policy.quota), str(policy.window), "1")
            _ = pipeline.evalsha(look.sha, 2, *keys, str(policy.window))
        return cast("list[object]", await pipeline.execute())

    @property
    def _scripts(self) -> tuple[redis.commands.core.AsyncScript, redis.commands.core.AsyncScript]:
        bridge = self._bridge
        return (
            cast("redis.commands.core.AsyncScript", bridge.lua_acquire_sliding_window),
            cast("redis.commands.core.AsyncScript", bridge.lua_sliding_window),
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()


class OwnCounters:
    """What counts while Redis is away: each process for itself. Belongs to one event loop."""

    def __init__(self) -> None:
        self._storage = MemoryStorage()
        self._limiter = SlidingWindowCounterRateLimiter(self._storage)

    async def take(self, wanted: list[tuple[Policy, str]]) -> list[Standing]:
        """As `Counters.take`."""
        standings = []
        for policy, name in wanted:
            granted = await self._limiter.hit(policy.item, name)
            window = await self._storage.get_sliding_window(policy.item.key_for(name), policy.window)
            standings.append(Standing(policy, granted, *window))
        return standings


def _standing(policy: Policy, *, granted: bool, window: object) -> Standing:
    """From the script's answer: two counts, each with the milliseconds that it has left."""
    previous, previous_ms, current, current_ms = cast("list[bytes | int | None]", window)
    return Standing(
        policy,
        granted,
        int(previous or 0),
        max(int(previous_ms or 0), 0) / 1000,
        int(current or 0),
        max(int(current_ms or 0), 0) / 1000,
    )
