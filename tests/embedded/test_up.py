import http.client
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from server_trials import all_gone, eventually
from spotify_insights.cli.data_directory import default_data_dir
from spotify_insights.embedded.servers import running_servers


def find_free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def running(
    *arguments: str,
    folder: Path,
    port: int,
    environment: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Generator[subprocess.Popen[str]]:
    """The command line, with servers of its own unless `environment` says otherwise."""
    without = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL"}}
    options = ("--data-dir", str(folder), "--port", str(port), "--no-browser")
    with subprocess.Popen(  # noqa: S603  (our own program)
        [sys.executable, "-P", "-m", "spotify_insights", *arguments, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**without, **(environment or {})},
        cwd=cwd,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def refusal(*arguments: str, folder: Path, port: int, environment: Mapping[str, str] | None = None) -> str:
    """What `up` says when it refuses to start: one sentence, and exit code 1."""
    with running("up", *arguments, folder=folder, port=port, environment=environment) as process:
        _, said = process.communicate(timeout=30)
    assert process.returncode == 1
    assert said.count("\n") == 1
    return said


def lines_until_ready(process: subprocess.Popen[str]) -> list[str]:
    lines: list[str] = []
    assert process.stdout is not None
    for line in process.stdout:
        lines.append(line.rstrip("\n"))
        if line.startswith("Ready:"):
            return lines
    assert process.stderr is not None
    raise AssertionError((lines, process.stderr.read()))


def ends_well(process: subprocess.Popen[str]) -> bool:
    assert process.stderr is not None
    return process.wait(timeout=60) == 0 and process.stderr.read() == ""


def health(port: int) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status
    finally:
        connection.close()


def test_up_serves_until_ctrl_c_and_leaves_nothing_running(tmp_path: Path) -> None:
    folder, port = tmp_path / "data", find_free_port()
    # A module that is in the way where it is started must not be taken for the real one.
    (tmp_path / "redis.py").write_text("raise RuntimeError('not this one')")
    with running("up", folder=folder, port=port, cwd=tmp_path) as process:
        assert lines_until_ready(process)[-1] == f"Ready: http://127.0.0.1:{port}  (Ctrl-C stops everything)"
        assert health(port) == 200
        assert (folder / "keys.json").stat().st_mode & 0o777 == 0o600
        assert f"already running (process {process.pid})" in refusal(folder=folder, port=find_free_port())
        family = psutil.Process(process.pid).children(recursive=True)
        commands = "\n".join(" ".join(child.cmdline()) for child in family)
        for door in ("spotify_insights api", "worker spotify", "worker insights", "worker scheduled", "beat"):
            assert door in commands
        process.send_signal(signal.SIGINT)
        assert ends_well(process)
        assert all_gone(family, within=0)


@pytest.mark.slow
def test_nothing_is_left_when_up_is_killed_and_it_starts_again(tmp_path: Path) -> None:
    folder, port = tmp_path / "data", find_free_port()
    with running("up", folder=folder, port=port) as process:
        lines_until_ready(process)
        family = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        assert all_gone(family)
    with running("up", folder=folder, port=port) as process:
        lines_until_ready(process)
        assert health(port) == 200
        process.terminate()
        assert ends_well(process)


@pytest.mark.slow
def test_the_api_answers_again_after_api_and_database_were_killed(tmp_path: Path) -> None:
    port = find_free_port()
    with running("up", folder=tmp_path / "data", port=port) as process:
        lines_until_ready(process)
        for child in psutil.Process(process.pid).children():
            if {"api", "-D"} & set(child.cmdline()):
                child.kill()
        assert eventually(lambda: health(port) == 200, within=60)
        process.terminate()
        assert ends_well(process)


@pytest.mark.slow
@pytest.mark.parametrize("log", ["valkey", "postgres", "api"])
def test_ctrl_c_during_the_start_is_an_ordinary_end(tmp_path: Path, log: str) -> None:
    with running("up", folder=tmp_path / "data", port=find_free_port()) as process:
        # A log appears as its process does, so this is the middle of the start.
        assert eventually((tmp_path / "data" / "logs" / f"{log}.log").exists, within=60)
        family = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGINT)
        assert ends_well(process)
        assert all_gone(family, within=1)


@pytest.mark.slow
def test_the_demo_starts_with_its_pretend_spotify(tmp_path: Path) -> None:
    port = find_free_port()
    with running("demo", folder=tmp_path / "data", port=port) as process:
        assert any("a pretend one" in line for line in lines_until_ready(process))
        assert health(port) == 200
        process.terminate()
        assert ends_well(process)


@pytest.mark.slow
def test_given_servers_are_used_and_none_of_its_own_are_started(tmp_path: Path) -> None:
    port = find_free_port()
    with running_servers(tmp_path / "given", durable=False) as given:
        environment = {"DATABASE_URL": given.database_url, "REDIS_URL": given.redis_url}
        with running("up", folder=tmp_path / "data", port=port, environment=environment) as process:
            assert sum("_URL)" in line for line in lines_until_ready(process)) == 2
            assert health(port) == 200
            commands = [child.cmdline()[0] for child in psutil.Process(process.pid).children()]
            assert not [name for name in commands if "postgres" in name or "valkey" in name]
            process.terminate()
            assert ends_well(process)


def test_a_port_in_use_is_told_before_anything_is_started(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        said = refusal(folder=tmp_path / "data", port=port)
    assert said.startswith(f"Port {port} on 127.0.0.1 is in use;")
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])  # noqa: S104  (they are refused)
def test_without_sign_in_only_this_machine_is_served(tmp_path: Path, host: str) -> None:
    said = refusal("--host", host, folder=tmp_path / "data", port=find_free_port())
    assert said.startswith("AUTH_MODE is open")
    assert host in said


