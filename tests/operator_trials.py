"""An operator at a shell, for tests of the command line; and jobs in every state for them to look at."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from job_trials import WriteNote, claimed, enqueued
from spotify_insights.cli.main import main
from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.database import Database
from spotify_insights.jobs.cancel import cancel_job
from spotify_insights.jobs.job import JobStatus

_LONGEST_SECONDS = 60
_STEERING = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass(frozen=True)
class Answer:
    """What came back."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    @property
    def document(self) -> Any:
        return json.loads(self.out)

    def line_with(self, words: str) -> str:
        """The one line of output that holds these words."""
        (line,) = (line for line in self.lines if words in line)
        return line


@dataclass(frozen=True)
class Operator:
    """Types commands: `type` runs one in this process, `start` as a program of its own, for what lasts."""

    capture: pytest.CaptureFixture[str]
    patch: pytest.MonkeyPatch
    folder: Path

    def type(self, *words: str) -> Answer:
        self.patch.setattr(sys, "argv", ["spotify-insights", *words])
        self.capture.readouterr()
        code: str | int | None = 0
        try:
            main()
        except SystemExit as end:
            code = end.code
        said = self.capture.readouterr()
        return Answer(int(code or 0), said.out, said.err)

    @contextmanager
    def start(self, *words: str) -> Iterator[subprocess.Popen[str]]:
        with subprocess.Popen(  # noqa: S603  # our own program
            [sys.executable, "-m", "spotify_insights", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.folder,
        ) as process:
            try:
                with _at_last(process):
                    yield process
            finally:
                process.kill()

    @contextmanager
    def at_terminal(self, *words: str, columns: int) -> Iterator["Terminal"]:
        """The program with a terminal of that width."""
        ours, theirs = pty.openpty()
        # Rich takes these for the size; the system's own way needs the program to be the terminal's leader.
        environment = {**os.environ, "TERM": "xterm", "COLUMNS": str(columns), "LINES": "40"}
        process = subprocess.Popen(  # noqa: S603  # our own program
            [sys.executable, "-m", "spotify_insights", *words],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=self.folder,
            env=environment,
        )
        os.close(theirs)
        try:
            with _at_last(process):
                yield Terminal(process, ours)
        finally:
            process.kill()
            process.wait(timeout=10)
            os.close(ours)


@contextmanager
def _at_last(process: subprocess.Popen[Any]) -> Iterator[None]:
    """End a program that hangs, so that whoever waits for its words sees that none come."""
    timer = threading.Timer(_LONGEST_SECONDS, process.kill)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


class Terminal:
    """What stands on a terminal, and the program that writes there."""

    def __init__(self, process: subprocess.Popen[bytes], descriptor: int) -> None:
        self.process = process
        self.raw = ""
        self._descriptor = descriptor

    @property
    def text(self) -> str:
        """Everything written so far, without colours and movements."""
        return _STEERING.sub("", self.raw).replace("\r", "")

    def press_ctrl_c(self) -> None:
        """As the terminal does: the signal goes to the program."""
        self.process.send_signal(signal.SIGINT)

    def read_until(self, words: str) -> None:
        while words not in self.text and self._read():
            pass
        assert words in self.text

    def read_to_end(self) -> int:
        """The rest; returns the exit code."""
        while self._read():
            pass
        return self.process.wait(timeout=30)

    def _read(self) -> bool:
        # A terminal whose last program has ended gives an error instead of an end.
        with suppress(OSError):
            if said := os.read(self._descriptor, 65_536):
                self.raw += said.decode()
                return True
        return False


def next_line(process: subprocess.Popen[str], words: str) -> str:
    """The next line of output that holds these words."""
    assert process.stdout is not None
    passed: list[str] = []
    for line in process.stdout:
        passed.append(line)
        if words in line:
            return line
    assert process.stderr is not None
    raise AssertionError((words, passed, process.stderr.read()))


def jobs_in_all_states(database: Database) -> Mapping[str, UUID]:
    """One job in each state, made in the order of JobStatus, about a thing of that name."""
    jobs = {status.value: enqueued(database, WriteNote(about=status.value)) for status in JobStatus}
    running, succeeded, failed, dead = (
        claimed(database, jobs[status]) for status in ("running", "succeeded", "failed", "dead")
    )
    running.progress("second verse", done=1, total=4)
    with succeeded.completion() as completion:
        completion.result = {"lines": 3}
    failed.end(JobStatus.FAILED, error="There is nothing to write about.", error_code="no_subject")
    dead.end(JobStatus.DEAD, error="The ink is frozen.", error_code="ink_frozen")
    with database.transaction(acting_for=SYSTEM) as tx:
        cancel_job(tx, jobs["cancelled"], acting_for=SYSTEM)
    return jobs


def end_of(job_id: UUID) -> str:
    """What `list` shows of an id."""
    return str(job_id)[-8:]
