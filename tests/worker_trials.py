"""For tests of workers: jobs that do as they are told, in a real worker with a real relay beside it."""

import gc
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import Any, ClassVar, NoReturn

import psutil
from billiard.pool import Worker as PoolWorker
from pydantic import SecretStr

from job_trials import Notes
from server_trials import eventually
from spotify_insights.database.database import Database
from spotify_insights.jobs.attempt import Attempt
from spotify_insights.jobs.celery_app import create_celery
from spotify_insights.jobs.enqueue import RelayBell
from spotify_insights.jobs.job import Job, Queue
from spotify_insights.jobs.relay.publisher import CeleryPublisher
from spotify_insights.jobs.relay.relay import Relay
from spotify_insights.settings import Settings

PROGRAMS = Path(__file__).parent / "worker" / "programs"
FOLDER = "TRIAL_FOLDER"


class Act(Job):
    """Does one deed in each attempt, the last of them again and again."""

    task_name: ClassVar[str] = "spotify.act"
    queue: ClassVar[Queue] = Queue.SPOTIFY
    max_attempts: ClassVar[int] = 3
    name: str
    deeds: tuple[str, ...] = ("work",)


class BriefAct(Act):
    """The same, with little time."""

    task_name: ClassVar[str] = "spotify.brief_act"
    time_limit: ClassVar[timedelta] = timedelta(seconds=4)


TRIAL_JOBS: tuple[type[Job], ...] = (Act, BriefAct)


@dataclass(frozen=True)
class Beginning:
    """An attempt, as it was seen to begin, and how many objects its process leaves to the main process."""

    name: str
    attempt: int
    pid: int
    shared_objects: int


def act(attempt: Attempt, job: Act) -> None:
    """The handler of both: leaves a line for the test, then does its deed."""
    folder = Path(os.environ[FOLDER])
    seen = Beginning(job.name, attempt.number, os.getpid(), gc.get_freeze_count())
    with (folder / "begun").open("a") as begun:
        begun.write(json.dumps(asdict(seen)) + "\n")
    deed = job.deeds[min(attempt.number, len(job.deeds)) - 1]
    if deed == "linger":
        attempt.again(wait=timedelta(0), error="Not yet.", error_code="not_yet", consumes_attempt=True)
    _DEEDS[deed](folder / f"release-{job.name}")
    with attempt.completion() as completion:
        Notes(attempt.database).write(completion.tx, attempt)


def _hold(release: Path) -> None:
    while not release.exists():
        time.sleep(0.01)


def _linger(release: Path) -> None:
    """Die when the test says so, with whatever became of the job meanwhile."""
    _hold(release.with_name(f"{release.name}-lingering"))
    _die(release)


def _die(_release: Path) -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)


def _starve(_release: Path) -> NoReturn:
    raise MemoryError


def _fail(_release: Path) -> NoReturn:
    raise ValueError("a canary that nobody else may learn")


def _garble(release: Path) -> None:
    """Tell the main process something that it cannot read, and go on."""
    frame: FrameType | None = sys._getframe()
    while frame is not None and not isinstance(frame.f_locals.get("self"), PoolWorker):
        frame = frame.f_back
    assert frame is not None
    os.write(frame.f_locals["self"].outq._writer.fileno(), b"\0\0\0\4\1\1\1\1")
    _hold(release)


def _loop(_release: Path) -> NoReturn:
    while True:
        pass


def _loop_stubbornly(release: Path) -> NoReturn:
    while True:
        with suppress(Exception):
            _loop(release)


_DEEDS: dict[str, Callable[[Path], object]] = {
    "work": lambda _: None,
    "hold": _hold,
    "linger": _linger,
    "die": _die,
    "exit": lambda _: os._exit(3),
    "leave": lambda _: sys.exit(3),
    "starve": _starve,
    "fail": _fail,
    "garble": _garble,
    "loop": _loop,
    "stubborn loop": _loop_stubbornly,
}


@dataclass(frozen=True)
class Worker:
    """A worker in processes of its own."""

    process: subprocess.Popen[bytes]
    folder: Path
    log_file: Path

    @property
    def log(self) -> str:
        return self.log_file.read_text()

    @property
    def pool(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children()

    def stops(self, *, within: float = 20) -> int:
        """Ask it to stop as a platform does; its exit code."""
        self.process.terminate()
        assert eventually(lambda: self.process.poll() is not None, within=within), self.log
        return self.process.returncode

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(timeout=10)


@dataclass(frozen=True)
class Stage:
    """Where workers act: their settings, what they were seen to begin, and how they are let go on."""

    settings: Settings
    folder: Path

    @property
    def begun(self) -> list[Beginning]:
        try:
            lines = (self.folder / "begun").read_text().splitlines()
        except FileNotFoundError:
            return []
        return [Beginning(**json.loads(line)) for line in lines]

    def beginnings(self, name: str) -> list[Beginning]:
        return [beginning for beginning in self.begun if beginning.name == name]

    def begins(self, name: str, *, times: int = 1, within: float = 20) -> Beginning:
        """The attempt with that number, as soon as it has begun."""
        assert eventually(lambda: len(self.beginnings(name)) >= times, within=within), self.logs
        return self.beginnings(name)[times - 1]

    def release(self, name: str) -> None:
        (self.folder / f"release-{name}").touch()

    @property
    def logs(self) -> str:
        return "\n".join(file.read_text() for file in sorted(self.folder.glob("*.log")))

    @contextmanager
    def worker(self, *, concurrency: int = 1, **environment: str) -> Iterator[Worker]:
        """A worker for the trial jobs, ready."""
        number = len(list(self.folder.glob("worker-*.log")))
        log_file, ready_file = self.folder / f"worker-{number}.log", self.folder / f"ready-{number}"
        whole = {
            **os.environ,
            **environment_of(self.settings),
            FOLDER: str(self.folder),
            "READY_FILE": str(ready_file),
            "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]),
            **environment,
        }
        command = [sys.executable, str(PROGRAMS / "trial_worker.py"), str(concurrency)]
        with (
            log_file.open("wb") as log,
            subprocess.Popen(command, env=whole, cwd=self.folder, stdout=log, stderr=log) as process,  # noqa: S603  # our own program
        ):
            worker = Worker(process, self.folder, log_file)
            try:
                eventually(lambda: ready_file.exists() or process.poll() is not None, within=60)
                assert ready_file.exists(), worker.log
                yield worker
            finally:
                process.kill()


def environment_of(settings: Settings) -> dict[str, str]:
    """The settings as a process reads them."""
    values = {name: getattr(settings, name) for name in type(settings).model_fields}
    return {
        name.upper(): value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        for name, value in values.items()
        if value is not None
    }


@contextmanager
def running_relay(database: Database, settings: Settings) -> Iterator[None]:
    with create_celery(settings.redis_url.get_secret_value()) as app:
        relay = Relay(database, CeleryPublisher(app), bell=RelayBell())
        thread = threading.Thread(target=relay.run, kwargs={"poll_seconds": 0.05})
        thread.start()
        try:
            yield
        finally:
            relay.stop()
            thread.join(10)


class Acts:
    """The handlers of the trial jobs."""

    def __getitem__(self, _job_type: type[Job]) -> Any:
        return act
