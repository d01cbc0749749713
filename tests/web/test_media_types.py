"""Which form of an answer is given, by what a client accepts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotify_insights.web.media_types import wanted_media_type

JSON, CSV, LINES = "application/json", "text/csv", "application/jsonl"
OFFERED = (JSON, CSV, LINES)


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        ((), JSON),
        (("",), JSON),
        (("*/*",), JSON),
        (("text/csv",), CSV),
        (("TEXT/CSV ; charset=utf-8",), CSV),
        (("text/*",), CSV),
        (("text/html, text/csv",), CSV),
        (("application/jsonl;q=0.9, text/csv;q=0.8",), LINES),
        (("text/csv;q=0.8, application/jsonl;q=0.9",), LINES),
        (("text/csv;q=0.5, application/json",), JSON),
        # What is named counts more than what is merely not refused.
        (("*/*, text/csv",), CSV),
        (("text/csv, application/jsonl",), CSV),
        (("application/jsonl, text/csv",), LINES),
        # The range that names it most exactly decides, wherever it stands.
        (("text/csv;q=0, */*;q=0.1",), JSON),
        (("*/*, application/json;q=0",), CSV),
        (("application/*;q=0.2, application/jsonl;q=0.1, application/json;q=0",), LINES),
        # A browser.
        (("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",), JSON),
        # Several headers are one list.
        (("image/png", "text/csv"), CSV),
        (("image/png",), None),
        (("text/csv;q=0",), None),
        # A comma between quotation marks ends nothing; a quality that is none says nothing.
        (('text/csv;note="a, application/jsonl;q=1";q=0.3, application/json;q=0.4',), JSON),
        (("text/csv;q=2, application/jsonl;q=0.1",), LINES),
        (("text/csv;q=0.1234, application/jsonl;q=nan, application/json;q=-1",), JSON),
        ((",,;q=1, ;, text/csv",), CSV),
    ],
)
def test_what_is_accepted_decides(accept: tuple[str, ...], wanted: str | None) -> None:
    assert wanted_media_type(accept, OFFERED) == wanted


@given(st.lists(st.text(alphabet='ax/*;,q="\\\\. 01=', max_size=40), max_size=3))
def test_nothing_that_a_client_sends_is_too_strange(accept: list[str]) -> None:
    assert wanted_media_type(accept, OFFERED) in {*OFFERED, None}
