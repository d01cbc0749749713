"""Reading the header: one key in either spelling, or a reason why it is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotify_insights.idempotency.errors import InvalidKeyError
from spotify_insights.idempotency.key import LONGEST_KEY, read_key

PRINTABLE = "".join(map(chr, range(0x20, 0x7F)))
contents = st.text(PRINTABLE, min_size=1, max_size=LONGEST_KEY).filter(str.strip)


def quoted(content: str) -> str:
    """As RFC 9651, section 4.1.6, serialises a String."""
    return '"' + content.replace("\\", "\\\\").replace('"', '\\"') + '"'


def outcome(value: str) -> tuple[str | None, str]:
    """The key, or why there is none."""
    try:
        return read_key([value]), ""
    except InvalidKeyError as error:
        return None, error.message


@given(contents)
def test_any_quoted_text_is_the_key_that_was_quoted(content: str) -> None:
    assert read_key([quoted(content)]) == content


@given(st.text(sorted(set(PRINTABLE) - set(' ",;\\')), min_size=1, max_size=LONGEST_KEY))
def test_a_bare_key_is_the_same_as_the_quoted_one(content: str) -> None:
    assert read_key([content]) == read_key([quoted(content)]) == content


def test_blanks_around_the_value_are_none_of_its_own() -> None:
    assert read_key(['  "abc"\t']) == read_key(["\tabc "]) == "abc"


@given(st.text() | st.text('"\\a ,;'))
def test_any_value_is_a_usable_key_or_refused_without_being_repeated(value: str) -> None:
    key, complaint = outcome(value)

    if key is None:
        assert complaint.endswith(".")
        assert len(value) < 4 or value not in complaint
    else:
        assert 0 < len(key.strip()) <= len(key) <= LONGEST_KEY
        assert set(key) <= set(PRINTABLE)


@pytest.mark.parametrize(
    "values",
    [
        [],
        ["abc", "abc"],
        ["abc, def"],
        ['"abc", "def"'],
        ["abc,"],
        [""],
        [" \t"],
        ['""'],
        ['"   "'],
        ['"'],
        ['"abc'],
        ['abc"'],
        ['a"b'],
        ['"a"b"'],
        ['"abc\\"'],
        ['"a\\b"'],
        ["a\\b"],
        ["a b"],
        ["abc;first"],
        ['"abc";first'],
        ["'abc\x00'"],
        ['"a\tb"'],
        ["a\x7f"],
        ['"a\x1b[2J"'],
        ["kläuschen"],
        ['"kläuschen"'],
        ["k" * (LONGEST_KEY + 1)],
        [quoted("k" * (LONGEST_KEY + 1))],
    ],
)
def test_what_is_not_one_key_is_refused(values: list[str]) -> None:
    with pytest.raises(InvalidKeyError):
        read_key(values)


def test_what_protects_a_character_does_not_count_towards_the_length() -> None:
    longest = '"' * LONGEST_KEY

    assert read_key([quoted(longest)]) == longest