def test_with_sign_in_others_are_served_at_a_public_address_only(tmp_path: Path) -> None:
    said = refusal(
        *("--host", "0.0.0.0"),  # noqa: S104  (it is refused)
        folder=tmp_path / "data",
        port=find_free_port(),
        environment={"AUTH_MODE": "required"},
    )
    assert said.startswith("--host 0.0.0.0 serves other machines, and PUBLIC_URL is not set")
    assert "localhost" not in said


@pytest.mark.parametrize(
    ("setting", "address"),
    [
        pytest.param("DATABASE_URL", "postgresql://me:canary@127.0.0.1:1/insights", id="no such server"),
        pytest.param("DATABASE_URL", "postgresql://me:x@127.0.0.1:canary/insights", id="no such port"),
        pytest.param("DATABASE_URL", "the canary's database", id="no address"),
        pytest.param("DATABASE_URL", "postgresql://me@/name?host=/nowhere&password=canary", id="no socket"),
        pytest.param("DATABASE_URL", "postgresql://me:12/canary@host/name", id="password unescaped"),
        pytest.param("REDIS_URL", "redis://:canary@127.0.0.1:1/0", id="no such Redis"),
        pytest.param("REDIS_URL", "redis://:12/canary@host/0", id="Redis password unescaped"),
        pytest.param("REDIS_URL", "redis://:x@127.0.0.1:canary/0", id="no such Redis port"),
        pytest.param("REDIS_URL", "canary", id="no Redis address"),
    ],
)
def test_a_server_that_does_not_answer_is_told_without_secrets(
    tmp_path: Path, setting: str, address: str
) -> None:
    said = refusal(folder=tmp_path / "data", port=find_free_port(), environment={setting: address})
    assert setting in said
    assert "canary" not in said


@pytest.mark.parametrize("given", ["", "relative/is/invalid", "/absolute"])
def test_the_usual_folder_is_where_the_system_keeps_such_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", given)
    expected = Path("/absolute") if given == "/absolute" else tmp_path / ".local" / "share"
    assert default_data_dir("name") == expected / "name"


@pytest.mark.slow
def test_the_demo_leaves_real_data_alone(tmp_path: Path) -> None:
    # Addresses that nobody answers at: were they asked, the demo would not start.
    real = {"DATABASE_URL": "postgresql://me:x@127.0.0.1:1/real", "CACHE_URL": "redis://127.0.0.1:1/0"}
    (tmp_path / ".env").write_text("REDIS_URL=redis://127.0.0.1:1/0\n")
    port = find_free_port()
    with running("demo", folder=tmp_path / "data", port=port, environment=real, cwd=tmp_path) as process:
        lines = lines_until_ready(process)
        assert any("left alone DATABASE_URL, REDIS_URL, CACHE_URL" in line for line in lines)
        assert health(port) == 200
        process.terminate()
        assert ends_well(process)


def test_a_wrong_setting_is_told_before_anything_is_changed(tmp_path: Path) -> None:
    said = refusal(folder=tmp_path / "data", port=0, environment={"LOG_LEVEL": "loud"})
    assert said.startswith("The setting LOG_LEVEL cannot be used")
    assert not (tmp_path / "data" / "keys.json").exists()


def test_an_unreadable_settings_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"LOG_LEVEL=\xff\xfe")
    with running("up", folder=tmp_path / "data", port=0, cwd=tmp_path) as process:
        _, said = process.communicate(timeout=30)
    assert process.returncode == 1
    assert said.startswith("The file .env of this folder cannot be read")
    assert said.count("\n") == 1


def test_a_log_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    (folder / "logs" / "valkey.log").mkdir(parents=True)
    folder.chmod(0o700)
    (folder / "lock").touch()
    assert "valkey.log" in refusal(folder=folder, port=0)
