"""Opens an export as it arrives: Spotify's zip, or one of the history files in it."""

import io
import re
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Final

from spotify_insights.spotify_export import refusals
from spotify_insights.spotify_export.account_data import ACCOUNT_ROWS, AccountHistory
from spotify_insights.spotify_export.entry import ExportBatch, ExportSource
from spotify_insights.spotify_export.extended_history import EXTENDED_ROWS, ExtendedHistory
from spotify_insights.spotify_export.json_rows import Piece, Row, read_rows
from spotify_insights.spotify_export.limits import Gathered
from spotify_insights.spotify_export.refusals import FILE_IN_ZIP, THIS_FILE, refusal
from spotify_insights.spotify_export.shape import source_of
from spotify_insights.spotify_export.zip_guard import LARGEST_BYTES, GuardedZip

BATCH_ROWS: Final = 20_000
# Nothing else in a zip is ever opened, least of all who somebody is and what they paid.
_HISTORY: Final = re.compile(
    r"(?:Streaming_History_(?:Audio|Video)_|endsong_|StreamingHistory)[\w .()+-]*\.json", re.ASCII
)
_RUNNING_NUMBER: Final = re.compile(r"_(\d+)\.json", re.ASCII)
_VIDEO: Final = re.compile(r"Streaming_History_Video_")
_ACCOUNT_DATA: Final = {
    "Userdata.json",
    "Identity.json",
    "Payments.json",
    "YourLibrary.json",
    "Playlist1.json",
}
_ZIP_MAGIC: Final = (b"PK\x03\x04", b"PK\x05\x06")
# How JSON text begins: space, byte order mark, array or object; zeros are half of UTF-16.
_MAY_BE_JSON: Final = re.compile(rb"[ \t\r\n\[{]|\xef\xbb\xbf|\xff\xfe|\xfe\xff|\0[\[{ \t\r\n]|\0\0\0[\[{ ]")
_LONGEST_NAME: Final = 200
_MOST_DIGITS: Final = 18
# Fewer bad rows than this are somebody's damaged history; more bad rows than good ones are something else.
_BAD_ROWS_ALWAYS_ALLOWED: Final = 10_000

Read = Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class HistoryFile:
    """One file of an export.

    Attributes:
        name: without folders, unless another file of the zip has the same name.
        size: of its content, uncompressed, in bytes.
        is_video: it is a file of videos, as its name says.
    """

    name: str
    size: int
    source: ExportSource
    is_video: bool


@dataclass(frozen=True, slots=True)
class _Openable:
    file: HistoryFile
    open: Callable[[], AbstractContextManager[Read]]


class Export:
    """The history files of an export, in an order that is the same each time: extended history first.

    It reads from the file that it was opened with, a batch at a time, and leaves closing it to the caller.
    Reading twice gives the same batches.
    """

    def __init__(self, openables: Sequence[_Openable], *, about: str) -> None:
        self._openables = openables
        self._about = about
        self.files: Sequence[HistoryFile] = [openable.file for openable in openables]
        self.total_bytes: int = sum(file.size for file in self.files)

    def batches(self, *, now: datetime, first_file: int = 0, rows: int = BATCH_ROWS) -> Iterator[ExportBatch]:
        """All rows from file number `first_file` on, in batches of about `rows` rows, each of one file.

        Every file ends with a batch whose `bytes_read` is all of it, be it empty. `now` is the present
        moment: rows that end more than a day later are bad. Raises InvalidInputError when a file proves to be
        damaged or no history after all; the batches before it have then been given.
        """
        for openable in self._openables[first_file:]:
            with openable.open() as read:
                if openable.file.source == "spotify_export":
                    extended = ExtendedHistory(now=now, is_video=openable.file.is_video)
                    pieces = _gathered(read_rows(read, EXTENDED_ROWS, about=self._about), extended.add)
                else:
                    account = AccountHistory(now=now)
                    pieces = _gathered(read_rows(read, ACCOUNT_ROWS, about=self._about), account.add)
                yield from self._batches_of(openable.file, pieces, rows)

    def _batches_of(
        self, file: HistoryFile, pieces: Iterator[tuple[Gathered, int]], rows: int
    ) -> Iterator[ExportBatch]:
        seen = bad = bytes_read = 0
        batch = Gathered()
        for gathered, bytes_read in pieces:
            seen += gathered.rows
            bad += gathered.bad
            if bad > _BAD_ROWS_ALWAYS_ALLOWED and bad * 2 > seen:
                raise refusal(refusals.MOSTLY_BAD, about=self._about)
            batch.take(gathered)
            if batch.rows >= rows:
                yield _export_batch(file, batch, bytes_read)
                batch = Gathered()
        yield _export_batch(file, batch, bytes_read)


