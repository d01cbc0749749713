import os
import signal
import subprocess
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from server_trials import eventually, holding, keep, kept
from spotify_insights.embedded.child_process import start_together
from spotify_insights.embedded.data_folder import DataFolder
from spotify_insights.embedded.postgres import EmbeddedPostgres
from spotify_insights.embedded.servers import running_servers
from spotify_insights.embedded.valkey import EmbeddedValkey
from spotify_insights.errors import SetupError

pytest_plugins = ["server_folders"]


@pytest.mark.parametrize("name", ["postgres", "valkey"])
def test_a_killed_server_starts_again_with_its_data(folder: Path, name: str) -> None:
    with running_servers(folder) as servers:
        keep(servers.database_url, servers.redis_url, "before")
        victim = servers.postgres if name == "postgres" else servers.valkey
        os.kill(victim.pid, signal.SIGKILL)
        assert eventually(lambda: not victim.is_running)
        # PostgreSQL's other processes may need a moment to notice, and refuse a successor meanwhile.
        assert eventually(lambda: started_again(victim))
        assert kept(servers.database_url, servers.redis_url) == (["before"], ["before"])


def started_again(server: EmbeddedPostgres | EmbeddedValkey) -> bool:
    try:
        server.start()
    except SetupError:
        return False
    return True


def test_servers_of_a_killed_supervisor_leave_their_data_to_the_next(folder: Path) -> None:
    with holding("hold_servers.py", str(folder)) as holder:
        keep(holder.told["database_url"], holder.told["redis_url"], "before")
        holder.kill()
        # At once: the next start itself waits until the old servers are gone.
        with running_servers(folder) as servers:
            assert kept(servers.database_url, servers.redis_url) == (["before"], ["before"])


@pytest.mark.slow
def test_everything_killed_at_once_starts_again(folder: Path) -> None:
    with holding("hold_servers.py", str(folder)) as holder:
        keep(holder.told["database_url"], holder.told["redis_url"], "before")
        # The supervisor is stopped first, so that it cannot react to its children's end.
        os.kill(holder.process.pid, signal.SIGSTOP)
        for process in holder.family:
            # Some end by themselves, out of grief for another.
            with suppress(psutil.NoSuchProcess):
                process.kill()
        holder.kill()
        with running_servers(folder) as servers:
            assert kept(servers.database_url, servers.redis_url) == (["before"], ["before"])


def test_a_cut_log_of_valkey_is_used_and_a_damaged_one_set_aside(tmp_path: Path) -> None:
    with DataFolder(tmp_path / "data") as data:
        with holding_valkey(data) as client:
            client.set("early", "1")
            client.set("late", "x" * 100)
        log = next(data.valkey.glob("appendonlydir/*.incr.aof"))
        written = log.read_bytes()

        log.write_bytes(written[:-20])
        with holding_valkey(data) as client:
            assert client.keys() == ["early"]

        log.write_bytes(written[:10] + bytes(50) + written[60:])
        with holding_valkey(data) as client:
            assert client.keys() == []
        assert (data.path / "valkey.damaged").is_dir()


@contextmanager
def holding_valkey(data: DataFolder) -> Generator["redis.Redis"]:
    valkey = EmbeddedValkey(data)
    try:
        valkey.start()
        with redis.Redis.from_url(valkey.url, decode_responses=True) as client:
            yield client
    finally:
        valkey.stop()


def test_a_pid_file_that_names_a_living_stranger_does_not_keep_postgres_from_starting(folder: Path) -> None:
    # As in a container that was killed and started again: the number now belongs to somebody else, whom
    # PostgreSQL by itself takes for a running server.
    with subprocess.Popen(["/bin/sleep", "60"]) as stranger:
        recorded = f"{stranger.pid}\n{folder}/postgres\n1700000000\n5432\n{folder}/run/postgres\n\n"
        try:
            (folder / "postgres" / "postmaster.pid").write_text(recorded)
            (folder / "run" / "postgres" / ".s.PGSQL.5432.lock").write_text(recorded)
            with running_servers(folder, durable=False) as servers:
                psycopg.connect(servers.database_url).close()
        finally:
            stranger.kill()


def marked_as_data_folder(folder: Path) -> Path:
    (folder / "lock").touch()
    return folder


def test_a_half_made_database_is_made_anew(tmp_path: Path) -> None:
    # A killed start leaves a folder of this name, whatever is inside.
    folder = marked_as_data_folder(tmp_path)
    (folder / "postgres.init").mkdir()
    (folder / "postgres.init" / "PG_VERSION").write_text("18\n")
    with running_servers(folder, durable=False) as servers:
        psycopg.connect(servers.database_url).close()
    assert not (folder / "postgres.init").exists()


def test_a_database_of_another_major_version_is_refused_with_a_sentence(tmp_path: Path) -> None:
    folder = marked_as_data_folder(tmp_path)
    (folder / "postgres").mkdir()
    (folder / "postgres" / "PG_VERSION").write_text("12\n")
    with (
        pytest.raises(SetupError, match=r"was made by PostgreSQL 12.*brings PostgreSQL \d+;.*pg_dump"),
        running_servers(folder, durable=False),
    ):
        pass


def test_the_first_server_that_fails_is_told_with_its_own_last_words(folder: Path) -> None:
    (folder / "postgres" / "global" / "pg_control").unlink()
    with DataFolder(folder) as data:
        valkey, postgres = EmbeddedValkey(data), EmbeddedPostgres(data, durable=False)
        try:
            with pytest.raises(SetupError, match=r"PostgreSQL could not start: .*postgres\.log"):
                start_together([valkey, postgres])
            assert "pg_control" in postgres.last_words()
            assert valkey.is_running
        finally:
            valkey.stop()
            postgres.stop()
