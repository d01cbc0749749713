"""`spotify-insights flower` starts with a password alone, and stops whatever its broker does."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from flower_trials import BROKER_PASSWORD, PASSWORD, environment, running_flower
from spotify_insights.errors import SetupError
from spotify_insights.worker.flower import run_flower


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "FLOWER_PASSWORD is not set."),
        ({"FLOWER_PASSWORD": ""}, "FLOWER_PASSWORD is not set."),
        # A browser could not say it.
        ({"FLOWER_PASSWORD": PASSWORD, "FLOWER_USER": "a:b"}, "The setting FLOWER_USER cannot be used"),
    ],
)
def test_without_a_password_that_can_be_said_it_does_not_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, given: dict[str, str], said: str
) -> None:
    monkeypatch.delenv("FLOWER_PASSWORD", raising=False)
    for name, value in {**environment("redis://127.0.0.1:1/0", tmp_path), **given}.items():
        monkeypatch.setenv(name, value)
    # Should it start after all, it ends for another reason instead of serving for ever.
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(SetupError, match=f"^{said}") as refused,
    ):
        run_flower(address="127.0.0.1", port=taken.getsockname()[1])
    assert PASSWORD not in refused.value.message


@pytest.mark.slow
def test_a_port_that_is_taken_is_one_sentence(tmp_path: Path) -> None:
    given = {"FLOWER_PASSWORD": PASSWORD, "LOG_LEVEL": "WARNING"}
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = subprocess.run(  # noqa: S603  # our own program
            [sys.executable, "-m", "spotify_insights", "flower", "--port", str(port)],
            check=False,
            env={**environment("redis://127.0.0.1:1/0", tmp_path), **given},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith(f"Flower cannot serve 127.0.0.1:{port} (Address already in use)")
    assert ended.stderr.count("\n") == 1


def test_it_stops_at_once_although_its_broker_never_answers(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        with running_flower(f"redis://:{BROKER_PASSWORD}@{address}/0", tmp_path) as flower:
            assert flower.ask("/healthcheck").status == 200
            flower.process.terminate()
            # Answers of a broker are waited for longer than this.
            assert flower.process.wait(timeout=4) == 0
            assert BROKER_PASSWORD not in flower.log
