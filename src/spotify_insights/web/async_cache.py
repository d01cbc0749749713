"""The cache as hot reads use it, under the rules of `cache.versioned`."""

from typing import Final

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from spotify_insights.cache.cache import TIMEOUT_SECONDS, CircuitBreaker
from spotify_insights.cache.keys import SCOPE_TTL, Entry
from spotify_insights.cache.versioned import NOT_CACHED, Lookup, judge, new_version, stamped

# More requests than this wait for their turn: a pool that refuses them instead would make a rush of readers
# look like a Redis that is gone.
MAX_CONNECTIONS: Final = 64


class AsyncCache:
    """Reads and fills; never raises because Redis is gone."""

    def __init__(self, url: str) -> None:
        pool = redis.asyncio.BlockingConnectionPool.from_url(
            url,
            max_connections=MAX_CONNECTIONS,
            timeout=TIMEOUT_SECONDS,
            socket_timeout=TIMEOUT_SECONDS,
            socket_connect_timeout=TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        self._redis = redis.asyncio.Redis.from_pool(pool)
        self._breaker = CircuitBreaker()

    async def look_up(self, entry: Entry) -> Lookup:
        """What is cached, and the version to store a fresh answer under. One round trip."""
        if self._breaker.is_open:
            return NOT_CACHED
        fresh = new_version()
        try:
            pipeline = self._redis.pipeline(transaction=False)
            # Inside a pipeline these only queue; there is nothing to await before `execute`.
            _ = pipeline.exists(entry.scope.holders_key)
            _ = pipeline.set(entry.scope.key, fresh, px=SCOPE_TTL, nx=True)
            _ = pipeline.get(entry.scope.key)
            _ = pipeline.get(entry.key)
            held, _, version, stored = await pipeline.execute()
        except RedisError as error:
            self._breaker.trip(error)
            return NOT_CACHED
        return judge(held=bool(held), version=version, entry=stored, fresh_version=fresh)

    async def keep(self, entry: Entry, value: bytes, *, version: bytes) -> None:
        """Store an answer that was read after `version` was."""
        if self._breaker.is_open:
            return
        try:
            await self._redis.set(entry.key, stamped(version, value), px=entry.ttl)
        except RedisError as error:
            self._breaker.trip(error)

    async def is_reachable(self) -> bool:
        """Whether Redis answers just now."""
        try:
            return bool(await self._redis.ping())
        except RedisError as error:
            self._breaker.trip(error)
            return False

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()
