"""For tests of Flower: the program as it is typed, and questions to it over HTTP."""

import base64
import http.client
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from server_trials import eventually

USER, PASSWORD, BROKER_PASSWORD = "robin", "canary-pässword-51c0", "canary-broker-77fe"
PAGES = ("/", "/workers", "/tasks", "/broker", "/metrics", "/api/workers", "/api/tasks", "/api/task/types")


@dataclass(frozen=True)
class Reply:
    status: int
    text: str


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


RIGHT = basic(USER, PASSWORD)


@dataclass(frozen=True)
class RunningFlower:
    process: subprocess.Popen[bytes]
    port: int
    folder: Path

    @property
    def log(self) -> str:
        return (self.folder / "flower.log").read_text()

    def ask(
        self,
        path: str,
        *,
        authorization: str | None = RIGHT,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        given = {"Authorization": authorization} if authorization is not None else {}
        try:
            connection.request(method, path, headers={**given, **(headers or {})})
            response = connection.getresponse()
            return Reply(response.status, response.read().decode())
        finally:
            connection.close()


def environment(redis_url: str, folder: Path) -> dict[str, str]:
    # Flower asks neither for the database nor for the keys; the settings want them named.
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("FLOWER_")},
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing",
        "TOKEN_KEYS_FILE": str(folder / "no-keys.json"),
        "REDIS_URL": redis_url,
        "LOG_LEVEL": "DEBUG",
    }


@contextmanager
def running_flower(redis_url: str, folder: Path) -> Iterator[RunningFlower]:
    ready = folder / "flower.ready"
    given = {"FLOWER_USER": USER, "FLOWER_PASSWORD": PASSWORD, "READY_FILE": str(ready)}
    command = [sys.executable, "-m", "spotify_insights", "flower", "--port", "0"]
    (folder / "empty").mkdir()
    with (
        (folder / "flower.log").open("wb") as log,
        subprocess.Popen(  # noqa: S603  # our own program
            command,
            env={**environment(redis_url, folder), **given},
            cwd=folder / "empty",
            stdout=log,
            stderr=log,
        ) as process,
    ):
        try:
            assert eventually(ready.exists), (folder / "flower.log").read_text()
            found = re.search(r'"port": (\d+)', (folder / "flower.log").read_text())
            assert found is not None
            yield RunningFlower(process, int(found[1]), folder)
        finally:
            process.kill()
