"""Signs of life of a worker's main process, and what happens when it gives none.

A main process that is there and consumes nothing is the worst that a worker can be: to whoever looks at
processes it is well. Whoever starts processes can help one that has ended.
"""

import os
import signal
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

LOOK_EVERY_SECONDS: Final = 5.0
# Far longer than a main process ever waits for one thing: several look-ups in a row of a name that nobody
# answers for may take minutes, and ending it costs whatever its pool works on.
LOOKS_WITHOUT_LIFE: Final = 60


class LifeWatch:
    """Looks every few seconds, by a timer of the kernel, whether there was a sign of life since.

    A signal reaches Python also where it waits for a network. A thread would have to exist at every fork. The
    looks are counted, not the time, so that a process that was stopped and continued is not found dead.
    """

    def __init__(self, *, look_every_seconds: float) -> None:
        self.look_every_seconds = look_every_seconds
        self.looks_without_life = LOOKS_WITHOUT_LIFE
        self._looks = 0
        self._end: Callable[[str], NoReturn] | None = None

    def begin(self, end: Callable[[str], NoReturn]) -> None:
        """Watch this process. Main thread only.

        Args:
            end: told where it hangs, in a signal handler, and ends it.
        """
        self._end, self._looks = end, 0
        signal.signal(signal.SIGALRM, self._look)
        signal.setitimer(signal.ITIMER_REAL, self.look_every_seconds, self.look_every_seconds)

    def stop(self) -> None:
        """Watch no longer. Main thread only."""
        self._end = None
        signal.setitimer(signal.ITIMER_REAL, 0)

    def sign(self) -> None:
        """It lives."""
        self._looks = 0

    def _look(self, _number: int, frame: FrameType | None) -> None:
        self._looks += 1
        if self._looks >= self.looks_without_life and self._end is not None:
            # Once: the signals go on while it ends.
            end, self._end = self._end, None
            end("".join(traceback.format_stack(frame, limit=30)))


life_watch: Final = LifeWatch(look_every_seconds=LOOK_EVERY_SECONDS)
"""This process's own: signals and timers belong to the whole process."""


def show_life() -> None:
    """Give a sign of life: here, and to a probe that watches the age of the file LIVENESS_FILE."""
    life_watch.sign()
    liveness_file = os.environ.get("LIVENESS_FILE")
    if liveness_file:
        Path(liveness_file).touch()
