"""The one folder that holds everything an embedded installation keeps, closed to everybody else.

Inside: `postgres/` and `valkey/` (the data), `run/` (sockets and ready files), `logs/`, and `lock`.
"""

import os
import stat
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from spotify_insights.embedded.folder_lock import FolderLock
from spotify_insights.embedded.socket_folder import SocketFolder
from spotify_insights.errors import SetupError

# A fresh file system's root has this one, and it is nobody's data.
_HARMLESS_ENTRIES = frozenset({"lost+found"})


class DataFolder:
    """A folder of ours with mode 0700, held by at most one supervisor at a time.

    Entering it creates or checks the folder and takes its lock; leaving it gives the lock back and removes
    what does not survive a run. Child processes that receive `lock_descriptor` keep the folder locked until
    the last of them is gone, so that a crash never leaves two servers on the same data. Entering waits up to
    `remains_have_seconds` for such remains of a killed supervisor.
    """

    def __init__(self, path: Path, *, remains_have_seconds: float = 15.0) -> None:
        self.path = path.expanduser().resolve()
        self._lock = FolderLock(self.path, remains_have_seconds=remains_have_seconds)
        self._sockets = SocketFolder(self.run)
        self._descriptors: list[int] = []

    @property
    def postgres(self) -> Path:
        return self.path / "postgres"

    @property
    def valkey(self) -> Path:
        return self.path / "valkey"

    @property
    def run(self) -> Path:
        return self.path / "run"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def sockets(self) -> Path:
        """Where unix sockets go: `run/`, or a short folder elsewhere when the path here is too long."""
        return self._sockets.path

    @property
    def lock_descriptor(self) -> int:
        """The open lock file; a child that inherits it keeps the folder locked."""
        return self._lock.descriptor

    def __enter__(self) -> Self:
        """Raise SetupError if the folder cannot be used, or another supervisor or its servers hold it."""
        with self._foreseen():
            self._create()
        try:
            with self._foreseen():
                self._lock.acquire()
                self._close_to_others()
                self._sockets.open()
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for descriptor in self._descriptors:
            os.close(descriptor)
        self._descriptors.clear()
        self._sockets.close()
        self._lock.release()

    def descriptor_of(self, folder: Path) -> int:
        """A descriptor of a folder inside, for a child that may not walk there; open until we leave."""
        self._descriptors.append(os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
        return self._descriptors[-1]

    @contextmanager
    def _foreseen(self) -> Generator[None]:
        try:
            yield
        except (FileExistsError, NotADirectoryError):
            raise SetupError(f"{self.path} cannot be the data folder: a file is in the way.") from None
        except OSError as error:
            raise SetupError(
                f"The data folder {self.path} cannot be used ({error.strerror}); "
                "make it writable for this user or choose another one."
            ) from None

    def _create(self) -> None:
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        owner = self.path.stat().st_uid
        if owner != os.geteuid():
            raise SetupError(
                f"The data folder {self.path} belongs to user {owner}, and this is user {os.geteuid()}; "
                "start as its owner or choose another folder."
            )
        # Servers must not move into somebody's home folder because of a slip in an option.
        entries = {entry.name for entry in self.path.iterdir()} - _HARMLESS_ENTRIES
        if entries and FolderLock.FILE_NAME not in entries:
            raise SetupError(
                f"{self.path} holds other things and is no data folder of spotify-insights; "
                "choose a new or empty folder."
            )
        # The lock file comes first: it is what marks a half-made folder as ours.
        (self.path / FolderLock.FILE_NAME).touch(mode=0o600)
        for folder in (self.run, self.logs):
            folder.mkdir(mode=0o700, exist_ok=True)

    def _close_to_others(self) -> None:
        for folder in (self.path, self.run, self.logs):
            folder.chmod(0o700)
            if stat.S_IMODE(folder.stat().st_mode) != 0o700:
                raise SetupError(
                    f"The data folder {self.path} is open to other users and its file system cannot change "
                    "that; choose a folder on a file system with Unix permissions."
                )
