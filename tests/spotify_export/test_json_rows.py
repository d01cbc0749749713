"""Where the pieces end must not matter: the reader agrees with json.loads over the whole text."""

import io
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as some

from spotify_insights.errors import InvalidInputError
from spotify_insights.spotify_export import refusals
from spotify_insights.spotify_export.json_rows import LARGEST_ROW_BYTES, RowFormat, read_rows
from spotify_insights.spotify_export.refusals import THIS_FILE


class TextRow(msgspec.Struct):
    text: str
    number: int | None = None


def _alone(raw: msgspec.Raw) -> TextRow | None:
    try:
        return msgspec.json.decode(raw, type=TextRow)
    except msgspec.DecodeError:
        return None


ROWS = RowFormat(msgspec.json.Decoder(list[TextRow]), _alone)


def short_reads(content: bytes, sizes: list[int]) -> Callable[[int], bytes]:
    """A source that gives fewer bytes than it is asked for, in turns of `sizes`."""
    stream, turn = io.BytesIO(content), 0

    def read(size: int) -> bytes:
        nonlocal turn
        turn += 1
        return stream.read(min(size, sizes[turn % len(sizes)]))

    return read


def rows_of(content: bytes, *, piece_bytes: int, sizes: list[int] | None = None) -> tuple[list[TextRow], int]:
    pieces = list(read_rows(short_reads(content, sizes or [1 << 20]), ROWS, piece_bytes=piece_bytes))
    assert pieces[-1].bytes_read == len(content)
    return [row for piece in pieces for row in piece.rows], sum(piece.bad for piece in pieces)


def refused(content: bytes, *, piece_bytes: int = 1 << 20) -> str:
    with pytest.raises(InvalidInputError) as error:
        rows_of(content, piece_bytes=piece_bytes)
    assert error.value.field == "file"
    return error.value.message


def naive(content: bytes) -> tuple[list[TextRow], int]:
    rows, bad = [], 0
    for row in json.loads(content):
        match row:
            case {"text": str(text), "number": int(number)}:
                rows.append(TextRow(text, number))
            case {"text": str(text), **rest} if rest.get("number") is None:
                rows.append(TextRow(text))
            case _:
                bad += 1
    return rows, bad


# What could be mistaken for the end of a row, of a string or of an escape.
trouble = some.lists(
    some.sampled_from(
        [
            "},{",
            "}, {",
            "}]",
            "[{",
            '"',
            '",',
            "\\",
            '\\"',
            "{",
            "}",
            ",",
            "]",
            "\n",
            "a",
            "ß",
            "夜",
            "😀",
            "\u2028",
        ]
    )
    | some.text(some.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=3),
    max_size=8,
).map("".join)
values = some.recursive(
    some.none()
    | some.booleans()
    | some.integers(-(2**60), 2**60)
    | some.floats(allow_nan=False, allow_infinity=False)
    | trouble,
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(trouble, inner, max_size=3),
    max_leaves=5,
)
good_rows = some.fixed_dictionaries(
    {"text": trouble}, optional={"number": some.none() | some.integers(0, 9), "other": values}
)
any_rows = good_rows | some.dictionaries(trouble, values, max_size=3) | values
layouts = some.sampled_from(
    [
        {"indent": 2},
        {"separators": (",", ":")},
        {},
        {"ensure_ascii": True, "indent": 0},
        {"separators": (" \r\n,\t ", " : ")},
    ]
)


def written(rows: list[Any], layout: dict[str, Any]) -> bytes:
    return json.dumps(rows, **({"ensure_ascii": False} | layout)).encode()


@given(
    rows=some.lists(good_rows, min_size=1),
    layout=layouts,
    piece_bytes=some.integers(1, 200),
    sizes=some.lists(some.integers(1, 300), min_size=1, max_size=5),
)
@example(rows=[{"text": "},{"}, {"text": '"},{"'}], layout={}, piece_bytes=1, sizes=[1])
def test_any_pieces_give_the_rows_that_are_there(
    rows: list[Any], layout: dict[str, Any], piece_bytes: int, sizes: list[int]
) -> None:
    content = written(rows, layout)
    assert rows_of(content, piece_bytes=piece_bytes, sizes=sizes) == naive(content)


@given(rows=some.lists(any_rows), layout=layouts, piece_bytes=some.integers(1, 200))
def test_whatever_else_is_among_them_is_counted_and_costs_no_neighbour(
    rows: list[Any], layout: dict[str, Any], piece_bytes: int
) -> None:
    # Nothing but an object may come first: otherwise it is another kind of file.
    content = written([{"text": "first"}, *rows], layout)
    assert rows_of(content, piece_bytes=piece_bytes) == naive(content)


