import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arbitrary_snapshots import NAMES
from spotify_insights.insights.names import MAX_NAME_LENGTH, NAMELESS, safe_name


@given(name=st.one_of(NAMES, st.text(st.characters(exclude_categories=["Cs"]), max_size=300)))
def test_a_safe_name_is_one_short_plain_line(name: str) -> None:
    safe = safe_name(name)
    assert 1 <= len(safe) <= MAX_NAME_LENGTH
    assert safe == " ".join(safe.split())
    assert not {unicodedata.category(character) for character in safe} & {"Cc", "Cf", "Cs", "Co", "Cn"}
    assert not set(safe) & set('"“”')


@given(name=NAMES)
def test_making_a_safe_name_safe_changes_nothing(name: str) -> None:
    assert safe_name(safe_name(name)) == safe_name(name)


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("Sigur Rós", "Sigur Rós"),
        ("right \u202eto left", "right to left"),
        ("zero\u200bwidth", "zerowidth"),
        ("two\nlines", "two lines"),
        ("\uff11\uff19\uff18\uff14", "1984"),
        ('Songs of "Love"', "Songs of 'Love'"),
        ("\u200b\u202e", NAMELESS),
        ("", NAMELESS),
        ("AC/DC", "AC/DC"),
        ("宇多田ヒカル", "宇多田ヒカル"),
    ],
)
def test_names_keep_what_people_can_read(name: str, safe: str) -> None:
    assert safe_name(name) == safe


def test_a_long_name_is_cut_and_shows_it() -> None:
    assert safe_name("A" * 500) == "A" * 77 + "..."


def test_stacked_accents_are_thinned_out() -> None:
    marks = "\u0351\u0352\u0353\u0354\u0355\u0356"
    assert len(safe_name(f"Z{marks}")) <= 4
