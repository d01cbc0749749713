import fcntl
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from server_trials import PROGRAMS, all_gone, eventually, family_of, holding
from spotify_insights.embedded.data_folder import DataFolder
from spotify_insights.embedded.valkey import EmbeddedValkey

pytest_plugins = ["server_folders"]


@pytest.mark.parametrize("postgres_user", ["usual", "nobody"])
def test_nothing_is_left_of_a_killed_supervisor(reachable: Path, postgres_user: str) -> None:
    if postgres_user == "nobody" and os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    with holding("hold_servers.py", str(reachable / "data"), postgres_user) as holder:
        family = holder.family
        assert {int(holder.told["postgres"]), int(holder.told["valkey"])} <= {child.pid for child in family}
        # Somebody who is connected must not keep the server alive.
        with psycopg.connect(holder.told["database_url"]):
            holder.kill()
            assert all_gone(family)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(holder.told["database_url"])
    with redis.Redis.from_url(holder.told["redis_url"]) as client, pytest.raises(redis.ConnectionError):
        client.ping()
    # The kernel's word was "shut down", not "die": the database needs no repair.
    log = (reachable / "data" / "logs" / "postgres.log").read_text()
    assert log.rstrip().endswith("database system is shut down")


def test_a_killed_start_leaves_no_initdb_behind(tmp_path: Path) -> None:
    command = [sys.executable, str(PROGRAMS / "hold_servers.py"), str(tmp_path / "data")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:  # noqa: S603  (our own)
        assert eventually((tmp_path / "data" / "postgres.init" / "PG_VERSION").exists, within=60)
        family = psutil.Process(holder.pid).children(recursive=True)
        assert any(process.name() == "initdb" for process in family)
        holder.kill()
        # It may be waiting for a slow disk.
        assert all_gone(family, within=60)


@pytest.mark.parametrize("how", ["usual", "thread"])
def test_a_process_can_bind_itself_to_its_parent(how: str) -> None:
    with holding("hold_bound_child.py", how) as holder:
        bound = family_of(int(holder.told["child"]))
        holder.kill()
        assert all_gone(bound)


def test_a_parent_that_was_gone_before_the_promise_counts_too() -> None:
    command = [sys.executable, str(PROGRAMS / "bound_child.py"), "late"]
    finished = subprocess.run(command, check=False, capture_output=True, timeout=30)  # noqa: S603  (our own)
    assert finished.returncode == -signal.SIGKILL
    assert finished.stdout == b""


def test_a_child_is_started_by_the_main_thread_or_not_at_all(tmp_path: Path) -> None:
    # The kernel would end it together with the thread.
    caught: list[RuntimeError] = []

    def start(valkey: EmbeddedValkey) -> None:
        try:
            valkey.launch()
        except RuntimeError as error:
            caught.append(error)

    with DataFolder(tmp_path / "data") as data:
        thread = threading.Thread(target=start, args=(EmbeddedValkey(data),))
        thread.start()
        thread.join()
    assert len(caught) == 1


@pytest.mark.slow
def test_servers_that_no_kernel_ended_are_ended_by_the_next_start(tmp_path: Path) -> None:
    # What macOS leaves behind: servers whose supervisor is gone.
    with holding("hold_servers.py", str(tmp_path / "data"), "unbound") as holder:
        family = holder.family
        holder.kill()
        assert all(process.is_running() for process in family)
        with DataFolder(tmp_path / "data"):
            assert all_gone(family, within=0)


@pytest.mark.parametrize("survivor", ["postgres", "valkey"])
def test_each_server_keeps_the_folder_locked_by_itself(folder: Path, survivor: str) -> None:
    with holding("hold_servers.py", str(folder), "unbound") as holder:
        last = family_of(int(holder.told[survivor]))
        others = [process for process in holder.family if process not in last]
        holder.kill()
        kill(others)
        assert all_gone(others)
        assert is_locked(folder)
        kill(last)
        assert eventually(lambda: not is_locked(folder))


def kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        # Some end by themselves when another does.
        with suppress(psutil.NoSuchProcess):
            process.kill()


def is_locked(folder: Path) -> bool:
    with (folder / "lock").open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
