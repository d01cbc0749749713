"""What a provider says of somebody can be stored, or signs nobody in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotify_insights.sign_in.problem import SignInError
from spotify_insights.sign_in.providers.told_text import check_identity, cleaned


@given(st.text(st.characters()))
def test_a_name_keeps_all_that_can_be_stored(name: str) -> None:
    kept = cleaned(name)

    assert "\0" not in kept
    kept.encode()
    assert cleaned(kept) == kept


def test_a_name_loses_nothing_else() -> None:
    assert cleaned("Zoë \0\ud800 & 張") == "Zoë  & 張"


@pytest.mark.parametrize("identifier", ["robin\0", "\0", "ro\ud800bin", "robin\n"])
def test_an_identifier_is_not_made_somebody_elses(identifier: str) -> None:
    with pytest.raises(SignInError, match="provider_away"):
        check_identity("fine", identifier)
    check_identity("robin", None)
