"""Opens a zip that somebody else made, or refuses it: bombs, links, paths that lead out, unreadable ones."""

import errno
import io
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Final

from typing_extensions import override

from spotify_insights.spotify_export import refusals
from spotify_insights.spotify_export.refusals import LARGEST_GIB, LARGEST_RATIO, MOST_ENTRIES, refusal

LARGEST_BYTES: Final = LARGEST_GIB << 30
# So little does no harm, however well it is compressed.
_ALWAYS_ALLOWED_BYTES: Final = 1 << 20
_ALL_ALWAYS_ALLOWED_BYTES: Final = 16 << 20
# The directory is read at once: 500 entries with a kilobyte of name and extra fields each. No read is larger.
_LARGEST_READ_BYTES: Final = 1 << 20
# The methods whose decompression takes no more memory than we ask for.
_COMPRESSIONS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED: Final = 0x1
_DRIVE: Final = re.compile(r"[A-Za-z]:")


class GuardedZip:
    """A zip that has passed every guard. It reads from `file`, which stays the caller's to close.

    Raises InvalidInputError where the zip is damaged, encrypted or dangerous, from here and from every read.
    """

    def __init__(self, file: IO[bytes]) -> None:
        size = file.seek(0, io.SEEK_END)
        self._reads = _SmallReads(file)
        with self._reads.damage_refused():
            self._zip = zipfile.ZipFile(self._reads)
        entries = self._zip.infolist()
        if len(entries) > MOST_ENTRIES:
            raise refusal(refusals.TOO_MANY_ENTRIES)
        if len({entry.orig_filename for entry in entries}) < len(entries):
            raise refusal(refusals.NAME_TWICE)
        for entry in entries:
            _check(entry)
        unpacked = sum(entry.file_size for entry in entries)
        if unpacked > LARGEST_BYTES:
            raise refusal(refusals.UNPACKS_TOO_LARGE)
        # Entries that lie about their own size, or that share their bytes, do not change the size of the zip.
        if unpacked > max(LARGEST_RATIO * size, _ALL_ALWAYS_ALLOWED_BYTES):
            raise refusal(refusals.UNPACKS_TOO_FAR)
        self.files: Sequence[zipfile.ZipInfo] = [entry for entry in entries if not entry.is_dir()]

    @contextmanager
    def open(self, entry: zipfile.ZipInfo) -> Iterator["ZipFileReader"]:
        """Reads one of `files` from its beginning; at its end its checksum has been compared."""
        with self._reads.damage_refused():
            stream = self._zip.open(entry)
        with stream:
            yield ZipFileReader(stream, self._reads, announced=entry.file_size)


class ZipFileReader:
    """The unpacked bytes of one file, never more than the directory announced."""

    def __init__(self, stream: IO[bytes], reads: "_SmallReads", *, announced: int) -> None:
        self._stream = stream
        self._reads = reads
        self._left = announced

    def read(self, size: int) -> bytes:
        with self._reads.damage_refused():
            part = self._stream.read(min(size, _LARGEST_READ_BYTES))
        self._left -= len(part)
        # Counted here, whatever the library below promises.
        if self._left < 0:
            raise refusal(refusals.UNPACKS_TOO_FAR)
        if not part and self._left:
            raise refusal(refusals.DAMAGED_ZIP)
        return part


def _check(entry: zipfile.ZipInfo) -> None:
    name = entry.orig_filename
    if (
        not name.strip("/")
        or name.startswith("/")
        or "\\" in name
        or "\0" in name
        or _DRIVE.match(name)
        or ".." in name.split("/")
    ):
        raise refusal(refusals.UNSAFE_NAME)
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise refusal(refusals.LINK)
    if entry.flag_bits & _ENCRYPTED:
        raise refusal(refusals.ENCRYPTED)
    if entry.compress_type not in _COMPRESSIONS:
        raise refusal(refusals.UNKNOWN_COMPRESSION)
    if entry.file_size > max(LARGEST_RATIO * entry.compress_size, _ALWAYS_ALLOWED_BYTES):
        raise refusal(refusals.UNPACKS_TOO_FAR)


class _SmallReads(io.RawIOBase):
    """A file of which nobody reads much at once, such as a directory that claims to be a gigabyte."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._failure: Exception | None = None

    @contextmanager
    def damage_refused(self) -> Iterator[None]:
        """Turns what the standard library says of a broken zip into our sentence.

        A failure of the file itself, such as its disk's, says nothing about the zip and is raised as it was,
        though the library may have called it damage.
        """
        damaged = False
        try:
            yield
        except (
            OSError,
            ValueError,
            OverflowError,
            EOFError,
            # What zipfile says of a compression or a version that it does not know.
            NotImplementedError,
            zipfile.BadZipFile,
            zlib.error,
        ):
            damaged = True
        if self._failure is not None:
            raise self._failure
        if damaged:
            raise refusal(refusals.DAMAGED_ZIP)

    @override
    def readable(self) -> bool:
        return True

    @override
    def seekable(self) -> bool:
        return True

    @override
    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        if whence != io.SEEK_SET:
            with self._failure_remembered():
                offset += self._file.seek(0, whence)
        if offset < 0:
            raise OSError(errno.EINVAL, "a place before the beginning of the zip")
        with self._failure_remembered():
            return self._file.seek(offset)

    @override
    def tell(self) -> int:
        return self._file.tell()

    @override
    def read(self, size: int = -1, /) -> bytes:
        if size > _LARGEST_READ_BYTES:
            raise refusal(refusals.TOO_MANY_ENTRIES)
        with self._failure_remembered():
            # Without a size the end of the file is meant, which is looked at for the zip's own end.
            return self._file.read(size if size >= 0 else _LARGEST_READ_BYTES)

    @contextmanager
    def _failure_remembered(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            self._failure = error
            raise
