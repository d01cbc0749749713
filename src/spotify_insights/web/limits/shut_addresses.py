"""Addresses that showed too many wrong credentials, as this process knows them."""

import time
from datetime import timedelta
from typing import Final

_MOST: Final = 10_000


class ShutAddresses:
    """Remembers each until its time is over. Belongs to one event loop."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}

    def shut(self, address: str, lasts: timedelta) -> None:
        """Refuse `address` for so long."""
        now = time.monotonic()
        if len(self._until) >= _MOST:
            # Whoever has so many addresses is refused by the counters, each at the cost of a question.
            self._until = {known: until for known, until in self._until.items() if until > now}
        if len(self._until) < _MOST:
            self._until[address] = now + lasts.total_seconds()

    def shut_for(self, address: str) -> timedelta | None:
        """How long `address` is still refused; None where it is not."""
        until = self._until.get(address)
        if until is None:
            return None
        left = until - time.monotonic()
        if left <= 0:
            del self._until[address]
            return None
        return timedelta(seconds=left)
