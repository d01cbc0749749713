from typing import Any

import httpx2

from pretend_trials import SignIn
from spotify_insights.pretend_spotify.config import Mode
from spotify_insights.pretend_spotify.running import RunningPretendSpotify

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
