"""The API as a program of its own, for what only a real server shows."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from server_trials import eventually

# What finding Python and its libraries takes; no setting of the person who runs the tests.
INHERITED = {
    name: os.environ[name] for name in ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH") if name in os.environ
}


@dataclass(frozen=True)
class LiveApi:
    """A running `spotify-insights api`: where it is, and the file that it logs to."""

    url: str
    log: Path


@contextmanager
def running_api(folder: Path, environment: dict[str, str]) -> Iterator[LiveApi]:
    """The API on a free port of loopback, ready, until the block ends."""
    log, ready = folder / "api.log", folder / "ready"
    with socket.create_server(("127.0.0.1", 0)) as listener, log.open("wb") as output:
        port = listener.getsockname()[1]
        process = subprocess.Popen(  # noqa: S603  # our own program
            [sys.executable, "-m", "spotify_insights", "api", "--fd", str(listener.fileno())],
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            pass_fds=[listener.fileno()],
            env={**INHERITED, "LOG_LEVEL": "DEBUG", "READY_FILE": str(ready), **environment},
        )
        try:
            assert eventually(ready.exists, within=30), log.read_text(encoding="utf-8")
            yield LiveApi(f"http://127.0.0.1:{port}", log)
        finally:
            process.terminate()
            process.wait(timeout=30)