@given(rows=some.lists(good_rows, min_size=1), layout=layouts, data=some.data())
def test_no_beginning_of_a_file_passes_for_a_whole_one(
    rows: list[Any], layout: dict[str, Any], data: some.DataObject
) -> None:
    content = written(rows, layout)
    shorter = content[: data.draw(some.integers(0, len(content) - 1))]
    expected = refusals.TRUNCATED if b"[" in shorter else refusals.EMPTY
    # A number or a character that is cut is not "open" but wrong.
    assert refused(shorter, piece_bytes=data.draw(some.integers(1, 100))) in {
        expected.format(file=THIS_FILE),
        refusals.MALFORMED.format(file=THIS_FILE),
    }


@given(
    content=some.binary(max_size=60), before=some.sampled_from([b"", b"[", b'[{"text":"a"}', b'[{"text":"'])
)
def test_any_bytes_are_rows_or_refused_with_a_sentence(content: bytes, before: bytes) -> None:
    with suppress(InvalidInputError):
        rows_of(before + content, piece_bytes=16)


@pytest.mark.parametrize("content", [b"[]", b" \n[ \t] \r\n", b"\xef\xbb\xbf[]", b"\xef\xbb\xbf [\n]"])
@pytest.mark.parametrize("piece_bytes", [1, 7, 1000])
def test_an_empty_list_has_no_rows(content: bytes, piece_bytes: int) -> None:
    assert rows_of(content, piece_bytes=piece_bytes) == ([], 0)


def test_a_byte_order_mark_is_no_trouble() -> None:
    assert rows_of(b'\xef\xbb\xbf[{"text":"a"}]', piece_bytes=3) == ([TextRow("a")], 0)


def test_rows_up_to_the_limit_are_read_wherever_the_pieces_end() -> None:
    empty = len(b'{"text":""}')
    rows = [{"text": "x" * (LARGEST_ROW_BYTES - empty)}, {"text": "},{" * 80_000}, {"text": "b"}]
    content = json.dumps(rows, separators=(",", ":")).encode()
    for piece_bytes in (50_000, 262_144, 1 << 20):
        assert [row.text for row in rows_of(content, piece_bytes=piece_bytes)[0]] == [
            row["text"] for row in rows
        ]


@pytest.mark.parametrize("text", ["\\", '"', '\\"', '"\\', "a\\\\", "},{"])
def test_backslashes_and_quotes_at_the_end_of_a_text_hide_no_boundary(text: str) -> None:
    # The bad row makes the reader look at every row alone; a wrong count of quotes would find no boundary.
    rows = [{"text": text, "number": 1}] * 4_001 + [{"text": 3}] + [{"text": text, "number": 1}] * 4_000
    content = json.dumps(rows).encode()
    assert rows_of(content, piece_bytes=1 << 17) == ([TextRow(text, 1)] * 8_001, 1)


def test_a_few_objects_within_rows_are_no_trouble() -> None:
    rows = [{"text": "a", "other": [{}] * 20}] * 6_000
    content = json.dumps(rows).encode()
    for piece_bytes in (300_000, 300_033):
        assert rows_of(content, piece_bytes=piece_bytes) == ([TextRow("a")] * 6_000, 0)


