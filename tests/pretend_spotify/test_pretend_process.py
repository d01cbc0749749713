"""The pretend Spotify as a process of its own."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

COMMAND = (sys.executable, "-m", "spotify_insights.pretend_spotify")


@dataclass(frozen=True)
class Served:
    process: subprocess.Popen[str]
    base_url: str


@contextmanager
def served(folder: Path, *options: str, inherited: int | None = None) -> Iterator[Served]:
    ready = folder / "ready"
    process = subprocess.Popen(  # noqa: S603  our own command line
        [*COMMAND, *options],
        env={**os.environ, "READY_FILE": str(ready)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        pass_fds=() if inherited is None else (inherited,),
    )
    try:
        deadline = time.monotonic() + 20
        while not ready.exists():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline, "not listening within 20 s"
            time.sleep(0.02)
        yield Served(process, ready.read_text().strip())
    finally:
        process.kill()
        process.communicate()


def test_it_serves_until_told_to_end_and_prints_nothing(tmp_path: Path) -> None:
    with served(tmp_path, "--mode", "extended", "--accept-unknown-tokens") as spotify:
        headers = {"Authorization": "Bearer BQD..."}
        with httpx2.Client(base_url=spotify.base_url, headers=headers, trust_env=False) as client:
            assert len(client.get("/v1/me/top/tracks", params={"limit": 50}).json()["items"]) == 50
            assert client.get("/_pretend/clock").status_code == 404
            # The client still holds its connection open.
            spotify.process.send_signal(signal.SIGTERM)
            begun = time.monotonic()
            printed = spotify.process.communicate(timeout=10)
        assert time.monotonic() - begun < 10
        assert spotify.process.returncode == 0
        assert printed == ("", "")


def test_it_takes_over_a_socket_that_is_already_bound(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as bound:
        port = bound.getsockname()[1]
        with served(tmp_path, "--fd", str(bound.fileno()), inherited=bound.fileno()) as spotify:
            assert spotify.base_url == f"http://127.0.0.1:{port}"
            assert httpx2.get(f"{spotify.base_url}/v1/me", trust_env=False).status_code == 401


def test_a_taken_port_is_explained_in_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as bound:
        result = subprocess.run(  # noqa: S603  our own command line
            [*COMMAND, "--port", str(bound.getsockname()[1])],
            capture_output=True,
            text=True,
            check=False,
            timeout=20,
        )
    assert result.returncode == 1
    assert "--port" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert result.stdout == ""


@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_another_process_invents_the_same_plays(hash_seed: str) -> None:
    script = (
        "from datetime import UTC, datetime, timedelta\n"
        "from spotify_insights.pretend_spotify.listener import listener_of\n"
        "now = datetime(2026, 11, 22, tzinfo=UTC)\n"
        "for play in listener_of('omnivore').plays_between(now - timedelta(days=3), now):\n"
        "    print(play.track.id, play.track.name, play.ended_at.isoformat())\n"
    )
    result = subprocess.run(  # noqa: S603  our own script
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        check=True,
        timeout=20,
    )
    here: list[str] = []
    exec(script, {"print": lambda *words: here.append(" ".join(map(str, words)))})  # noqa: S102  the same script, here
    assert result.stdout.splitlines() == here


def test_it_imports_nothing_else_of_the_product() -> None:
    script = (
        "import sys, spotify_insights.pretend_spotify.serve, spotify_insights.pretend_spotify.running\n"
        "print([name for name in sys.modules if name.startswith('spotify_insights.')"
        " and not name.startswith('spotify_insights.pretend_spotify')])"
    )
    result = subprocess.run(  # noqa: S603  our own script
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=20
    )
    assert result.stdout.strip() == "[]"
