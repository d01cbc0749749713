"""The supervisor: starts children in stages, keeps them running, stops them in reverse order.

It is one thread on purpose. Linux binds a child's life to the thread that started it, and a signal that
arrives while no other thread runs finds everything where the last line of code left it.
"""

import os
import select
import signal
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType
from typing import ClassVar, NoReturn, Self, TypeVar

from typing_extensions import override

from spotify_insights.embedded.child_process import (
    LOOK_EVERY_SECONDS,
    ChildProcess,
    describe_exit,
    wait_until_ready,
)

T = TypeVar("T")

_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 30.0
# One that ran this long was well: its next fall counts as the first again.
_WELL_AFTER_SECONDS = 60.0
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequested(BaseException):
    """Ctrl-C, SIGTERM or a closed terminal. Like KeyboardInterrupt, nothing catches it in passing."""


class Process(ChildProcess):
    """A program of ours, run by the supervisor.

    It creates the file named by its environment's READY_FILE once it works; until then nobody is told that
    it does. It inherits our working directory. To end it gets `stop_signal`, and SIGKILL `stop_deadline`
    seconds later.
    """

    ready_within_seconds: ClassVar[float] = 120.0

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        ready_file: Path,
        log: Path,
        stop_signal: signal.Signals = signal.SIGTERM,
        stop_deadline: float = 10.0,
        pass_fds: Collection[int] = (),
    ) -> None:
        environment = {**env, "READY_FILE": str(ready_file)}
        super().__init__(name, argv, log=log, environment=environment, keep_open=pass_fds)
        self.ready_file = ready_file
        self.stop_steps = ((stop_signal, stop_deadline), (signal.SIGKILL, 5.0))

    @override
    def prepare(self) -> None:
        self.ready_file.unlink(missing_ok=True)

    @override
    def is_ready(self) -> bool:
        return self.ready_file.exists()


@dataclass(slots=True)
class _Fall:
    """How often a child fell in a row, when it was last started, and when it is started again."""

    count: int = 0
    started_at: float = 0.0
    again_at: float | None = None


class Supervisor:
    """Holds children in stages; a context whose end stops them all, whatever the reason.

    `say` shows one line to the person at the terminal. Inside, SIGINT, SIGTERM and SIGHUP raise StopRequested
    out of whatever is going on; while stopping, another one makes it hurry. Use it from the main thread.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._stages: list[Sequence[ChildProcess]] = []
        self._falls: dict[ChildProcess, _Fall] = {}
        self._held = ExitStack()
        self._stop_requested = False
        self._is_stopping = False
        self._must_hurry = False

    def __enter__(self) -> Self:
        self._wake_read, self._wake_write = os.pipe()
        for descriptor in (self._wake_read, self._wake_write):
            os.set_blocking(descriptor, False)
        self._previous_wakeup = signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        self._previous = {
            number: signal.signal(number, self._on_stop_signal)
            for number in _STOP_SIGNALS
            # nohup means it.
            if not (number == signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN)
        }
        self._previous[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._is_stopping = True
        try:
            for stage in reversed(self._stages):
                self._stop(stage)
        finally:
            for number, handler in self._previous.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(self._previous_wakeup)
            os.close(self._wake_read)
            os.close(self._wake_write)
            self._held.close()

    def hold(self, context: AbstractContextManager[T]) -> T:
        """Enter a context that is left after every child has stopped, and return what it gives."""
        return self._held.enter_context(context)

    def launch(self, *children: ChildProcess) -> None:
        """Start children side by side, as one stage: stopped together, before every earlier stage."""
        self._stages.append(children)
        for child in children:
            self._falls[child] = _Fall(started_at=time.monotonic())
            child.launch()

    def wait_until_ready(self) -> None:
        """Wait for every child launched so far. Raises SetupError with the last words of one that ended."""
        children = [child for stage in self._stages for child in stage]
        wait_until_ready(children, between_looks=self._heed_stop_request)

    def watch(self) -> NoReturn:
        """Keep everything running until a stop is requested, which raises StopRequested.

        A child that ends is started again, each time after a longer pause, and a line says so.
        """
        while True:
            self._heed_stop_request()
            now = time.monotonic()
            for child, fall in self._falls.items():
                self._tend(child, fall, now)
            planned = [fall.again_at for fall in self._falls.values() if fall.again_at is not None]
            self._sleep(min(planned) - now if planned else None)

    def _tend(self, child: ChildProcess, fall: _Fall, now: float) -> None:
        if fall.again_at is None:
            if child.exit_status is None:
                return
            if now - fall.started_at > _WELL_AFTER_SECONDS:
                fall.count = 0
            pause = min(_FIRST_PAUSE_SECONDS * 2**fall.count, _LONGEST_PAUSE_SECONDS)
            fall.count += 1
            fall.again_at = now + pause
            self._say(
                f"{child.name} stopped unexpectedly ({describe_exit(child.exit_status)}); "
                f"starting it again in {pause:g} s. Its log: {child.log}"
            )
        elif now >= fall.again_at:
            fall.started_at, fall.again_at = now, None
            try:
                child.launch()
            except OSError as error:
                # The system may be out of processes or memory for a moment; the next look counts a fall.
                self._say(f"{child.name} could not be started again: {error.strerror}")

    def _stop(self, stage: Sequence[ChildProcess]) -> None:
        for child in reversed(stage):
            child.begin_stop()
        remaining = list(stage)
        while remaining:
            hurry, self._must_hurry = self._must_hurry, False
            remaining = [child for child in remaining if not child.has_stopped(hurry=hurry)]
            if remaining:
                self._sleep(LOOK_EVERY_SECONDS)

    def _sleep(self, seconds: float | None) -> None:
        """Until a signal arrives (a child's end is one too) or the time is over."""
        select.select([self._wake_read], [], [], seconds if seconds is None else max(0.0, seconds))
        with suppress(BlockingIOError):
            os.read(self._wake_read, 1024)

    def _on_stop_signal(self, _number: int, _frame: FrameType | None) -> None:
        if self._stop_requested or self._is_stopping:
            self._must_hurry = True
            return
        self._stop_requested = True
        raise StopRequested

    def _heed_stop_request(self) -> None:
        """Python drops an exception that a signal handler raises inside a finaliser; the request stands."""
        if self._stop_requested:
            raise StopRequested
