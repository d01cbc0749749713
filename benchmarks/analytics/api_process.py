"""The API in a process of its own, its CPU time and PostgreSQL's, and requests to it."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import psutil

from benchmarks.installation import Installation
from spotify_insights.security.key_file import create_key_file

PORT = 8917


@dataclass(frozen=True)
class Load:
    """What some requests took.

    Attributes:
        milliseconds: of each, from the first byte sent to the last received, sorted.
        cpu_ms: of the API and of PostgreSQL together, for each request.
    """

    milliseconds: list[float]
    cpu_ms: float

    def percentile(self, share: float) -> float:
        return self.milliseconds[min(len(self.milliseconds) - 1, int(len(self.milliseconds) * share))]


@dataclass(frozen=True)
class ApiProcess:
    """A running API of one installation."""

    process: psutil.Process
    folder: Path

    def ask(self, address: str) -> float:
        """Ask for the address once, on a connection of its own; the milliseconds of the answer alone."""
        return self.load(address, clients=1, requests=1).milliseconds[0]

    def load(self, address: str, *, clients: int, requests: int) -> Load:
        """Ask for the address so often, by so many clients at once, each on one connection."""
        return asyncio.run(self._load(address, clients, requests))

    async def _load(self, address: str, clients: int, requests: int) -> Load:
        connections = [await asyncio.open_connection("127.0.0.1", PORT) for _ in range(clients)]
        taken: list[float] = []

        async def be_a_client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            taken.extend([await _ask(reader, writer, address) for _ in range(requests // clients)])

        before = self._cpu_seconds()
        await asyncio.gather(*(be_a_client(*connection) for connection in connections))
        spent = sum(seconds - before.get(each, 0.0) for each, seconds in self._cpu_seconds().items())
        for _, writer in connections:
            writer.close()
        return Load(sorted(taken), spent / len(taken) * 1000)

    def _cpu_seconds(self) -> dict[psutil.Process, float]:
        """What the API and this installation's PostgreSQL have used until now, by process."""
        used = {self.process: _spent(self.process)}
        for each in psutil.process_iter(["name", "cwd"]):
            # Others may run a PostgreSQL, too; every process of ours lives in our folder.
            if each.info["name"] == "postgres" and str(each.info["cwd"] or "").startswith(str(self.folder)):
                used[each] = _spent(each)
        return used


@contextmanager
def running_api(installation: Installation) -> Iterator[ApiProcess]:
    """Start it, and stop it afterwards. No answer is ever kept: its cache is a Redis that is not there."""
    keys = installation.folder / "keys.json"
    create_key_file(keys)
    environment = {
        **os.environ,
        "DATABASE_URL": installation.database_url,
        "REDIS_URL": installation.redis_url,
        "CACHE_URL": f"unix://{installation.folder}/no-cache.sock",
        "TOKEN_KEYS_FILE": str(keys),
        "REQUESTS_PER_MINUTE": "100000000",
        "LOG_LEVEL": "WARNING",
    }
    command = [sys.executable, "-m", "spotify_insights", "api", "--port", str(PORT)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as process:  # noqa: S603  # ours
        try:
            _wait_until_ready()
            yield ApiProcess(psutil.Process(process.pid), installation.folder.resolve())
        finally:
            process.terminate()


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, address: str) -> float:
    began = time.perf_counter()
    writer.write(f"GET {address} HTTP/1.1\r\nHost: 127.0.0.1:{PORT}\r\n\r\n".encode())
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
    body = await reader.readexactly(length)
    if not head.startswith("http/1.1 200"):
        raise SystemExit(f"{address} answered {head.partition(chr(13))[0]}: {body[:300]!r}")
    return (time.perf_counter() - began) * 1000


def _spent(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.Error:
        return 0.0
    return float(times.user + times.system)


def _wait_until_ready() -> None:
    for _ in range(200):
        try:
            with urlopen(f"http://127.0.0.1:{PORT}/health/live", timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("The API has not started.")
