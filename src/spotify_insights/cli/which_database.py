"""Which database an operator's command means: the one that is named, or that of a running `up`."""

import os
import socket
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from spotify_insights.cli.data_directory import default_data_dir
from spotify_insights.embedded.cluster import DATABASE, ROLE
from spotify_insights.embedded.data_folder import DataFolder
from spotify_insights.errors import SetupError

# PostgreSQL names its socket after its port, also where it listens on nothing else.
_SOCKET = "postgres/.s.PGSQL.5432"
_PATIENCE_SECONDS = 3.0


@dataclass(frozen=True)
class WhichDatabase:
    """A choice of database. A folder that is named comes first, then DATABASE_URL, then the usual folder.

    `data_dir` is the folder of an `up` or `demo`; `demo` alone is the demo's usual one.
    """

    data_dir: Path | None = None
    demo: bool = False

    @property
    def is_given(self) -> bool:
        """Whether it is the one of DATABASE_URL."""
        return bool(os.environ.get("DATABASE_URL")) and not self.demo and self.data_dir is None

    @property
    def folder(self) -> Path:
        """The data folder, where it is not the database of DATABASE_URL."""
        name = "spotify-insights-demo" if self.demo else "spotify-insights"
        return DataFolder(self.data_dir or default_data_dir(name)).path

    def url(self) -> str:
        """The address; asked anew after a loss, for a folder's servers may come back at another one.

        Raises:
            SetupError: nothing runs with the data folder.
        """
        if self.is_given:
            return os.environ["DATABASE_URL"]
        path = self.folder
        sockets = _socket_folder(path)
        if not _somebody_listens(sockets / _SOCKET):
            raise SetupError(self._nothing_runs(path))
        host = quote(os.fsencode(sockets / "postgres"), safe="/")
        return f"postgresql://{ROLE}@/{DATABASE}?host={host}"

    def cache_url(self) -> str | None:
        """Where the cache is, whether it answers or not; None where nothing says it."""
        if self.is_given:
            return os.environ.get("CACHE_URL") or os.environ.get("REDIS_URL")
        sockets = _socket_folder(self.folder)
        return f"unix://{quote(os.fsencode(sockets / 'valkey.sock'), safe='/')}?db=0"

    def _nothing_runs(self, path: Path) -> str:
        command = "demo" if self.demo else "up"
        option = f" --data-dir {path}" if self.data_dir else ""
        is_set = os.environ.get("DATABASE_URL")
        other = "leave the option out to use DATABASE_URL" if is_set else "set DATABASE_URL to use a server"
        return (
            f"No database runs with the data folder {path}. "
            f"Start it with `spotify-insights {command}{option}`, or {other}."
        )


def _socket_folder(data: Path) -> Path:
    """Where a running supervisor has put its sockets, read without touching the folder or its lock."""
    run = DataFolder(data).run
    try:
        return Path((run / "sockets").read_text(encoding="utf-8", errors="surrogateescape"))
    except FileNotFoundError:
        return run
    except OSError as error:
        raise SetupError(
            f"The data folder {data} cannot be read ({error.strerror}); ask as the user who owns it."
        ) from None


def _somebody_listens(path: Path) -> bool:
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(_PATIENCE_SECONDS)
            connection.connect(os.fsencode(path))
    except PermissionError:
        raise SetupError(
            f"The socket {path} is closed to this user; ask as the one who started it."
        ) from None
    except OSError:
        return False
    return True
