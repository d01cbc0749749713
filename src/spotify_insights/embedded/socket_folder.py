"""Where unix sockets live. Their whole path must fit into a field of 104 bytes (108 on Linux)."""

import os
import shutil
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from spotify_insights.errors import SetupError

# unix(4) on macOS: sun_path has 104 bytes, the last one is the terminating zero.
_LONGEST_PATH_BYTES = 103
_LONGEST_NAME = "postgres/.s.PGSQL.5432"
_PREFIX = "spotify-insights-"


class SocketFolder:
    """`run` itself, or a private folder with a short path where `run` is too deep or has an unfit name.

    A short folder is removed on `close`; `run/sockets` remembers it, so that one left by a crash goes too.
    """

    def __init__(self, run: Path) -> None:
        self._run = run
        self._record = run / "sockets"
        self.path = run

    def open(self) -> None:
        """Settle `path`. Raises SetupError if no short enough place is writable."""
        self._remove_recorded()
        if not _fits(self._run):
            self.path = _make_short_folder()
            self._record.write_text(str(self.path), encoding="utf-8", errors="surrogateescape")
        (self.path / "postgres").mkdir(mode=0o700, exist_ok=True)

    def close(self) -> None:
        self._remove_recorded()
        self.path = self._run

    def _remove_recorded(self) -> None:
        try:
            recorded = Path(self._record.read_text(encoding="utf-8", errors="surrogateescape"))
        except FileNotFoundError:
            return
        with suppress(FileNotFoundError):
            found = recorded.lstat()
            # Others may write to the temporary folder too: remove only what we made.
            if (
                recorded.name.startswith(_PREFIX)
                and stat.S_ISDIR(found.st_mode)
                and found.st_uid == os.geteuid()
            ):
                shutil.rmtree(recorded, ignore_errors=True)
        self._record.unlink()


def _make_short_folder() -> Path:
    for parent in (tempfile.gettempdir(), "/tmp", "/var/tmp"):  # noqa: S108  (mkdtemp makes it private)
        if _fits(Path(parent, _PREFIX + "12345678")):
            with suppress(OSError):
                return Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
    raise SetupError(
        "The data folder's path is too long for the servers' sockets, and no temporary folder is writable; "
        "choose a data folder with a shorter path."
    )


def _fits(folder: Path) -> bool:
    # A comma separates hosts in a PostgreSQL address, and there is no way to quote it.
    return len(os.fsencode(folder / _LONGEST_NAME)) <= _LONGEST_PATH_BYTES and "," not in str(folder)