ROW = b'{"text":"secret"}'


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", refusals.EMPTY),
        (b" " * 100, refusals.EMPTY),
        (b"[", refusals.TRUNCATED),
        (b"[" + ROW, refusals.TRUNCATED),
        (b"[" + ROW + b",", refusals.TRUNCATED),
        (b"[" + ROW + b',{"text":"sec', refusals.TRUNCATED),
        (b"[" + ROW + b',{"text":"a\\', refusals.TRUNCATED),
        (b"[" + ROW + b"] x", refusals.GOES_ON),
        (b"[" + ROW + b"][" + ROW + b"]", refusals.GOES_ON),
        (b"[" + ROW + b"]," + ROW, refusals.GOES_ON),
        (b"[" + ROW + b"]\0\0\0", refusals.GOES_ON),
        (b"[]]", refusals.GOES_ON),
        (b"[" + ROW + b",]", refusals.MALFORMED),
        (b"[" + ROW + ROW + b"]", refusals.MALFORMED),
        (b"[" + ROW + b"," + ROW[:-1] + b"," + ROW + b"]", refusals.MALFORMED),
        (b'[{"text":"a", text:3}]', refusals.MALFORMED),
        (b'[{"text":"a\n"}]', refusals.MALFORMED),
        (b'[{"text":NaN}]', refusals.MALFORMED),
        (b"[{'text':'secret'}]", refusals.MALFORMED),
        (b'{"text":"secret"}', refusals.NOT_A_LIST),
        (b"secret", refusals.MALFORMED),
        (b"3", refusals.MALFORMED),
        (b"[3]", refusals.OTHER_SCHEMA),
        (b"[[" + ROW + b"]]", refusals.OTHER_SCHEMA),
        (b"[" * 100_000, refusals.OTHER_SCHEMA),
        (b'[{"a":' + b"[" * 100_000, refusals.NESTED),
        (b'[{"a":' * 100_000, refusals.NESTED),
        (b'[{"a":' + b"[" * 5000 + b"]" * 5000 + b"}]", refusals.NESTED),
        ('[{"text":"secret"}]'.encode("utf-16"), refusals.WRONG_ENCODING),
        ('[{"text":"secret"}]'.encode("utf-16-le"), refusals.WRONG_ENCODING),
        ('[{"text":"secret"}]'.encode("utf-16-be"), refusals.WRONG_ENCODING),
        ('[{"text":"secret"}]'.encode("utf-32"), refusals.WRONG_ENCODING),
        ('[{"text":"secrét"}]'.encode("latin-1"), refusals.WRONG_ENCODING),
        # Half a surrogate pair as bytes.
        (b'[{"text":"\xed\xa0\x80"}]', refusals.WRONG_ENCODING),
    ],
)
@pytest.mark.parametrize("piece_bytes", [1, 9, 1 << 20])
def test_what_is_no_array_of_rows_is_refused_with_its_sentence(
    content: bytes, sentence: str, piece_bytes: int
) -> None:
    if len(content) > 1000:
        piece_bytes = max(piece_bytes, 1000)
    message = refused(content, piece_bytes=piece_bytes)
    assert message == sentence.format(file=THIS_FILE)
    assert "secr" not in message


class Endless:
    """`beginning`, and then `piece` for ever; counts what was taken."""

    def __init__(self, beginning: bytes, piece: bytes) -> None:
        self._beginning = beginning
        self._piece = piece
        self.given = 0

    def read(self, size: int) -> bytes:
        part = self._beginning[:size] or (self._piece * (size // len(self._piece) + 1))[:size]
        self._beginning = self._beginning[size:]
        self.given += len(part)
        return part


@pytest.mark.parametrize(
    ("beginning", "piece", "sentence"),
    [
        (b"", b"\0", refusals.MALFORMED),
        (b"", b" ", refusals.MALFORMED),
        (b"[", b" ", refusals.MALFORMED),
        (b"[", b"[", refusals.OTHER_SCHEMA),
        (b"[{", b" ", refusals.ROW_TOO_LARGE),
        (b'[{"text":"', b"a", refusals.ROW_TOO_LARGE),
        (b'[{"text":"', b"},{", refusals.ROW_TOO_LARGE),
        (b'[{"text":"', b'\\"},{', refusals.ROW_TOO_LARGE),
        (b'[{"text":"a"},{"x":', b"[", refusals.NESTED),
        (b'[{"text":"a"},', b'{"x":', refusals.NESTED),
        (b'[{"text":"a","x":[{}', b",{}", refusals.NESTED),
        (b'[{"text":"a"},3', b",3", refusals.ROW_TOO_LARGE),
        (ROW.join([b"[", b","]), b" ", refusals.ROW_TOO_LARGE),
        (ROW.join([b"[", b"]"]), b" ", refusals.GOES_ON),
        (ROW.join([b"[", b"]"]), b"\0", refusals.GOES_ON),
        (ROW.join([b"[", b""]), b"}", refusals.MALFORMED),
    ],
)
def test_endless_nothing_is_refused_after_a_few_pieces(beginning: bytes, piece: bytes, sentence: str) -> None:
    source = Endless(beginning, piece)
    with pytest.raises(InvalidInputError) as error:
        list(read_rows(source.read, ROWS))
    assert error.value.message == sentence.format(file=THIS_FILE)
    assert source.given <= 4 << 20


def test_a_refusal_carries_nothing_of_the_file_in_its_chain() -> None:
    with pytest.raises(InvalidInputError) as error:
        rows_of('[{"text":"secrét"}]'.encode("latin-1"), piece_bytes=100)
    assert error.value.__cause__ is None
    assert error.value.__context__ is None
