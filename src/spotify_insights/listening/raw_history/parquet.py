"""A raw history as Parquet: lines of CSV in, row groups out."""

import io
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import csv
from typing_extensions import override

from spotify_insights.listening.raw_history.columns import COLUMNS, UNIT_SEPARATOR, Column, Kind
from spotify_insights.listening.raw_history.queries import Writing

ROWS_PER_GROUP: Final = 32_768
"""Of all columns together some ten megabytes; twice as many would take more memory than a request should."""
_MOMENT: Final = pa.timestamp("ms", tz="UTC")
_TYPES: Final = {
    Kind.MOMENT: _MOMENT,
    Kind.NUMBER: pa.int32(),
    Kind.SWITCH: pa.bool_(),
    Kind.TEXT: pa.string(),
    Kind.TEXTS: pa.list_(pa.string()),
}
_SCHEMA: Final = pa.schema([(column.name, _TYPES[column.kind]) for column in COLUMNS])


def _type_in_csv(column: Column) -> Any:
    return pa.string() if column.kind is Kind.TEXTS else _TYPES[column.kind]


_READ: Final = csv.ReadOptions(column_names=[column.name for column in COLUMNS], use_threads=False)
_PARSE: Final = csv.ParseOptions(newlines_in_values=True)
_CONVERT: Final = csv.ConvertOptions(
    column_types={column.name: _type_in_csv(column) for column in COLUMNS},
    null_values=[""],
    # What stands in quotes is text, also where it is empty.
    strings_can_be_null=True,
    quoted_strings_can_be_null=False,
    true_values=["true"],
    false_values=["false"],
)


class ParquetFile:
    """Takes lines of exact CSV and gives the file's bytes as they come to be; holds one group of rows."""

    writing: Writing = Writing.EXACT_CSV

    def __init__(self) -> None:
        self._file = _Tail()
        self._writer = pq.ParquetWriter(self._file, _SCHEMA, compression="zstd")
        self._waiting: list[Any] = []
        self._rows = 0

    def take(self, lines: bytes) -> bytes:
        """Take whole lines; what of the file is finished by now."""
        if lines:
            table = _table(lines)
            self._waiting.append(table)
            self._rows += table.num_rows
        if self._rows >= ROWS_PER_GROUP:
            self._write_group()
        return self._file.taken()

    def end(self) -> bytes:
        """The rest of the file."""
        self._write_group()
        self._writer.close()
        return self._file.taken()

    def _write_group(self) -> None:
        if self._rows:
            self._writer.write_table(pa.concat_tables(self._waiting), row_group_size=self._rows)
        self._waiting, self._rows = [], 0
        pa.default_memory_pool().release_unused()


class _Tail(io.RawIOBase):
    """A file of which only what was not taken yet is kept."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._length = 0

    @override
    def writable(self) -> bool:
        return True

    @override
    def tell(self) -> int:
        return self._length

    @override
    def write(self, data: Any, /) -> int:
        piece = bytes(data)
        self._pieces.append(piece)
        self._length += len(piece)
        return len(piece)

    def taken(self) -> bytes:
        """What was written since the last time."""
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)


def _table(lines: bytes) -> Any:
    table = csv.read_csv(
        pa.py_buffer(lines), read_options=_READ, parse_options=_PARSE, convert_options=_CONVERT
    )
    for place, column in enumerate(COLUMNS):
        if column.kind is Kind.TEXTS:
            # Nobody is credited: an empty list, as in the other formats.
            names = pc.split_pattern(table[column.name], UNIT_SEPARATOR)
            names = pc.coalesce(names, pa.scalar([], _TYPES[Kind.TEXTS]))
            table = table.set_column(place, column.name, names)
    return table.cast(_SCHEMA)
