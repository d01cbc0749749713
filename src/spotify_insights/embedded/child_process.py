"""One child process that cannot outlive this one: started, waited for, stopped with growing insistence."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

from spotify_insights.embedded.child_log import last_meaningful_line, rotate
from spotify_insights.embedded.unprivileged import Identity, as_we_are, interpreter_for
from spotify_insights.errors import SetupError

LOOK_EVERY_SECONDS = 0.02


class ChildProcess:
    """A program run as a child; subclasses say how to prepare it and when it is ready.

    `log` receives its output, appended. `environment` is the whole of it, nothing is inherited. The child
    leads its own session, so that Ctrl-C at a terminal reaches only us and we decide the order of the end.
    Start it from the main thread only: Linux ends it with the thread that started it.
    """

    # What is sent to end it, and how many seconds each is given before the next.
    stop_steps: Sequence[tuple[signal.Signals, float]] = ((signal.SIGTERM, 10.0), (signal.SIGKILL, 5.0))
    death_signal: ClassVar[signal.Signals] = signal.SIGKILL
    ready_within_seconds: ClassVar[float] = 60.0
    working_directory: ClassVar[str | None] = None  # None: ours

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        log: Path,
        environment: Mapping[str, str],
        keep_open: Collection[int] = (),
    ) -> None:
        self.name = name
        self.command = command
        self.log = log
        self.environment = environment
        self.keep_open: Collection[int] = keep_open
        self.identity: Identity = as_we_are()
        self._process: subprocess.Popen[bytes] | None = None
        self.log_began_at = 0
        self._step = 0
        self._step_ends_at = 0.0

    def prepare(self) -> None:
        """What must be done before each launch. Raises SetupError if the program cannot be started."""

    def is_ready(self) -> bool:
        """Whether the launched program does its work already."""
        return True

    def recover(self) -> bool:
        """Called when it ended before it was ready: whether another launch is worth trying."""
        return False

    @property
    def pid(self) -> int:
        return self._launched().pid

    @property
    def exit_status(self) -> int | None:
        """None while it runs; its exit code once it ended, negative for a signal's number."""
        process = self._launched()
        if process.returncode is None and process.poll() is not None:
            # What it had started itself must not stay behind and meet its successor.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
        return process.returncode

    @property
    def is_running(self) -> bool:
        return self._process is not None and self.exit_status is None

    def launch(self) -> None:
        """Start the program; returns at once. Raises SetupError from `prepare`."""
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError("children are bound to the thread that starts them: use the main thread")
        self.prepare()
        rotate(self.log)
        self.log_began_at = self.log.stat().st_size if self.log.exists() else 0
        self._process = start_child(
            self.command,
            identity=self.identity,
            death_signal=self.death_signal,
            log=self.log,
            environment=self.environment,
            keep_open=self.keep_open,
            working_directory=self.working_directory,
        )

    def start(self) -> None:
        """Launch and wait until it is ready. Raises SetupError with its last words if it is not."""
        start_together([self])

    def begin_stop(self) -> None:
        """Ask it to end; `has_stopped` insists more strongly as time goes by."""
        self._step = 0
        self._send_step()

    def has_stopped(self, *, hurry: bool = False) -> bool:
        """Whether it has ended since `begin_stop`. `hurry` goes on to the next, stronger signal now."""
        if not self.is_running:
            return True
        if hurry or time.monotonic() > self._step_ends_at:
            self._step += 1
            if self._step >= len(self.stop_steps):
                return True  # SIGKILL was sent long ago: the kernel owes us the rest
            self._send_step()
        return False

    def stop(self) -> None:
        """End it and wait for that; harmless when it does not run."""
        self.begin_stop()
        while not self.has_stopped():
            time.sleep(LOOK_EVERY_SECONDS)

    def last_words(self) -> str:
        """The last line it wrote since its launch that says something, or how it ended."""
        line = last_meaningful_line(self.log, begin=self.log_began_at)
        return line or describe_exit(self.exit_status)

    def _send_step(self) -> None:
        stop_signal, patience = self.stop_steps[self._step]
        self._step_ends_at = time.monotonic() + patience
        if self.is_running:
            with suppress(ProcessLookupError):
                os.kill(self.pid, stop_signal)

    def _launched(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError(f"{self.name} was not launched")
        return self._process


def start_together(
    children: Sequence[ChildProcess], *, between_looks: Callable[[], None] = lambda: None
) -> None:
    """Launch all, then wait until all are ready; they start side by side.

    `between_looks` is called about fifty times a second while waiting and may raise to give up. Raises
    SetupError with the last words of the first that fails. Whatever happens, nothing is stopped here:
    the caller holds the children and ends them.
    """
    for child in children:
        child.launch()
    wait_until_ready(children, between_looks=between_looks)


def wait_until_ready(
    children: Sequence[ChildProcess], *, between_looks: Callable[[], None] = lambda: None
) -> None:
    """Wait for launched children as `start_together` does."""
    began = time.monotonic()
    waiting = list(children)
    while waiting:
        waiting = [child for child in waiting if not _is_ready(child)]
        for child in waiting:
            if time.monotonic() - began > child.ready_within_seconds:
                raise SetupError(
                    f"{child.name} was not ready within {child.ready_within_seconds:.0f} s; "
                    f"its log may say why: {child.log}"
                )
        if waiting:
            between_looks()
            time.sleep(LOOK_EVERY_SECONDS)


def _is_ready(child: ChildProcess) -> bool:
    if child.exit_status is None:
        return child.is_ready()
    if not child.recover():
        raise SetupError(f"{child.name} could not start: {child.last_words()} (log: {child.log})")
    child.launch()
    return False


def start_child(
    command: Sequence[str],
    *,
    identity: Identity,
    death_signal: signal.Signals,
    log: Path,
    environment: Mapping[str, str],
    keep_open: Collection[int] = (),
    working_directory: str | None = None,
    standard_input: int = subprocess.DEVNULL,
) -> subprocess.Popen[bytes]:
    """Start `command` as `identity`, in a session of its own, bound to this process's life.

    `standard_input` is an open descriptor.
    """
    whole = interpreter_for("launch", str(os.getpid()), str(int(death_signal)), identity.form, *command)
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603  (a list of our own making, no shell)
            whole,
            stdin=standard_input,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            cwd=working_directory,
            pass_fds=tuple(keep_open),
            start_new_session=True,
        )


def describe_exit(status: int | None) -> str:
    """In words, how a process ended: `exit_status` of a child."""
    if status is None:
        return "it runs"
    if status < 0:
        return f"ended by {signal.Signals(-status).name}"
    return f"exit code {status}"
