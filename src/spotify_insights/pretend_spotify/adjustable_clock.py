"""A clock that a test can move forward."""

from collections.abc import Callable
from datetime import datetime, timedelta


class AdjustableClock:
    """The time of `base`, plus whatever it was advanced by."""

    def __init__(self, base: Callable[[], datetime]) -> None:
        self._base = base
        self._ahead = timedelta()

    def now(self) -> datetime:
        return self._base() + self._ahead

    def advance(self, by: timedelta) -> None:
        self._ahead += by
