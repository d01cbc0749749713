"""Reading an operator's catalogue of audio features: CSV, also compressed with gzip, or Parquet.

A file of any size is read in portions. What it is, is told by its content and not by its name.
"""

import csv
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from spotify_insights.audio_features.catalogue_columns import CatalogueColumns, CatalogueFileError
from spotify_insights.audio_features.catalogue_rows import Portion, believed

_ROWS_AT_ONCE: Final = 65_536
_BYTES_AT_ONCE: Final = 1024 * 1024
_LONGEST_HEADER: Final = 64 * 1024
_DELIMITERS: Final = ",;\t"
_GZIP: Final = b"\x1f\x8b"
_PARQUET: Final = b"PAR1"
_ZIP: Final = b"PK\x03\x04"


def read_catalogue(path: Path) -> Iterator[Portion]:
    """The rows of the file that can be believed, in its order, in portions of bounded size.

    The columns are recognised by their names; see `CatalogueColumns.among`.

    Raises:
        CatalogueFileError: the file cannot be read, is none of these formats, lacks the columns, or breaks
            off in the middle. Portions that came before are then part of something incomplete.
    """
    with _said_in_a_sentence(path):
        with path.open("rb") as file:
            begin = file.read(_LONGEST_HEADER)
        if begin.startswith(_PARQUET):
            yield from _read_parquet(path)
        elif begin.startswith(_ZIP):
            raise CatalogueFileError(
                f"{path} is a zip archive. Unpack it and load the CSV or Parquet file inside."
            )
        else:
            yield from _read_csv(path, begin)


@contextmanager
def _said_in_a_sentence(path: Path) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.strerror:
            sentence = f"{path} cannot be read ({error.strerror}). Nothing was stored."
        else:
            # Arrow quotes the file in its messages; the beginning is enough to find the place.
            told = str(error).partition("\n")[0][:200]
            sentence = f"{path} is damaged or cut off ({told}). Nothing was stored."
        raise CatalogueFileError(sentence) from None


def _read_parquet(path: Path) -> Iterator[Portion]:
    with pq.ParquetFile(path, buffer_size=_BYTES_AT_ONCE, pre_buffer=False) as file:
        names = file.schema_arrow.names
        columns = CatalogueColumns.among(names)
        chosen = [columns.id_column, *columns.features.values()]
        total, read = file.metadata.num_rows, 0
        for batch in file.iter_batches(_ROWS_AT_ONCE, columns=[names[place] for place in chosen]):
            read += len(batch)
            yield believed(
                batch.column(names[columns.id_column]),
                {name: batch.column(names[place]) for name, place in columns.features.items()},
                done=read / max(total, 1),
            )


def _read_csv(path: Path, begin: bytes) -> Iterator[Portion]:
    header, delimiter = _header(path, begin)
    columns = CatalogueColumns.among(header)
    unreadable = _Unreadable()
    with pa.OSFile(str(path)) as file:
        size = max(file.size(), 1)
        stream = pa.CompressedInputStream(file, "gzip") if begin.startswith(_GZIP) else file
        with pa_csv.open_csv(
            stream,
            # Under names of our own, because those of the file need not be distinct.
            read_options=pa_csv.ReadOptions(
                block_size=_BYTES_AT_ONCE,
                column_names=[str(place) for place in range(len(header))],
                skip_rows=1,
            ),
            parse_options=pa_csv.ParseOptions(
                delimiter=delimiter, newlines_in_values=True, invalid_row_handler=unreadable.note
            ),
            # A name in another encoding in a column that nobody looks at is no reason to refuse the file.
            convert_options=pa_csv.ConvertOptions(
                check_utf8=False,
                include_columns=[str(place) for place in (columns.id_column, *columns.features.values())],
                column_types={str(place): pa.string() for place in range(len(header))},
            ),
        ) as rows:
            for batch in rows:
                yield believed(
                    batch.column(str(columns.id_column)),
                    {name: batch.column(str(place)) for name, place in columns.features.items()},
                    unreadable=unreadable.taken(),
                    done=min(file.tell() / size, 1.0),
                )
        left = unreadable.taken()
        if left:
            yield believed(pa.array([], pa.string()), {}, unreadable=left)


class _Unreadable:
    """Counts rows with another number of fields than the header, which Arrow leaves out on our word."""

    def __init__(self) -> None:
        self._noted = 0
        self._taken = 0

    def note(self, _row: Any) -> str:
        self._noted += 1
        return "skip"

    def taken(self) -> int:
        """How many there were since this was asked last."""
        new = self._noted - self._taken
        self._taken += new
        return new


def _header(path: Path, begin: bytes) -> tuple[list[str], str]:
    """The names of the columns, and what stands between them."""
    text = _unpacked(path, begin) if begin.startswith(_GZIP) else begin
    if not text:
        raise CatalogueFileError(f"{path} is empty. Nothing was stored.")
    line, newline, _ = text.replace(b"\r", b"\n").partition(b"\n")
    try:
        first = line.decode("utf-8-sig")
    except UnicodeDecodeError:
        first = "\0"
    if "\0" in first or not newline:
        raise CatalogueFileError(
            f"{path} is neither a CSV file with a header in UTF-8 nor a Parquet file. Nothing was stored."
        )
    delimiter = max(_DELIMITERS, key=first.count)
    return next(csv.reader([first], delimiter=delimiter), []), delimiter


def _unpacked(path: Path, begin: bytes) -> bytes:
    try:
        # 16 on top of the window size stands for gzip's header.
        return zlib.decompressobj(zlib.MAX_WBITS + 16).decompress(begin, _LONGEST_HEADER)
    except zlib.error:
        raise CatalogueFileError(
            f"{path} is damaged: what it holds cannot be unpacked. Nothing was stored."
        ) from None
