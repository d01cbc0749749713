"""What the tests of embedded servers share: programs that hold servers, patience, and a look at processes."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
import redis

from spotify_insights.embedded.unprivileged import interpreter_for

PROGRAMS = Path(__file__).parent / "embedded" / "programs"
# What root becomes, in a user namespace, to be an ordinary user; everybody else is one already.
ORDINARY_USER = "namespace:65534:65534" if os.geteuid() == 0 else "self"
NAMELESS_USER = "namespace:424242:424242"


def eventually(condition: Callable[[], bool], *, within: float = 30.0) -> bool:
    """Whether the condition comes true before the deadline (seconds)."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return condition()


@dataclass
class Holder:
    """A program that holds servers until it is told or made to end."""

    process: subprocess.Popen[str]
    told: dict[str, str]

    @property
    def family(self) -> list[psutil.Process]:
        """Everything it has started, directly or not."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(timeout=10)


@contextmanager
def holding(program: str, *arguments: str, environment: Mapping[str, str] | None = None) -> Generator[Holder]:
    """Run a program of `embedded/programs`: it prints one line of JSON when it is ready."""
    with subprocess.Popen(  # noqa: S603  (our own program)
        [sys.executable, str(PROGRAMS / program), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **(environment or {})},
    ) as process:
        assert process.stdout is not None
        try:
            yield Holder(process, json.loads(process.stdout.readline()))
        finally:
            # Closing its standard input is the order to stop in peace; one that cannot hear must not stay.
            with suppress(subprocess.TimeoutExpired):
                process.communicate(timeout=30)
            process.kill()


def run_as(form: str, program: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program to its end as another user, without input; see `launch.become` for `form`."""
    command = [sys.executable] if program.suffix == ".py" else []
    command += [str(program), *arguments]
    return subprocess.run(  # noqa: S603  (our own program)
        interpreter_for("launch", str(os.getpid()), str(int(signal.SIGKILL)), form, *command),
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )


def all_gone(processes: list[psutil.Process], *, within: float = 30.0) -> bool:
    """Whether none of the processes is left after at most `within` seconds."""
    return eventually(
        lambda: all(not p.is_running() or p.status() == psutil.STATUS_ZOMBIE for p in processes),
        within=within,
    )


def family_of(*pids: int) -> list[psutil.Process]:
    """These processes and everything they have started."""
    heads = [psutil.Process(pid) for pid in pids]
    return [*heads, *(child for head in heads for child in head.children(recursive=True))]


def keep(database_url: str, redis_url: str, word: str) -> None:
    """Leave a word in both servers."""
    with psycopg.connect(database_url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS words (word text)")
        connection.execute("INSERT INTO words VALUES (%s)", (word,))
    with redis.Redis.from_url(redis_url) as client:
        client.rpush("words", word)


def kept(database_url: str, redis_url: str) -> tuple[list[str], list[str]]:
    """The words that each of both servers still knows."""
    with psycopg.connect(database_url) as connection:
        rows = [row[0] for row in connection.execute("SELECT word FROM words")]
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        return rows, client.lrange("words", 0, -1)
