"""Whose rows these are: decided by the first of them, whatever the file is called."""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from spotify_insights.spotify_export import refusals
from spotify_insights.spotify_export.entry import ExportSource
from spotify_insights.spotify_export.json_rows import LARGEST_ROW_BYTES, RowFormat, read_rows
from spotify_insights.spotify_export.refusals import refusal

# As much as one row may need, and some rows more.
_LOOKED_AT_BYTES: Final = LARGEST_ROW_BYTES + (64 << 10)
_LOOKED_AT_ROWS: Final = 100


class _Keys(msgspec.Struct, rename="camel"):
    ts: Any = msgspec.UNSET
    end_time: Any = msgspec.UNSET
    ms_played: Any = msgspec.UNSET
    # The extended history's keys are written in another style.
    extended_ms_played: Any = msgspec.field(name="ms_played", default=msgspec.UNSET)

    def source(self) -> ExportSource | None:
        if self.ts is not msgspec.UNSET and self.extended_ms_played is not msgspec.UNSET:
            return "spotify_export"
        if self.end_time is not msgspec.UNSET and self.ms_played is not msgspec.UNSET:
            return "spotify_account_data"
        return None


_AS_KEYS: Final = msgspec.json.Decoder(_Keys)


def _alone(raw: msgspec.Raw) -> _Keys | None:
    try:
        return _AS_KEYS.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return None


_KEYS: Final = RowFormat(msgspec.json.Decoder(list[_Keys]), _alone)


def source_of(read: Callable[[int], bytes], *, about: str) -> ExportSource | None:
    """Reads the beginning of a file and says which export its rows belong to; None for an empty list.

    Raises InvalidInputError for a file whose first rows are of no known shape, and for anything that is no
    array of rows in UTF-8, as far as its beginning tells.
    """
    seen = bytearray()

    def remembering(size: int) -> bytes:
        part = read(size)
        seen.extend(part)
        return part

    piece = next(read_rows(remembering, _KEYS, about=about, piece_bytes=_LOOKED_AT_BYTES))
    if not _is_utf8(bytes(seen)):
        raise refusal(refusals.WRONG_ENCODING, about=about)
    if not piece.rows and not piece.bad:
        return None
    for keys in piece.rows[:_LOOKED_AT_ROWS]:
        source = keys.source()
        if source is not None:
            return source
    raise refusal(refusals.OTHER_SCHEMA, about=about)


def _is_utf8(text: bytes) -> bool:
    """Whether `text` is UTF-8; its last character may be cut."""
    try:
        text.decode()
    except UnicodeDecodeError as error:
        return error.reason == "unexpected end of data"
    return True
