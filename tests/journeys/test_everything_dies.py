"""All processes are killed in the middle of an ingestion; started again, the job ends well, and once."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from server_trials import all_gone, eventually
from spotify_insights.pretend_spotify.config import PretendSpotifyConfig
from spotify_insights.pretend_spotify.faults import Delay
from spotify_insights.pretend_spotify.running import RunningPretendSpotify


@contextmanager
def up(folder: Path, pretend_spotify: RunningPretendSpotify) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`spotify-insights up` over a pretend Spotify of the test; the process and its address."""
    config = PretendSpotifyConfig()
    environment = {
        name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL"}
    }
    environment |= {
        "SPOTIFY_API_URL": pretend_spotify.base_url,
        "SPOTIFY_ACCOUNTS_URL": pretend_spotify.base_url,
        "SPOTIFY_MODE": "extended",
        "SPOTIFY_CLIENT_ID": config.client_id,
        "SPOTIFY_CLIENT_SECRET": config.client_secret or "",
    }
    with subprocess.Popen(  # noqa: S603  # our own program
        [
            *(sys.executable, "-m", "spotify_insights", "up", "--no-browser"),
            *("--port", "0", "--data-dir", str(folder)),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        try:
            assert process.stdout is not None
            ready = next(line for line in process.stdout if line.startswith("Ready:"))
            yield process, ready.split()[1]
        finally:
            process.kill()


def call(method: str, url: str, body: dict[str, object] | None = None) -> dict[str, Any]:
    request = urllib.request.Request(  # noqa: S310  # our own server on loopback
        url,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={} if body is None else {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310
        answer: dict[str, Any] = json.load(response)
        return answer


@pytest.mark.slow
def test_an_ingestion_survives_the_death_of_every_process(
    tmp_path: Path, pretend_spotify: RunningPretendSpotify
) -> None:
    folder = tmp_path / "data"
    with up(folder, pretend_spotify) as (process, address):
        registration: dict[str, object] = {"spotify_user_id": "spotify_abc123"}
        user_id = call("POST", f"{address}/api/users/register", registration)["user_id"]
        tokens: dict[str, object] = {"access_token": "BQD...", "refresh_token": "AQC...", "expires_in": 3600}
        call("POST", f"{address}/api/tokens/store", {"user_id": user_id, **tokens})

        # The last of three calls hangs, so once the second was answered the job is in the middle of its work.
        pretend_spotify.control.queue(Delay(path="/v1/me/player/recently-played", seconds=12))
        task = call("POST", f"{address}/api/listening/ingest?user_id={user_id}")["status_url"]
        assert eventually(
            lambda: any("top/artists" in seen.path for seen in pretend_spotify.control.requests()),
            within=30,
        )
        assert call("GET", address + task)["status"] == "STARTED"

        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        for member in family:
            if member.is_running():
                member.kill()
        assert all_gone(family[1:])

    pretend_spotify.control.clear_faults()
    with up(folder, pretend_spotify) as (process, address):
        assert eventually(lambda: call("GET", address + task)["status"] == "SUCCESS", within=90)
        ended = call("GET", address + task)
        assert ended["attempts"] == 2
        assert ended["error"] is None

        database_url = f"postgresql://spotify_insights@/spotify_insights?host={folder / 'run' / 'postgres'}"
        with psycopg.connect(database_url) as connection:
            plays, distinct = connection.execute(
                "SELECT count(*), count(DISTINCT (ended_at, track_id)) FROM plays"
            ).fetchone() or (0, 0)
            [snapshots] = connection.execute("SELECT count(*) FROM listening_snapshots").fetchone() or (0,)
        assert plays == distinct == ended["result"]["new_plays"]
        assert snapshots == 1

        family = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 0
        assert all_gone(family, within=1)
        assert [path for path in folder.rglob("*") if path.is_socket()] == []
