"""No secret reaches a log line, whatever it is called and wherever it stands."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotify_insights.observability import configure_logging, get_logger, redact_secrets
from untouched_logging import untouched_logging

ACCESS_TOKEN = "BQDcanary-access-token"
REFRESH_TOKEN = "AQCcanary-refresh-token"


@pytest.fixture
def log_lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    written = io.StringIO()
    monkeypatch.setattr("sys.stderr", written)
    with untouched_logging():
        configure_logging()
        yield written


def test_values_named_like_secrets_are_removed(log_lines: io.StringIO) -> None:
    get_logger("test").info("stored", access_token="hunter2", client_secret="hunter2", password="hunter2")
    assert "hunter2" not in log_lines.getvalue()
    assert json.loads(log_lines.getvalue())["event"] == "stored"


def test_tokens_inside_other_text_are_removed(log_lines: io.StringIO) -> None:
    get_logger("test").warning("refused", detail=f"Authorization: Bearer {ACCESS_TOKEN} at the gate")
    logging.getLogger("somebody.else").error("cannot refresh with %s", REFRESH_TOKEN)
    assert "canary" not in log_lines.getvalue()
    assert "at the gate" in log_lines.getvalue()
    assert "cannot refresh with" in log_lines.getvalue()


def test_a_traceback_loses_its_tokens_too(log_lines: io.StringIO) -> None:
    try:
        _refuse()
    except RuntimeError:
        get_logger("test").exception("crashed")
    assert "canary" not in log_lines.getvalue()
    assert "RuntimeError" in log_lines.getvalue()


def test_the_row_that_broke_a_rule_is_not_quoted(log_lines: io.StringIO) -> None:
    told = "violates check constraint\nDETAIL:  Failing row contains (7, alice@example.org).\nCONTEXT:  none"
    get_logger("test").error("crashed", reason=told)
    assert "alice" not in log_lines.getvalue()
    assert "violates check constraint" in log_lines.getvalue()


def _refuse() -> None:
    raise RuntimeError(f"refused {ACCESS_TOKEN}")


@given(words=st.text(alphabet="abcdefghijklmnopqrstuvwxyz ", max_size=40))
def test_ordinary_words_stay(words: str) -> None:
    assert redact_secrets(None, "info", {"event": words})["event"] == words


def test_counts_of_tokens_are_no_secrets() -> None:
    assert redact_secrets(None, "info", {"input_tokens": 12}) == {"input_tokens": 12}