def _gathered(
    pieces: Iterator[Piece[Row]], add: Callable[[Piece[Row], Gathered], None]
) -> Iterator[tuple[Gathered, int]]:
    for piece in pieces:
        gathered = Gathered()
        add(piece, gathered)
        yield gathered, piece.bytes_read


def _export_batch(file: HistoryFile, gathered: Gathered, bytes_read: int) -> ExportBatch:
    return ExportBatch(
        source=file.source,
        file_name=file.name,
        music=gathered.music,
        spoken=gathered.spoken,
        unnamed=gathered.unnamed,
        bad=gathered.bad,
        bytes_read=bytes_read,
    )


def is_history_file(name: str) -> bool:
    """Whether Spotify gives this name to files of listening history."""
    return _HISTORY.fullmatch(name) is not None


def open_export(file: IO[bytes], name: str) -> Export:
    """Finds the listening history in a seekable file: a zip, by its content, or a single JSON file.

    `name` is what its owner calls the file; only whether it is one of videos depends on it. The beginning of
    each history file is read and must be of a known shape. Other files of a zip are never opened.
    Raises InvalidInputError, whose sentence says what is wrong and what to do, for everything else.
    """
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    head = file.read(4)
    file.seek(0)
    if not head:
        raise refusal(refusals.EMPTY)
    if size > LARGEST_BYTES:
        raise refusal(refusals.TOO_LARGE)
    if head in _ZIP_MAGIC:
        return _open_zip(GuardedZip(file))
    if not _MAY_BE_JSON.match(head):
        raise refusal(refusals.NEITHER_ZIP_NOR_JSON)

    @contextmanager
    def from_the_beginning() -> Iterator[Read]:
        file.seek(0)
        yield file.read

    return _export([(_base_name(name)[-_LONGEST_NAME:], size, from_the_beginning)], about=THIS_FILE)


def _open_zip(guarded: GuardedZip) -> Export:
    entries = [entry for entry in guarded.files if _HISTORY.fullmatch(_base_name(entry.filename))]
    if not entries:
        raise refusal(_why_no_history(guarded.files))
    same_name = Counter(_base_name(entry.filename) for entry in entries)

    def opener(entry: zipfile.ZipInfo) -> Callable[[], AbstractContextManager[Read]]:
        @contextmanager
        def opened() -> Iterator[Read]:
            with guarded.open(entry) as reader:
                yield reader.read

        return opened

    return _export(
        [
            (
                entry.filename if same_name[base_name] > 1 else base_name,
                entry.file_size,
                opener(entry),
            )
            for entry in entries
            for base_name in [_base_name(entry.filename)]
        ],
        about=FILE_IN_ZIP,
    )


def _export(
    found: Sequence[tuple[str, int, Callable[[], AbstractContextManager[Read]]]], *, about: str
) -> Export:
    openables = []
    for name, size, opener in found:
        with opener() as read:
            source = source_of(read, about=about) or _source_by_name(name)
        is_video = source == "spotify_export" and _VIDEO.match(_base_name(name)) is not None
        openables.append(_Openable(HistoryFile(name, size, source, is_video), opener))
    openables.sort(key=lambda openable: _place(openable.file))
    return Export(openables, about=about)


def _source_by_name(name: str) -> ExportSource:
    """For empty lists, which have no shape."""
    return "spotify_account_data" if _base_name(name).startswith("StreamingHistory") else "spotify_export"


def _place(file: HistoryFile) -> tuple[bool, bool, int, list[tuple[int, str]], str]:
    """Extended history first, since account data only fills its gaps; then by time, as far as names tell.

    The number at the end of its name counts an export's files from the oldest on, whichever years it names.
    """
    numbered = _RUNNING_NUMBER.search(file.name)
    number = int(numbered[1][:_MOST_DIGITS]) if numbered else 0
    parts = re.findall(r"(\d+)|(\D+)", file.name, re.ASCII)
    natural = [(int(digits[:_MOST_DIGITS] or 0), text) for digits, text in parts]
    return file.source != "spotify_export", file.is_video, number, natural, file.name


def _base_name(path: str) -> str:
    return path.replace("\\", "/").rpartition("/")[2]


def _why_no_history(entries: Sequence[zipfile.ZipInfo]) -> str:
    names = {_base_name(entry.filename) for entry in entries}
    if names & _ACCOUNT_DATA:
        return refusals.ACCOUNT_DATA_ALONE
    if any("technical" in entry.filename.casefold() for entry in entries):
        return refusals.TECHNICAL_LOG
    if any(name.casefold().endswith(".zip") for name in names):
        return refusals.ZIP_IN_ZIP
    return refusals.NO_HISTORY
