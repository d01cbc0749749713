"""Reads one JSON array of flat objects of any size, a piece at a time.

The bytes are cut where one object ends and the next begins, and what lies before the cut is decoded as an
array of its own. No cut can be wrong: one in a string, or in an array within an object, leaves that string
or that object open, does not decode, and the cut before it is tried.
"""

import re
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Generic, NoReturn, TypeVar

import msgspec

from spotify_insights.spotify_export import refusals
from spotify_insights.spotify_export.refusals import THIS_FILE, refusal

Row = TypeVar("Row")

PIECE_BYTES: Final = 1 << 20
LARGEST_ROW_BYTES: Final = 256 << 10
_SPACE: Final = b" \t\r\n"
_BOUNDARY: Final = re.compile(rb"\}[ \t\r\n]*,[ \t\r\n]*(?=\{)")
# Where the last boundary of a piece is looked for first. Rows of Spotify's have about 800 bytes.
_NEAR_THE_END: Final = 16 << 10
_MOST_NESTED_CUTS: Final = 64
# Escapes are consumed from the left, so that the second half of `\\` never begins another.
_ESCAPE: Final = re.compile(
    rb"\\(?:[^u]|u(?:[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|([dD][89a-fA-F][0-9a-fA-F]{2})|))",
    re.DOTALL,
)
_AS_RAW: Final = msgspec.json.Decoder(list[msgspec.Raw])


@dataclass(frozen=True, slots=True)
class RowFormat(Generic[Row]):
    """How rows become values.

    Attributes:
        together: decodes an array of rows that are all as expected.
        alone: makes the best of one row; None where it cannot be a row. Wrong encoding alone raises.
    """

    together: msgspec.json.Decoder[list[Row]]
    alone: Callable[[msgspec.Raw], Row | None]


@dataclass(frozen=True, slots=True)
class Piece(Generic[Row]):
    """The rows between two cuts, in order.

    Attributes:
        bad: how many were no rows.
        bytes_read: what has been read of the file so far.
        may_hold_nul: some text may hold a NUL, or did hold half a surrogate pair, which became one.
    """

    rows: list[Row]
    bad: int
    bytes_read: int
    may_hold_nul: bool


def decoded_or_none(decoder: msgspec.json.Decoder[Row], raw: msgspec.Raw) -> Row | None:
    """One row by itself; None where it is nothing that this decoder takes. Wrong encoding raises."""
    try:
        return decoder.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return None


def read_rows(
    read: Callable[[int], bytes],
    row_format: RowFormat[Row],
    *,
    about: str = THIS_FILE,
    piece_bytes: int = PIECE_BYTES,
) -> Iterator[Piece[Row]]:
    """The rows of the JSON array that `read` gives, a piece at a time and in order; memory is a few pieces.

    `read(n)` gives up to n bytes and nothing at the end. Rows up to `LARGEST_ROW_BYTES` are read wherever the
    pieces end; larger ones may be refused. Raises InvalidInputError, which says what is wrong, when the bytes
    are no such array: not UTF-8, not JSON, not a list, cut short, going on after its end, or nested.
    """
    source = _Source(read, piece_bytes)
    pending = _after_the_bracket(source, about)
    while not source.ended:
        cut = _cut(pending, row_format, about)
        if cut is not None:
            decoded, pending = cut
            yield decoded.piece(source.bytes_read)
        elif len(pending) > LARGEST_ROW_BYTES:
            _refuse_unbounded(pending, about)
        pending += source.next()
    decoded_rest = _decode(b"[" + pending, row_format, about)
    if decoded_rest is None:
        raise refusal(refusals.TRUNCATED, about=about)
    yield decoded_rest.piece(source.bytes_read)


class _Source:
    """Reads in pieces of one size, however short the answers of `read` are."""

    def __init__(self, read: Callable[[int], bytes], piece_bytes: int) -> None:
        self._read = read
        self._piece_bytes = piece_bytes
        self.bytes_read = 0
        self.ended = False

    def next(self) -> bytes:
        parts = []
        missing = self._piece_bytes
        while missing > 0:
            part = self._read(missing)
            if not part:
                self.ended = True
                break
            parts.append(part)
            missing -= len(part)
        self.bytes_read += self._piece_bytes - missing
        return parts[0] if len(parts) == 1 else b"".join(parts)


def _after_the_bracket(source: _Source, about: str) -> bytes:
    """What follows the bracket that opens the array, from its first row or closing bracket on."""
    text = source.next()
    while len(text) < 8 and not source.ended:
        text += source.next()
    if not text:
        raise refusal(refusals.EMPTY, about=about)
    if text.startswith((b"\xff\xfe", b"\xfe\xff")) or (b"\0" in text[:4] and text[:4].strip(b"\0")):
        raise refusal(refusals.WRONG_ENCODING, about=about)
    text = _from_first_token(text.removeprefix(b"\xef\xbb\xbf"), source, about, at_end=refusals.EMPTY)
    if text[:1] != b"[":
        sentence = refusals.NOT_A_LIST if text[:1] == b"{" else refusals.MALFORMED
        raise refusal(sentence, about=about)
    text = _from_first_token(text[1:], source, about, at_end=refusals.TRUNCATED)
    if text[:1] not in (b"{", b"]"):
        raise refusal(refusals.OTHER_SCHEMA, about=about)
    return text


