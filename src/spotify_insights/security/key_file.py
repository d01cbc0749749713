"""Writing the key file: always whole, with mode 0600, and one change after the other."""

import fcntl
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from spotify_insights.errors import SetupError
from spotify_insights.security.key_ring import KeyRing

_OTHERS_MAY_READ: Final = stat.S_IRGRP | stat.S_IROTH


def create_key_file(path: Path) -> bool:
    """Write a ring with one fresh key, mode 0600, unless the file exists; say whether it was written.

    Two processes that race make one ring: the file appears complete or not at all.

    Raises:
        SetupError: the folder cannot be written.
    """
    if path.exists():
        return False
    with _told(path):
        draft = _draft(path, KeyRing.of_one_new_key())
        try:
            os.link(draft, path)
        except FileExistsError:
            return False
        finally:
            draft.unlink()
        _sync_folder(path)
    return True


def change_key_file(path: Path, change: Callable[[KeyRing], KeyRing]) -> KeyRing:
    """Put the ring that `change` makes of it in the place of the present one, and return it.

    Whoever reads meanwhile finds one or the other, also after a crash; changes wait for each other. The file
    keeps its owner.

    Raises:
        SetupError: the file cannot be read or written, others than its owner may read it, or `change`
            refuses; then nothing has changed.
    """
    # What a link leads to is replaced, not the link.
    place = path.resolve()
    with _told(path), _alone_in(place.parent):
        ring = KeyRing.from_file(place)
        now = place.stat()
        if now.st_mode & _OTHERS_MAY_READ:
            raise SetupError(
                f"The key file {path} can be read by others than its owner. Make it private with "
                f"`chmod 600 {path}` first; who could read it until now may know its keys."
            )
        changed = change(ring)
        draft = _draft(place, changed)
        try:
            os.chown(draft, now.st_uid, now.st_gid)
            draft.replace(place)
        except OSError:
            draft.unlink(missing_ok=True)
            raise
        _sync_folder(place)
    return changed


def _draft(path: Path, ring: KeyRing) -> Path:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(ring.to_json())
        file.flush()
        os.fsync(file.fileno())
    return draft


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SetupError(f"The key file {path} cannot be written: {error.strerror}.") from None


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """A lock on the folder, for that on a file would go with the file."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _sync_folder(path: Path) -> None:
    """Make the new name last through a loss of power, where the file system lets us."""
    with suppress(OSError):
        descriptor = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
