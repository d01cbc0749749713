"""Politeness towards somebody else's server: never two calls within one short time."""

import threading
import time
from datetime import timedelta


class Pace:
    """Lets calls begin `apart` from each other at least, by all threads of a process."""

    def __init__(self, apart: timedelta) -> None:
        self._apart = apart.total_seconds()
        self._lock = threading.Lock()
        self._next = 0.0

    def wait(self) -> None:
        """Return when a call may begin: at once, where the last one is long enough ago."""
        with self._lock:
            begin = max(time.monotonic(), self._next)
            self._next = begin + self._apart
        # The next in line computes its own moment meanwhile.
        time.sleep(max(0.0, begin - time.monotonic()))
