"""Everything a run needs, started for it alone: servers, processes of the service, and what keeps them up."""

import asyncio
import contextlib
import os
import signal
import socket
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final, Self
from uuid import UUID

import psycopg
import redis.asyncio

from chaos import records
from chaos.child import Child
from chaos.mutations import Without
from chaos.processes.begin import CLOCK_SHIFT, PAUSE_FILE, WITHOUT
from chaos.proxy import BrokerProxy
from spotify_insights.database.upgrade import upgrade_database
from spotify_insights.embedded.child_process import ChildProcess, start_together
from spotify_insights.embedded.cluster import DATABASE
from spotify_insights.embedded.data_folder import DataFolder
from spotify_insights.embedded.postgres import EmbeddedPostgres
from spotify_insights.embedded.valkey import EmbeddedValkey
from spotify_insights.jobs.job import Queue
from spotify_insights.security.key_file import create_key_file

_LOOK_EVERY_SECONDS: Final = 0.05
_WORKERS: Final = (Queue.SPOTIFY, Queue.SPOTIFY, Queue.INSIGHTS, Queue.INSIGHTS, Queue.SCHEDULED)
_PROCESSES_PER_WORKER: Final = 3
_APIS: Final = 2
_BEATS: Final = 2


@dataclass(frozen=True)
class Setting:
    """What a run may choose about the installation."""

    lease_seconds: int = 5
    grace_seconds: int = 3
    without: Without | None = None


