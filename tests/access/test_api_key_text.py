import re
import secrets
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotify_insights.access.api_key_text import ApiKeyText, new_api_key_text, read_api_key_text
from spotify_insights.observability import without_secrets

BASE_62 = string.digits + string.ascii_letters
keys = st.builds(
    ApiKeyText,
    key_id=st.text(BASE_62, min_size=12, max_size=12),
    secret=st.text(BASE_62, min_size=43, max_size=43),
)


@given(keys)
def test_a_key_that_is_written_can_be_read(key: ApiKeyText) -> None:
    assert re.fullmatch("si_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}", key.text)
    assert read_api_key_text(key.text) == key


@pytest.mark.parametrize("beginning", ["BQ", "AQ"])
def test_an_id_that_would_look_like_a_token_of_spotify_is_not_given(
    monkeypatch: pytest.MonkeyPatch, beginning: str
) -> None:
    unlucky = iter(beginning + 10 * "x")
    draw = secrets.choice
    monkeypatch.setattr(secrets, "choice", lambda letters: next(unlucky, None) or draw(letters))
    key = new_api_key_text()

    assert next(unlucky, None) is None
    assert without_secrets(key.key_id) == key.key_id


@given(keys, st.integers(min_value=0, max_value=64), st.sampled_from(BASE_62 + "_- "))
def test_one_wrong_character_is_noticed_without_asking_anybody(
    key: ApiKeyText, place: int, typed: str
) -> None:
    mistyped = key.text[:place] + typed + key.text[place + 1 :]

    assert (read_api_key_text(mistyped) is None) == (mistyped != key.text)


@given(keys, st.integers(min_value=0, max_value=63))
def test_two_characters_that_changed_places_are_noticed(key: ApiKeyText, place: int) -> None:
    text = key.text
    swapped = text[:place] + text[place + 1] + text[place] + text[place + 2 :]

    assert (read_api_key_text(swapped) is None) == (swapped != text)


@given(st.text() | st.from_regex("si_[0-9A-Za-z]{0,14}_[0-9A-Za-z]{0,60}", fullmatch=True))
def test_anything_else_is_no_key(given_text: str) -> None:
    key = read_api_key_text(given_text)

    assert key is None or key.text == given_text


@pytest.mark.parametrize("end", ["\n", " ", "\x00", "é"])
def test_nothing_may_follow_a_key(end: str) -> None:
    assert read_api_key_text(new_api_key_text().text + end) is None


def test_no_two_keys_are_the_same() -> None:
    made = {new_api_key_text().text for _ in range(200)}

    assert len(made) == 200


def test_a_key_shows_itself_neither_in_a_log_nor_when_it_is_printed() -> None:
    key = new_api_key_text()

    assert key.secret not in repr(key)
    assert key.secret not in without_secrets(f"the key {key.text} was refused")