def _from_first_token(text: bytes, source: _Source, about: str, *, at_end: str) -> bytes:
    skipped = 0
    while not (stripped := text.lstrip(_SPACE)):
        skipped += len(text)
        if source.ended:
            raise refusal(at_end, about=about)
        if skipped > LARGEST_ROW_BYTES:
            raise refusal(refusals.MALFORMED, about=about)
        text = source.next()
    return stripped


@dataclass(frozen=True, slots=True)
class _Decoded(Generic[Row]):
    rows: list[Row]
    bad: int
    may_hold_nul: bool

    def piece(self, bytes_read: int) -> Piece[Row]:
        return Piece(self.rows, self.bad, bytes_read, self.may_hold_nul)


def _cut(pending: bytes, row_format: RowFormat[Row], about: str) -> tuple[_Decoded[Row], bytes] | None:
    """Decodes up to the last boundary between two rows, and gives what follows, too; None without one."""
    near_the_end = deque(_BOUNDARY.finditer(pending, max(0, len(pending) - _NEAR_THE_END)), maxlen=1)
    for last in near_the_end:
        rows = _decode_together(b"[" + pending[: last.start() + 1] + b"]", row_format, about)
        if rows is not None:
            return rows, pending[last.end() :]
    for row_end, next_row in _cuts_outside_strings(pending):
        decoded = _decode(b"[" + pending[:row_end] + b"]", row_format, about)
        if decoded is not None:
            return decoded, pending[next_row:]
    return None


def _cuts_outside_strings(pending: bytes) -> Iterator[tuple[int, int]]:
    """The last boundaries with an even number of quotes before them, last first.

    Counting costs one pass altogether, so that text full of boundaries cannot make decoding quadratic.
    """
    boundaries = [found.span() for found in _BOUNDARY.finditer(pending)]
    if not boundaries:
        return
    tried = 0
    before = _quotes(pending[: boundaries[-1][0]])
    for place in range(len(boundaries) - 1, -1, -1):
        start, end = boundaries[place]
        if before % 2 == 0:
            yield start + 1, end
            tried += 1
            if tried == _MOST_NESTED_CUTS:
                return
        if place:
            before -= _quotes(pending[boundaries[place - 1][0] : start])


def _quotes(text: bytes) -> int:
    """How many quotes open or close a string in `text`, which does not begin behind a backslash."""
    count = text.count(b'"')
    if b"\\" in text:
        count -= text.replace(b"\\\\", b"").count(b'\\"')
    return count


def _decode_together(text: bytes, row_format: RowFormat[Row], about: str) -> _Decoded[Row] | None:
    """None where any row is not as expected, or the text is no array."""
    try:
        rows = row_format.together.decode(text)
    except UnicodeDecodeError:
        rows = None
    except (msgspec.DecodeError, RecursionError):
        return None
    if rows is None:
        # Outside the handler: that error carries the file's content.
        raise refusal(refusals.WRONG_ENCODING, about=about)
    return _Decoded(rows, 0, b"\\u0000" in text)


def _decode(text: bytes, row_format: RowFormat[Row], about: str) -> _Decoded[Row] | None:
    """Decodes an array whose rows may be anything. None where the array, or something in it, is left open."""
    together = _decode_together(text, row_format, about)
    if together is not None:
        return together
    text = _ESCAPE.sub(_without_half_pairs, text)
    parts, mistake = _as_parts(text)
    if mistake is not None:
        raise refusal(mistake, about=about)
    if parts is None:
        return None
    rows = _each_alone(parts, row_format)
    if rows is None:
        raise refusal(refusals.WRONG_ENCODING, about=about)
    return _Decoded(rows, len(parts) - len(rows), b"\\u0000" in text)


def _each_alone(parts: list[msgspec.Raw], row_format: RowFormat[Row]) -> list[Row] | None:
    """The rows among `parts`; None where one is not UTF-8."""
    try:
        return [row for part in parts if (row := row_format.alone(part)) is not None]
    except UnicodeDecodeError:
        return None


def _as_parts(text: bytes) -> tuple[list[msgspec.Raw] | None, str | None]:
    """The items of the array; or nothing, where it is left open; or the sentence that says what is wrong."""
    try:
        return _AS_RAW.decode(text), None
    except RecursionError:
        return None, refusals.NESTED
    except msgspec.DecodeError as error:
        # Positions and kinds of tokens are all that these messages hold.
        message = str(error)
    if "truncated" in message:
        return None, None
    return None, refusals.GOES_ON if "trailing characters" in message else refusals.MALFORMED


def _without_half_pairs(escape: re.Match[bytes]) -> bytes:
    """Half a surrogate pair is no character: it becomes a NUL, which no text may hold; others stay."""
    return b"\\u0000" if escape.group(1) is not None else escape.group()


def _refuse_unbounded(pending: bytes, about: str) -> NoReturn:
    """Says why there is no end of a row in more bytes than a row may have."""
    parts, mistake = _as_parts(b"[" + pending)
    if mistake is None:
        mistake = refusals.GOES_ON if parts is not None else refusals.ROW_TOO_LARGE
        if parts is None and next(_cuts_outside_strings(pending), None) is not None:
            mistake = refusals.NESTED
    raise refusal(mistake, about=about)
