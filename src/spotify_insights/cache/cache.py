"""The cache as the synchronous core uses it: invalidate around writes, keep small values.

Redis may be gone at any time. Then reads miss, writes do nothing, and for a few seconds nobody even tries, so
that a dead Redis costs one short time-out and not one per request.
"""

import re
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import Any, Final, TypeVar
from uuid import UUID

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from spotify_insights.cache.codec import Codec, JsonCodec, RefusedValueError
from spotify_insights.cache.keys import HOLD_TTL, SCOPE_TTL, Scope
from spotify_insights.cache.versioned import new_version
from spotify_insights.database.database import Transaction
from spotify_insights.observability import get_logger

_log = get_logger(__name__)
_T = TypeVar("_T")

SILENCE_AFTER_FAILURE_SECONDS: Final = 2.0
TIMEOUT_SECONDS: Final = 0.5
SCAN_COUNT: Final = 1000
_JSON: Final = JsonCodec()
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class CircuitBreaker:
    """Remembers that Redis did not answer, for SILENCE_AFTER_FAILURE_SECONDS."""

    def __init__(self) -> None:
        self._silent_until = 0.0

    @property
    def is_open(self) -> bool:
        return time.monotonic() < self._silent_until

    def trip(self, error: Exception) -> None:
        """Stop asking for a while."""
        if not self.is_open:
            _log.warning("redis_unreachable", error=type(error).__name__)
        self._silent_until = time.monotonic() + SILENCE_AFTER_FAILURE_SECONDS


class Cache:
    """Redis behind a circuit breaker. No method raises because Redis is gone."""

    def __init__(self, url: str) -> None:
        self._redis = redis.Redis.from_url(
            url,
            socket_timeout=TIMEOUT_SECONDS,
            socket_connect_timeout=TIMEOUT_SECONDS,
            # The breaker below decides when to ask again; the client's own retries would make callers wait.
            retry=Retry(NoBackoff(), 0),
        )
        self._breaker = CircuitBreaker()

    def invalidate(self, tx: Transaction, scopes: Iterable[Scope]) -> None:
        """Make everything cached in `scopes` unusable together with the end of `tx`."""
        kept, holder = tuple(scopes), new_version()
        tx.before_commit(lambda: self._hold(kept, holder))
        tx.at_end(lambda: self._release(kept, holder))

    def get(self, key: str, *, codec: Codec = _JSON) -> Any:
        """The value, or None where there is none, where it cannot be read, or where Redis is gone."""
        data = self._try(lambda: self._redis.get(key))
        if not isinstance(data, bytes):
            return None
        try:
            return codec.loads(data)
        except RefusedValueError as error:
            _log.warning("cache_value_refused", key=key, error=error.message)
            self._try(lambda: self._redis.delete(key))
            return None

    def set(self, key: str, value: Any, *, ttl: timedelta, codec: Codec = _JSON) -> None:
        """Keep `value` for `ttl`."""
        data = codec.dumps(value)
        self._try(lambda: self._redis.set(key, data, px=ttl))

    def forget(self, ids: Iterable[UUID]) -> None:
        """Delete every key that names one of these ids, whoever keeps it there.

        Looks at all keys once. Where Redis is gone, what it holds ends by itself, within an hour.
        """
        names = {str(key) for key in ids}

        def forget() -> bool:
            for key in self._redis.scan_iter(count=SCAN_COUNT):
                if not names.isdisjoint(_UUID.findall(key.decode(errors="replace"))):
                    self._redis.unlink(key)
            return True

        if names:
            self._try(forget)

    def run(self, script: str, keys: Sequence[str], *arguments: int) -> Any:
        """What a Lua script answers, or None where Redis is gone."""
        return self._try(lambda: self._redis.eval(script, len(keys), *keys, *arguments))

    def is_reachable(self) -> bool:
        """Whether Redis answers just now."""
        return self._try(self._redis.ping) is not None

    def close(self) -> None:
        """Close the connections."""
        self._redis.close()

    def _hold(self, scopes: tuple[Scope, ...], holder: bytes) -> None:
        def hold() -> bool:
            with self._redis.pipeline(transaction=True) as pipeline:
                for scope in scopes:
                    pipeline.sadd(scope.holders_key, holder)
                    pipeline.pexpire(scope.holders_key, HOLD_TTL)
                    # Already now, so that nothing stored before is used should the hold run out unreleased.
                    pipeline.set(scope.key, new_version(), px=SCOPE_TTL)
                pipeline.execute()
            return True

        self._try(hold)

    def _release(self, scopes: tuple[Scope, ...], holder: bytes) -> None:
        def release() -> bool:
            with self._redis.pipeline(transaction=True) as pipeline:
                for scope in scopes:
                    pipeline.set(scope.key, new_version(), px=SCOPE_TTL)
                    pipeline.srem(scope.holders_key, holder)
                pipeline.execute()
            return True

        self._try(release)

    def _try(self, call: Callable[[], _T]) -> _T | None:
        if self._breaker.is_open:
            return None
        try:
            return call()
        except redis.RedisError as error:
            self._breaker.trip(error)
            return None
