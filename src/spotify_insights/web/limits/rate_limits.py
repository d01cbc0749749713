"""The limits of this process: shared through Redis, and kept alone while Redis is away."""

import asyncio
import hmac
import time
from typing import Final

import anyio.to_thread
from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError

from spotify_insights.cache.cache import CircuitBreaker
from spotify_insights.errors import UnavailableError
from spotify_insights.installation.secrets import InstallationSecrets, SecretName
from spotify_insights.settings import Settings
from spotify_insights.web.limits.counters import OwnCounters, RedisCounters
from spotify_insights.web.limits.policy import LimitClass, Standing, policies_of
from spotify_insights.web.limits.shut_addresses import ShutAddresses

# Once per outage, until the breaker lets somebody try again.
PATIENCE_SECONDS: Final = 0.2
# For how long nobody asks the database again for the secret that it could not give.
_SECRET_PAUSE_SECONDS: Final = 5.0
# A purpose of its own: what stands in the audit log must not be found in Redis by the same name.
_PURPOSE: Final = b"spotify-insights limits v1"


class RateLimits:
    """Takes requests from quotas, whether Redis and PostgreSQL answer or not. Belongs to one event loop."""

    def __init__(
        self,
        settings: Settings,
        secrets: InstallationSecrets,
        *,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self._policies = policies_of(settings)
        self._secrets = secrets
        self._patience = patience
        url = (settings.cache_url or settings.redis_url).get_secret_value()
        self._shared = RedisCounters(url, patience=patience)
        self._own = OwnCounters()
        self._breaker = CircuitBreaker()
        self._key: bytes | None = None
        self._ask_for_key_at = 0.0
        self.shut_addresses = ShutAddresses()

    async def take(self, wanted: list[tuple[LimitClass, str]]) -> list[Standing]:
        """Count one request of each subject under its class; all in one round trip to Redis.

        A subject is a user, a credential, an address or a name. Redis learns only an HMAC of it.
        """
        named = [(self._policies[limit_class], subject) for limit_class, subject in wanted]
        key = await self._hash_key()
        if key is not None and not self._breaker.is_open:
            hashed = [(policy, _hash(key, subject)) for policy, subject in named]
            try:
                async with asyncio.timeout(self._patience):
                    return await self._shared.take(hashed)
            except (RedisError, TimeoutError, OSError) as error:
                self._breaker.trip(error)
        return await self._own.take(named)

    async def _hash_key(self) -> bytes | None:
        """What all processes hash with; None while the database cannot give it."""
        if self._key is None and time.monotonic() >= self._ask_for_key_at:
            # Before the wait, so that only one of many waits for a silent database.
            self._ask_for_key_at = time.monotonic() + _SECRET_PAUSE_SECONDS
            try:
                pepper = await anyio.to_thread.run_sync(self._secrets.get, SecretName.PSEUDONYM_PEPPER)
            except (UnavailableError, DBAPIError):
                # Also where there is no schema yet. Until then each process counts for itself.
                return None
            self._key = hmac.digest(pepper, _PURPOSE, "sha256")
        return self._key

    async def close(self) -> None:
        """Close the connections to Redis."""
        await self._shared.close()


def _hash(key: bytes, subject: str) -> str:
    return hmac.digest(key, subject.encode("utf-8", "surrogatepass"), "sha256").hex()[:32]
