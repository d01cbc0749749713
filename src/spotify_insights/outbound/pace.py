"""Politeness towards somebody else's server: calls keep apart, and stop while it refuses us."""

import threading
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from typing_extensions import override

# Who would wait for longer does something else meanwhile and comes back.
LONGEST_QUEUE: Final = timedelta(seconds=30)


@dataclass(frozen=True)
class Turn:
    """When a call may begin: in `wait` seconds. If `is_refused`, none may before, and no turn was taken."""

    wait: float
    is_refused: bool = False


class Pace(ABC):
    """Lets the calls to one server begin a fixed time apart from each other at least."""

    def begin(self, *, at_once: bool = False) -> timedelta | None:
        """Wait for a turn and return None; or, without waiting, how long to stay away.

        That is while the server refuses us, and while more than LONGEST_QUEUE is taken by others.

        Args:
            at_once: somebody looks at a page that waits for this call. It waits for no turn, and the calls
                of others keep apart from it.
        """
        turn = self.take(at_once=at_once)
        if not turn.is_refused and turn.wait > 0:
            time.sleep(turn.wait)
            # Whoever had the turn before may have been refused.
            turn = Turn(self.refused_for(), is_refused=True)
        return timedelta(seconds=turn.wait) if turn.is_refused and turn.wait > 0 else None

    @abstractmethod
    def stay_away(self, wait: timedelta) -> None:
        """Let nobody call for so long, because the server refused us; a longer wait that stands stays."""

    @abstractmethod
    def take(self, *, at_once: bool) -> Turn:
        """Take the next turn, without waiting for it."""

    @abstractmethod
    def refused_for(self) -> float:
        """For how many more seconds nobody may call."""


class OwnPace(Pace):
    """The pace of all threads of one process."""

    def __init__(self, apart: timedelta) -> None:
        self._apart = apart.total_seconds()
        self._lock = threading.Lock()
        self._next = 0.0
        self._refused_until = 0.0

    @override
    def stay_away(self, wait: timedelta) -> None:
        with self._lock:
            self._refused_until = max(self._refused_until, time.monotonic() + wait.total_seconds())

    @override
    def take(self, *, at_once: bool, after: float = 0.0) -> Turn:
        """Take the next turn that is at least `after` seconds away."""
        with self._lock:
            now = time.monotonic()
            if now < self._refused_until:
                return Turn(self._refused_until - now, is_refused=True)
            begin = now if at_once else max(now + after, self._next)
            if begin - now > LONGEST_QUEUE.total_seconds():
                return Turn(begin - now, is_refused=True)
            self._next = max(self._next, begin + self._apart)
            return Turn(begin - now)

    @override
    def refused_for(self) -> float:
        with self._lock:
            return max(0.0, self._refused_until - time.monotonic())
