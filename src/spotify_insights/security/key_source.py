"""Where a process gets its key ring from, and how it learns that the ring has changed."""

import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from spotify_insights.errors import SetupError
from spotify_insights.observability import get_logger
from spotify_insights.security.key_ring import KeyRing
from spotify_insights.settings import Settings

_log = get_logger(__name__)

LOOK_AGAIN_SECONDS: Final = 1.0
"""A changed key file is noticed so soon by whoever seals."""


class KeySource(Protocol):
    """The key ring of a process. Threads may share it."""

    def ring(self) -> KeyRing:
        """The ring to work with; a change may be noticed a moment later."""
        ...

    def ring_with(self, key_id: str) -> KeyRing:
        """The ring, read anew where it lacks this key. It may lack it nevertheless."""
        ...


@dataclass(frozen=True, repr=False)
class GivenKeys:
    """A ring that stays as it is while the process runs."""

    given: KeyRing

    def ring(self) -> KeyRing:
        return self.given

    def ring_with(self, key_id: str) -> KeyRing:  # noqa: ARG002  # there is no other one
        return self.given


class WatchedKeyFile:
    """A key file that may be replaced while the process runs.

    A new version that cannot be read is told to the log once, and the ring stays as it was: whoever edits the
    file by hand must not bring everything down.

    Raises:
        SetupError: there is no usable file to begin with.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._looked_at = time.monotonic()
        # Before the content: a change in between is then noticed at the next look.
        self._seen = self._version()
        self._ring = KeyRing.from_file(path)

    def ring(self) -> KeyRing:
        if time.monotonic() - self._looked_at >= LOOK_AGAIN_SECONDS:
            self._look()
        return self._ring

    def ring_with(self, key_id: str) -> KeyRing:
        if key_id not in self._ring.keys:
            self._look()
        return self._ring

    def _look(self) -> None:
        with self._lock:
            self._looked_at = time.monotonic()
            version = self._version()
            if version == self._seen:
                return
            self._seen = version
            try:
                self._ring = KeyRing.from_file(self._path)
            except SetupError as error:
                _log.error("key_file_unusable", reason=error.message)
                return
            _log.info("key_file_changed", primary=self._ring.primary, keys=len(self._ring.keys))

    def _version(self) -> tuple[int, int, int] | None:
        """What changes with every replacement: inode, size and the moment of the change."""
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_ino, found.st_size, found.st_mtime_ns


def key_source_of(settings: Settings) -> KeySource:
    """The key ring that the settings name.

    Raises:
        SetupError: it is missing or not a key ring.
    """
    if settings.token_keys is not None:
        given = settings.token_keys.get_secret_value()
        return GivenKeys(KeyRing.from_json(given, source="The setting TOKEN_KEYS"))
    if settings.token_keys_file is None:
        raise SetupError("Neither TOKEN_KEYS_FILE nor TOKEN_KEYS is set.")
    return WatchedKeyFile(settings.token_keys_file)
