"""Who may use a data folder: two advisory locks, flock(2), that end with their holders and not before.

The supervisor alone holds `run/supervisor`; it answers "is one running?". The `lock` is inherited by the
servers, stays until the last of them is gone, and answers "may a new server touch the data?". Process ids
answer neither: after a container restart the same numbers belong to others.
"""

import fcntl
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from spotify_insights.embedded.remains import end_remains
from spotify_insights.errors import SetupError

_LOOK_EVERY_SECONDS = 0.05


class FolderLock:
    """The lock of one data folder. `folder` and its `run` must exist before `acquire`."""

    FILE_NAME: Final = "lock"

    def __init__(self, folder: Path, *, remains_have_seconds: float) -> None:
        self._folder = folder
        self._remains_have_seconds = remains_have_seconds
        self._supervisor: int | None = None
        self._servers: int | None = None

    @property
    def descriptor(self) -> int:
        """The servers' lock file, open for as long as the lock is held."""
        if self._servers is None:
            raise RuntimeError("the folder is not locked")
        return self._servers

    def acquire(self) -> None:
        """Take both locks, waiting a while for servers that a killed supervisor left behind.

        Raises SetupError at once if another supervisor runs, and after the wait if its servers still do.
        """
        self._supervisor = self._open(self._folder / "run" / "supervisor")
        if not _try_lock(self._supervisor):
            process = os.pread(self._supervisor, 20, 0).decode("ascii", "replace").strip() or "unknown"
            self.release()
            raise SetupError(
                f"spotify-insights is already running (process {process}) with this data folder: "
                f"{self._folder}. Stop it first, or choose another folder."
            )
        os.ftruncate(self._supervisor, 0)
        os.pwrite(self._supervisor, f"{os.getpid()}\n".encode(), 0)
        self._servers = self._open(self._folder / self.FILE_NAME)
        try:
            self._outlast_the_remains(self._servers)
        except BaseException:
            self.release()
            raise

    def release(self) -> None:
        """Give both locks back; children that inherited the servers' lock keep it for themselves."""
        for descriptor in (self._servers, self._supervisor):
            if descriptor is not None:
                os.close(descriptor)
        self._servers = self._supervisor = None

    def _outlast_the_remains(self, descriptor: int) -> None:
        deadline = time.monotonic() + self._remains_have_seconds
        if _try_lock(descriptor):
            return
        end_remains(self._folder)
        while not _try_lock(descriptor):
            if time.monotonic() > deadline:
                raise SetupError(
                    f"Servers of an earlier run still use the data folder {self._folder}; "
                    "end them (postgres, valkey-server) and start again."
                )
            time.sleep(_LOOK_EVERY_SECONDS)

    def _open(self, path: Path) -> int:
        try:
            return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            with suppress(OSError):
                self.release()
            raise SetupError(f"The lock file {path} cannot be opened ({error.strerror}).") from None


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise SetupError(
            f"The data folder's file system cannot lock files ({error.strerror}); choose a local folder."
        ) from None
    return True
