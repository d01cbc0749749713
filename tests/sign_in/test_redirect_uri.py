"""The address that providers send browsers back to, and what PUBLIC_URL may be for its sake."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotify_insights.errors import SetupError
from spotify_insights.sign_in.redirect_uri import check_public_url, redirect_uri


@pytest.mark.parametrize(
    ("public_url", "uri"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000/auth/spotify/callback"),
        ("http://127.0.0.1:8000/", "http://127.0.0.1:8000/auth/spotify/callback"),
        ("http://[::1]:8000", "http://[::1]:8000/auth/spotify/callback"),
        ("https://insights.example.org", "https://insights.example.org/auth/spotify/callback"),
        ("https://insights.example.org:8443", "https://insights.example.org:8443/auth/spotify/callback"),
    ],
)
def test_the_address_follows_from_the_setting_alone(public_url: str, uri: str) -> None:
    check_public_url(public_url)
    assert redirect_uri(public_url, "spotify") == uri


@pytest.mark.parametrize(
    ("public_url", "reason"),
    [
        ("http://localhost:8000", "localhost"),
        ("https://localhost", "localhost"),
        ("http://insights.localhost", "localhost"),
        ("http://insights.example.org", "needs https"),
        ("http://192.168.1.5:8000", "needs https"),
        ("http://127.1:8000", "needs https"),
        ("https://insights.example.org/app", "nothing may follow"),
        ("https://insights.example.org?x=1", "nothing may follow"),
        ("https://insights.example.org/?", "nothing may follow"),
        ("https://insights.example.org#top", "nothing may follow"),
        ("https://name:word@insights.example.org", "more than a scheme"),
        ("https://insights.example.org:99999", "no web address"),
        ("https://[::1", "no web address"),
        ("ftp://127.0.0.1", "no web address"),
        ("127.0.0.1:8000", "no web address"),
        ("", "no web address"),
    ],
)
def test_what_providers_would_refuse_is_refused_at_start_up(public_url: str, reason: str) -> None:
    with pytest.raises(SetupError, match=reason) as refusal:
        check_public_url(public_url)
    assert refusal.value.message.startswith("PUBLIC_URL cannot be used: ")
    assert "word@" not in refusal.value.message


@given(st.text())
def test_whatever_is_set_is_either_usable_or_a_sentence(public_url: str) -> None:
    try:
        check_public_url(public_url)
    except SetupError:
        return
    assert redirect_uri(public_url, "spotify").startswith(("https://", "http://127.", "http://[::1]"))
