"""The demo's mercy: tokens that nobody issued stand for somebody."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from spotify_insights.pretend_spotify.config import PretendSpotifyConfig
from spotify_insights.pretend_spotify.loopback_client import loopback_client
from spotify_insights.pretend_spotify.personas import PERSONAS
from spotify_insights.pretend_spotify.running import RunningPretendSpotify, running_pretend_spotify


@pytest.fixture(scope="module")
def demo() -> Iterator[RunningPretendSpotify]:
    with running_pretend_spotify(PretendSpotifyConfig(accept_unknown_tokens=True, control=True)) as server:
        yield server


def me(demo: RunningPretendSpotify, access_token: str) -> dict[str, Any]:
    with loopback_client(demo.api_url, {"Authorization": f"Bearer {access_token}"}) as client:
        response = client.get("/me")
    assert response.status_code == 200
    body: dict[str, Any] = response.json()
    return body


def refresh(demo: RunningPretendSpotify, refresh_token: str) -> httpx2.Response:
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token, "client_id": "pretend-client"}
    with loopback_client(demo.accounts_url) as client:
        return client.post("/api/token", data=form)


def test_an_unknown_access_token_always_stands_for_the_same_person(demo: RunningPretendSpotify) -> None:
    first = me(demo, "BQD...")
    demo.control.reset()
    assert me(demo, "BQD...") == first
    assert first["display_name"] in {persona.display_name for persona in PERSONAS}


def test_different_tokens_stand_for_different_accounts_of_every_persona(demo: RunningPretendSpotify) -> None:
    people = [me(demo, f"BQD-{number}") for number in range(60)]
    assert len({person["account_id"] for person in people}) == 60
    assert {person["display_name"] for person in people} == {persona.display_name for persona in PERSONAS}


def test_access_and_refresh_token_of_one_person_lead_to_one_account(demo: RunningPretendSpotify) -> None:
    renewed = refresh(demo, "AQC-alice").json()
    assert me(demo, renewed["access_token"])["id"] == me(demo, "BQD-alice")["id"]


def test_an_unknown_refresh_token_can_be_revoked_before_it_is_ever_seen(demo: RunningPretendSpotify) -> None:
    demo.control.revoke(me(demo, "BQD-mallory")["id"])
    refused = refresh(demo, "AQC-mallory")
    assert (refused.status_code, refused.json()["error_description"]) == (400, "Refresh token revoked")


def test_an_unknown_access_token_can_be_expired(demo: RunningPretendSpotify) -> None:
    demo.control.expire_access_tokens(me(demo, "BQD-bob")["id"])
    with loopback_client(demo.api_url, {"Authorization": "Bearer BQD-bob"}) as client:
        assert client.get("/me").status_code == 401