class World:
    """The installation under test. Use `running`; faults find here whatever they need."""

    def __init__(self, folder: Path, setting: Setting) -> None:
        self.setting = setting
        self.logs = folder / "processes"
        self.pause_file = folder / "relays-paused"
        self._held = AsyncExitStack()
        self._folder = folder
        self.broker_lock, self.database_lock, self.relay_lock = asyncio.Lock(), asyncio.Lock(), asyncio.Lock()
        self.workers: list[Child] = []
        self.apis: list[Child] = []
        self.beats: list[Child] = []
        self.relays: list[Child] = []

    @classmethod
    @asynccontextmanager
    async def running(cls, setting: Setting, *, folder: Path | None = None) -> AsyncIterator[Self]:
        """The whole installation, ready, until the block ends.

        Args:
            folder: where logs and data stay; None takes a temporary one that is removed.
        """
        with contextlib.ExitStack() as stack:
            place = folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="chaos-")))
            world = cls(place, setting)
            async with world._held:
                await world._start()
                yield world

    @property
    def processes(self) -> list[Child]:
        return [*self.apis, *self.relays, *self.workers, *self.beats]

    async def _start(self) -> None:
        self.logs.mkdir(parents=True)
        data = self._held.enter_context(DataFolder(self._folder / "data"))
        self.postgres, self.valkey = EmbeddedPostgres(data), EmbeddedValkey(data)
        self._valkey_data = data.valkey
        for server in (self.postgres, self.valkey):
            self._held.callback(server.stop)
        start_together([self.valkey, self.postgres])
        self.database_url = self.postgres.url
        self._as_superuser = self.postgres.url_for(database=DATABASE)
        upgrade_database(self.database_url)
        records.prepare(self.database_url)
        if self.setting.without is Without.UNIQUE_INDEX:
            records.drop_unique_index(self.database_url)
        create_key_file(self._folder / "keys.json")
        self.proxy = BrokerProxy(data.sockets / "valkey.sock")
        await self.proxy.open()
        self._held.push_async_callback(self.proxy.close)
        self._make_processes()
        self._held.callback(self._stop_processes)
        # Requests are taken as soon as the API is there; the others come up while jobs pile up already.
        for process in self.apis:
            process.launch()
        await asyncio.gather(*(self.ready(api) for api in self.apis))
        keeper = asyncio.create_task(self._keep_up())
        self._held.callback(keeper.cancel)

    def _make_processes(self) -> None:
        listener = self._held.enter_context(socket.create_server(("127.0.0.1", 0), backlog=512))
        self.api_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        settings = self._settings()

        def child(name: str, module: str, *arguments: str, fds: tuple[int, ...] = ()) -> Child:
            return Child(name, module, arguments, folder=self.logs, settings=settings, pass_fds=fds)

        number = listener.fileno()
        self.apis = [child(f"api-{n}", "api", str(number), fds=(number,)) for n in range(_APIS)]
        self.relays = [child("relay", "relay")]
        self.workers = [
            child(f"worker-{n}-{queue}", "worker", queue, str(_PROCESSES_PER_WORKER))
            for n, queue in enumerate(_WORKERS)
        ]
        self.beats = [child(f"beat-{n}", "beat") for n in range(_BEATS)]

    def _settings(self) -> Mapping[str, str]:
        return {
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.proxy.url,
            "TOKEN_KEYS_FILE": str(self._folder / "keys.json"),
            "JOB_LEASE_SECONDS": str(self.setting.lease_seconds),
            "WORKER_GRACE_SECONDS": str(self.setting.grace_seconds),
            "RELAY_POLL_SECONDS": "0.5",
            "DATABASE_POOL_SIZE": "4",
            WITHOUT: self.setting.without or "",
            PAUSE_FILE: str(self.pause_file),
        }

    def _stop_processes(self) -> None:
        for process in self.processes:
            process.send_all(signal.SIGKILL)
        for process in self.processes:
            process.stop()

    # --- Processes

    async def _keep_up(self) -> None:
        """Start again what has ended, as a supervisor does."""
        while True:
            for process in self.processes:
                if not process.kept_down and not process.is_running:
                    process.launch()
            await asyncio.sleep(0.3)

    async def ready(self, process: ChildProcess) -> None:
        """Wait until it does its work; it may fall and be started again meanwhile."""
        await _until(lambda: process.is_running and process.is_ready())

    async def started_again(self, process: Child, *, starts: int) -> None:
        """Wait until it was started more often than `starts` times, and does its work."""
        await _until(lambda: process.starts > starts)
        await self.ready(process)

    async def ended(self, process: ChildProcess) -> None:
        """Wait until it has ended."""
        await _until(lambda: not process.is_running)

    @asynccontextmanager
    async def borrowed(
        self, children: list[Child], rng: Random, *, with_a_second: bool = False
    ) -> AsyncIterator[Child]:
        """One of these for a fault of its own: no other fault happens to it meanwhile.

        Args:
            with_a_second: only one beside which another does the same work now.
        """

        def free() -> list[Child]:
            found = [child for child in children if not child.borrowed and child.is_running]
            works = Counter(child.work for child in found)
            return [child for child in found if works[child.work] > 1 or not with_a_second]

        await _until(lambda: bool(free()))
        child = rng.choice(free())
        child.borrowed = True
        try:
            await self.ready(child)
            yield child
        finally:
            child.borrowed = child.kept_down = False

    def shift_clock(self, worker: Child, seconds: float) -> None:
        """Give this worker, from its next start on, a clock that is wrong by so much."""
        worker.environment = {**worker.environment, CLOCK_SHIFT: str(seconds)}

    async def begun(self, job_id: UUID, *, within: float) -> None:
        """Wait until an attempt at the job has begun, or for so many seconds."""
        ends = time.monotonic() + within
        while time.monotonic() < ends:
            if await asyncio.to_thread(records.has_begun, self.database_url, job_id):
                return
            await asyncio.sleep(0.2)

    # --- Servers

    async def restart(self, server: ChildProcess, number: signal.Signals, *, down_seconds: float) -> None:
        """End the server by this signal and start it again after a while."""
        os.kill(server.pid, number)
        await self.ended(server)
        await asyncio.sleep(down_seconds)
        server.launch()
        await self.ready(server)

    def empty_broker_files(self) -> None:
        """Have the broker, which does not run now, start without its data."""
        for file in sorted(self._valkey_data.rglob("*"), reverse=True):
            file.rmdir() if file.is_dir() else file.unlink()

    @asynccontextmanager
    async def broker(self) -> AsyncIterator[redis.asyncio.Redis]:
        """A way to the broker past the proxy."""
        async with redis.asyncio.Redis.from_url(self.valkey.url, decode_responses=True) as client:
            yield client

    def superuser(self) -> psycopg.Connection:
        """A connection that may end others."""
        return psycopg.connect(self._as_superuser, autocommit=True, connect_timeout=2)

    # --- The end of a run

    async def heal(self) -> None:
        """Take every fault back."""
        self.pause_file.unlink(missing_ok=True)
        self.proxy.speak()
        for process in self.processes:
            process.kept_down = False
            process.send_all(signal.SIGCONT)

    async def until_done(self, *, within: float) -> float:
        """Wait until every job has ended, `within` seconds at most; how many seconds that took."""
        began = time.monotonic()
        while time.monotonic() - began < within:
            with contextlib.suppress(psycopg.OperationalError):
                left = await asyncio.to_thread(records.unfinished, self.database_url)
                if left == 0:
                    break
            await asyncio.sleep(0.5)
        return time.monotonic() - began


async def _until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110  # processes and files raise no events
        await asyncio.sleep(_LOOK_EVERY_SECONDS)
