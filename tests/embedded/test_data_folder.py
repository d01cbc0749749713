import os
import stat
from pathlib import Path

import pytest

from server_trials import ORDINARY_USER, PROGRAMS, eventually, holding, run_as
from spotify_insights.embedded.data_folder import DataFolder
from spotify_insights.embedded.servers import running_servers
from spotify_insights.errors import SetupError

pytest_plugins = ["server_folders"]


def test_a_new_folder_is_closed_to_everybody_else_and_its_parents_are_made(tmp_path: Path) -> None:
    with DataFolder(tmp_path / "some" / "where") as data:
        for made in (data.path, data.run, data.logs):
            assert stat.S_IMODE(made.stat().st_mode) == 0o700


def test_a_second_supervisor_is_refused_at_once_and_told_which_process_it_is(tmp_path: Path) -> None:
    with DataFolder(tmp_path / "data") as data:
        with (
            pytest.raises(SetupError, match=rf"already running \(process {os.getpid()}\).*{data.path}"),
            DataFolder(tmp_path / "data"),
        ):
            pass
        # Being refused must not have loosened the first one's hold.
        with pytest.raises(SetupError, match="already running"), DataFolder(tmp_path / "data"):
            pass
    with DataFolder(tmp_path / "data"):
        pass


def test_another_process_is_refused_too(tmp_path: Path) -> None:
    with holding("hold_folder.py", str(tmp_path / "data")) as holder:
        expected = rf"already running \(process {holder.process.pid}\)"
        with pytest.raises(SetupError, match=expected), running_servers(tmp_path / "data"):
            pass


def test_a_recorded_process_that_is_long_gone_or_a_stranger_does_not_matter(tmp_path: Path) -> None:
    with DataFolder(tmp_path / "data") as data:
        record = data.run / "supervisor"
    record.write_text(f"{os.getppid()}\n")
    with DataFolder(tmp_path / "data"):
        pass


def test_a_child_that_inherited_the_lock_keeps_others_out_after_its_supervisor_died(tmp_path: Path) -> None:
    with holding("hold_folder.py", str(tmp_path / "data"), "leave-a-child") as holder:
        child = int(holder.told["child"])
        holder.kill()
        refused = pytest.raises(SetupError, match="Servers of an earlier run still use the data folder")
        with refused, DataFolder(tmp_path / "data", remains_have_seconds=0.2):
            pass
        os.kill(child, 9)
        assert eventually(lambda: can_be_entered(tmp_path / "data"))


def can_be_entered(folder: Path) -> bool:
    try:
        with DataFolder(folder, remains_have_seconds=0):
            return True
    except SetupError:
        return False


def test_somebody_elses_things_are_not_moved_in_with(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("three years of work")
    tmp_path.chmod(0o755)
    with pytest.raises(SetupError, match="holds other things"), DataFolder(tmp_path):
        pass
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755


@pytest.mark.parametrize("path", ["file", "file/below"])
def test_a_file_in_the_way_is_told(tmp_path: Path, path: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SetupError, match="a file is in the way"), DataFolder(tmp_path / path):
        pass


@pytest.mark.usefixtures("with_namespaces")
def test_a_folder_that_cannot_be_written_is_told(reachable: Path) -> None:
    closed = reachable / "closed"
    closed.mkdir(mode=0o500)
    for folder in (closed, closed / "below"):
        finished = run_as(ORDINARY_USER, PROGRAMS / "hold_folder.py", str(folder))
        assert finished.returncode == 1
        assert finished.stderr == (
            f"The data folder {folder} cannot be used (Permission denied); "
            "make it writable for this user or choose another one.\n"
        )


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give folders away")
def test_a_folder_of_another_user_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    os.chown(folder, 12345, 12345)
    with pytest.raises(SetupError, match="belongs to user 12345, and this is user 0"), DataFolder(folder):
        pass


@pytest.mark.parametrize("name", ["long" * 20, "a,b"])
def test_a_path_unfit_for_sockets_gets_others_that_leave_nothing_behind(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    with DataFolder(folder) as data:
        sockets = data.sockets
        assert not sockets.is_relative_to(folder)
        # macOS has the shortest field for a socket's path: 104 bytes with the zero at its end.
        assert len(os.fsencode(sockets / "postgres" / ".s.PGSQL.5432")) < 104
        assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
    assert not sockets.exists()


def test_short_sockets_left_by_a_crash_go_at_the_next_start(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 20)
    with holding("hold_folder.py", str(folder)) as holder:
        left_behind = Path(holder.told["sockets"])
        holder.kill()
    assert left_behind.is_dir()
    with DataFolder(folder):
        assert not left_behind.exists()


def test_a_record_of_short_sockets_that_names_something_else_removes_nothing(tmp_path: Path) -> None:
    innocent = tmp_path / "innocent"
    innocent.mkdir()
    with DataFolder(tmp_path / "data") as data:
        record = data.run / "sockets"
    record.write_text(str(innocent))
    with DataFolder(tmp_path / "data"):
        assert innocent.is_dir()
