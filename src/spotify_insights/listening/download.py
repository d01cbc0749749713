"""A whole history as a file, a piece at a time: however long it is, only a piece of it is in memory.

A piece is one statement of its own, so a client who reads slowly keeps no connection and no snapshot of the
database, and one who leaves has asked for nothing more. Plays that are stored or deleted meanwhile may be in
the file or not.
"""

from enum import StrEnum
from typing import Final, Protocol

from spotify_insights.listening.raw_history.queries import Writing, csv_header

FIRST_ROWS: Final = 1_000
"""Few, so that the first bytes come soon."""
ROWS: Final = 8_192


class DownloadFormat(StrEnum):
    """What a history can be downloaded as."""

    CSV = "csv"
    JSON_LINES = "jsonl"
    PARQUET = "parquet"

    @property
    def media_type(self) -> str:
        return _MEDIA_TYPES[self]


_MEDIA_TYPES: Final = {
    DownloadFormat.CSV: "text/csv; charset=utf-8; header=present",
    DownloadFormat.JSON_LINES: "application/jsonl",
    DownloadFormat.PARQUET: "application/vnd.apache.parquet",
}


class FileWriter(Protocol):
    """Makes a file of the pieces that the database writes."""

    writing: Writing
    """How it wants them."""

    def take(self, lines: bytes) -> bytes:
        """Take whole lines; what of the file is finished by now."""

    def end(self) -> bytes:
        """The rest of the file."""


class _Lines:
    def __init__(self, writing: Writing, header: bytes = b"") -> None:
        self.writing = writing
        self._header = header

    def take(self, lines: bytes) -> bytes:
        header, self._header = self._header, b""
        return header + lines

    def end(self) -> bytes:
        return self.take(b"")


def writer_of(file_format: DownloadFormat) -> FileWriter:
    """A new file of this format."""
    match file_format:
        case DownloadFormat.CSV:
            return _Lines(Writing.CSV, csv_header())
        case DownloadFormat.JSON_LINES:
            return _Lines(Writing.JSON_LINES)
        case DownloadFormat.PARQUET:
            # Some 45 MB of memory, for processes of which most never write such a file.
            from spotify_insights.listening.raw_history.parquet import ParquetFile  # noqa: PLC0415

            return ParquetFile()
