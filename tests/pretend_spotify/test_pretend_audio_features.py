from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

from spotify_insights.pretend_spotify.config import Mode, PretendSpotifyConfig
from spotify_insights.pretend_spotify.running import RunningPretendSpotify, running_pretend_spotify
from spotify_insights.pretend_spotify.sign_in import LISTENING_SCOPE

SignIn = Callable[..., httpx2.Client]
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
FEATURES = {
    "danceability",
    "energy",
    "key",
    "loudness",
    "mode",
    "speechiness",
    "acousticness",
    "instrumentalness",
    "liveness",
    "valence",
    "tempo",
    "time_signature",
    "type",
    "id",
    "uri",
    "track_href",
    "analysis_url",
    "duration_ms",
}


@pytest.fixture(scope="module")
def shared() -> Iterator[RunningPretendSpotify]:
    config = PretendSpotifyConfig(mode=Mode.EXTENDED, control=True, clock=lambda: NOW)
    with running_pretend_spotify(config) as running:
        yield running


@pytest.fixture
def spotify(shared: RunningPretendSpotify) -> RunningPretendSpotify:
    """In extended mode, its clock standing still, as fresh as on its first day."""
    shared.control.reset()
    return shared


@pytest.fixture
def listener_client(spotify: RunningPretendSpotify) -> Iterator[SignIn]:
    """Signs a persona in; the clients are closed after the test."""
    with ExitStack() as clients:

        def signed_in(persona: str = "omnivore", *, scope: str = LISTENING_SCOPE) -> httpx2.Client:
            return clients.enter_context(spotify.client_of(persona, scope=scope))

        yield signed_in


def in_mode(spotify: RunningPretendSpotify, mode: Mode) -> bool:
    spotify.control.change(mode=mode)
    return mode is Mode.EXTENDED


def read(client: httpx2.Client, path: str, **query: object) -> dict[str, Any]:
    response = client.get(path, params={name: str(value) for name, value in query.items()})
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    body: dict[str, Any] = response.json()
    return body


def error_of(response: httpx2.Response) -> tuple[int, str]:
    assert set(response.json()) == {"error"}
    error = response.json()["error"]
    assert error["status"] == response.status_code
    return error["status"], error["message"]


def test_audio_features_come_in_the_order_asked_with_null_for_the_unknown(listener_client: SignIn) -> None:
    client = listener_client()
    ids = [item["id"] for item in read(client, "/me/top/tracks", limit=50)["items"]]
    asked = [ids[3], "0" * 22, *ids]
    features = read(client, "/audio-features", ids=",".join(asked))["audio_features"]
    assert [entry and entry["id"] for entry in features] == [ids[3], None, *ids]
    assert all(set(entry) == FEATURES for entry in features if entry is not None)
    assert read(client, f"/audio-features/{ids[3]}") == features[0]


def test_a_single_unknown_track_has_no_analysis(listener_client: SignIn) -> None:
    client = listener_client()
    assert error_of(client.get(f"/audio-features/{'0' * 22}")) == (404, "analysis not found")
    assert error_of(client.get("/audio-features/no-such-id")) == (400, "Invalid id")


def test_audio_features_are_withdrawn_in_development_mode(
    spotify: RunningPretendSpotify, listener_client: SignIn
) -> None:
    in_mode(spotify, Mode.DEVELOPMENT)
    client = listener_client()
    for path in ("/audio-features?ids=" + "0" * 22, "/audio-features/" + "0" * 22):
        refused = client.get(path)
        assert (refused.status_code, refused.json()) == (403, {"error": {"status": 403}})


def test_features_can_be_taken_away_by_share_and_by_track(
    spotify: RunningPretendSpotify, listener_client: SignIn
) -> None:
    client = listener_client()
    first = read(client, "/me/top/tracks", limit=50)
    ids = [item["id"] for item in (*first["items"], *client.get(first["next"]).json()["items"])]

    def missing() -> set[str]:
        features = read(client, "/audio-features", ids=",".join(ids))["audio_features"]
        return {track_id for track_id, entry in zip(ids, features, strict=True) if entry is None}

    assert missing() == set()
    spotify.control.change(tracks_without_features=ids[:2])
    assert missing() == set(ids[:2])
    spotify.control.change(tracks_without_features=[], feature_coverage=0.5)
    half = missing()
    assert 25 < len(half) < 75
    spotify.control.change(feature_coverage=0.3)
    assert half < missing()
