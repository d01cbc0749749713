from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from pretend_trials import NOW, SignIn
from spotify_insights.pretend_spotify.config import Mode
from spotify_insights.pretend_spotify.listener import listener_of
from spotify_insights.pretend_spotify.running import RunningPretendSpotify

MIDNIGHT = NOW.replace(hour=0)
OBJECT = {"external_urls", "href", "id", "type", "uri"}
USER = OBJECT | {"account_id", "display_name", "images"}
ARTIST_REFERENCE = OBJECT | {"name"}
ARTIST = OBJECT | {"images", "name"}
ALBUM = OBJECT | {
    "album_type",
    "artists",
    "images",
    "name",
    "release_date",
    "release_date_precision",
    "total_tracks",
}
TRACK = OBJECT | {
    "album",
    "artists",
    "disc_number",
    "duration_ms",
    "explicit",
    "external_ids",
    "is_local",
    "is_playable",
    "name",
    "preview_url",
    "track_number",
}
# What only extended mode still sends.
MORE_OF_USER = {"followers"}
MORE_OF_ARTIST = {"followers", "genres", "popularity"}
MORE_OF_ALBUM = {"available_markets"}
MORE_OF_TRACK = {"available_markets", "popularity"}


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


def check_track(track: dict[str, Any], *, extended: bool) -> None:
    assert set(track) == TRACK | (MORE_OF_TRACK if extended else set())
    assert set(track["album"]) == ALBUM | (MORE_OF_ALBUM if extended else set())
    for artist in (*track["artists"], *track["album"]["artists"]):
        assert set(artist) == ARTIST_REFERENCE
    assert track["uri"] == f"spotify:track:{track['id']}"
    assert track["preview_url"] is None
    assert set(track["external_ids"]) == {"isrc"}
    expected_length = {"year": 4, "day": 10}[track["album"]["release_date_precision"]]
    assert len(track["album"]["release_date"]) == expected_length


@pytest.mark.parametrize("mode", list(Mode))
def test_the_profile_has_the_fields_of_its_mode(
    spotify: RunningPretendSpotify, listener_client: SignIn, mode: Mode
) -> None:
    extended = in_mode(spotify, mode)
    profile = read(listener_client(), "/me")
    assert set(profile) == USER | (MORE_OF_USER if extended else set())
    assert profile["display_name"] == "Priya Raman"
    assert profile["type"] == "user"


@pytest.mark.parametrize("mode", list(Mode))
def test_private_fields_of_the_profile_need_their_scope_and_extended_mode(
    spotify: RunningPretendSpotify, listener_client: SignIn, mode: Mode
) -> None:
    extended = in_mode(spotify, mode)
    with_email = set(read(listener_client(scope="user-read-email"), "/me"))
    with_private = set(read(listener_client(scope="user-read-private"), "/me"))
    assert ("email" in with_email) == extended
    assert ({"country", "product", "explicit_content"} <= with_private) == extended
    assert "email" not in with_private
    assert with_email.isdisjoint({"country", "product", "explicit_content"})


@pytest.mark.parametrize("mode", list(Mode))
def test_top_tracks_have_the_fields_of_their_mode(
    spotify: RunningPretendSpotify, listener_client: SignIn, mode: Mode
) -> None:
    extended = in_mode(spotify, mode)
    page = read(listener_client(), "/me/top/tracks", limit=50)
    assert set(page) == {"href", "items", "limit", "next", "offset", "previous", "total"}
    for track in page["items"]:
        check_track(track, extended=extended)


@pytest.mark.parametrize("mode", list(Mode))
def test_top_artists_have_the_fields_of_their_mode(
    spotify: RunningPretendSpotify, listener_client: SignIn, mode: Mode
) -> None:
    extended = in_mode(spotify, mode)
    for artist in read(listener_client(), "/me/top/artists", limit=50)["items"]:
        assert set(artist) == ARTIST | (MORE_OF_ARTIST if extended else set())
        assert all(set(image) == {"url", "height", "width"} for image in artist["images"])


@pytest.mark.parametrize("time_range", ["short_term", "medium_term", "long_term"])
def test_top_items_are_the_listeners_own_as_of_midnight(listener_client: SignIn, time_range: str) -> None:
    client = listener_client("night-owl")
    listener = listener_of("night-owl")
    tracks = read(client, "/me/top/tracks", time_range=time_range, limit=50)
    expected_tracks = listener.top_tracks(time_range, MIDNIGHT)
    assert [item["id"] for item in tracks["items"]] == [track.id for track in expected_tracks[:50]]
    assert tracks["total"] == len(expected_tracks)
    artists = read(client, "/me/top/artists", time_range=time_range, limit=50)
    expected_artists = listener.top_artists(time_range, MIDNIGHT)
    assert [item["id"] for item in artists["items"]] == [artist.id for artist in expected_artists[:50]]


def test_top_items_cover_the_medium_term_and_twenty_items_unless_told_otherwise(
    listener_client: SignIn,
) -> None:
    client = listener_client()
    plain = read(client, "/me/top/tracks")
    explicit = read(client, "/me/top/tracks", time_range="medium_term", limit=20, offset=0)
    assert plain == explicit
    assert len(plain["items"]) == 20


def test_following_next_visits_every_item_once_and_previous_leads_back(listener_client: SignIn) -> None:
    client = listener_client("obsessive")
    page = read(client, "/me/top/tracks", limit=30)
    assert page["previous"] is None
    seen = [item["id"] for item in page["items"]]
    while page["next"] is not None:
        page = client.get(page["next"]).json()
        seen += [item["id"] for item in page["items"]]
    assert len(seen) == len(set(seen)) == page["total"]
    before = client.get(page["previous"]).json()
    assert before["offset"] == page["offset"] - 30


@pytest.mark.parametrize(
    ("path", "query", "message"),
    [
        ("/me/top/tracks", {"time_range": "forever"}, "Invalid time range"),
        ("/me/top/tracks", {"limit": "0"}, "Invalid limit"),
        ("/me/top/tracks", {"limit": "51"}, "Invalid limit"),
        ("/me/top/artists", {"limit": "many"}, "Invalid limit"),
        ("/me/top/artists", {"offset": "-1"}, "Invalid offset"),
        ("/me/player/recently-played", {"limit": "51"}, "Invalid limit"),
        ("/me/player/recently-played", {"after": "yesterday"}, "Invalid after"),
        ("/me/player/recently-played", {"after": "1", "before": "2"}, "Only one of"),
        ("/audio-features", {"ids": ""}, "ids"),
        ("/audio-features", {"ids": ",".join(["x" * 22] * 101)}, "Too many ids"),
    ],
)
def test_bad_parameters_are_refused(
    listener_client: SignIn, path: str, query: dict[str, str], message: str
) -> None:
    status, found = error_of(listener_client().get(path, params=query))
    assert status == 400
    assert message in found


@pytest.mark.parametrize("mode", list(Mode))
def test_recently_played_tells_when_a_track_ended_and_not_how_long_it_was_heard(
    spotify: RunningPretendSpotify, listener_client: SignIn, mode: Mode
) -> None:
    extended = in_mode(spotify, mode)
    page = read(listener_client(), "/me/player/recently-played", limit=50)
    assert set(page) == {"href", "items", "limit", "next", "cursors"}
    expected = listener_of("omnivore").recently_played(NOW, limit=50)
    assert len(page["items"]) == len(expected) == 50
    for item, play in zip(page["items"], expected, strict=True):
        assert set(item) == {"track", "played_at", "context"}
        check_track(item["track"], extended=extended)
        assert item["track"]["id"] == play.track.id
        assert item["played_at"].endswith("Z")
        assert datetime.fromisoformat(item["played_at"]) == play.ended_at
    contexts = [item["context"] for item in page["items"]]
    assert None in contexts
    assert all(
        set(context) == {"type", "href", "external_urls", "uri"}
        for context in contexts
        if context is not None
    )


def test_paging_back_ends_after_fifty_plays_with_null_cursors(listener_client: SignIn) -> None:
    client = listener_client()
    page, times = read(client, "/me/player/recently-played", limit=20), []
    while page["cursors"] is not None:
        times += [item["played_at"] for item in page["items"]]
        if page["next"] is None:
            break
        page = client.get(page["next"]).json()
    assert len(times) == 50
    assert all(newer > older for newer, older in pairwise(times))
    last = round(datetime.fromisoformat(times[-1]).timestamp() * 1000)
    empty = read(client, "/me/player/recently-played", before=last)
    assert (empty["items"], empty["cursors"], empty["next"]) == ([], None, None)


def test_nothing_is_newer_than_the_after_cursor_until_more_is_played(
    spotify: RunningPretendSpotify, listener_client: SignIn
) -> None:
    next_play = listener_of("omnivore").plays_between(NOW, NOW + timedelta(days=2))[0]
    begun = spotify.control.advance_clock(next_play.started_at - NOW)
    client = listener_client()
    newest = read(client, "/me/player/recently-played", limit=1)
    after = newest["cursors"]["after"]
    nothing = read(client, "/me/player/recently-played", after=after)
    assert (nothing["items"], nothing["cursors"]) == ([], None)
    later = spotify.control.advance_clock(timedelta(minutes=30))
    fresh = read(client, "/me/player/recently-played", after=after, limit=50)["items"]
    heard = listener_of("omnivore").plays_between(begun, later)
    assert [item["track"]["id"] for item in reversed(fresh)] == [
        play.track.id for play in heard if play.ms_played >= 30_000
    ]
    assert fresh


def test_a_call_without_its_scope_is_forbidden(listener_client: SignIn) -> None:
    client = listener_client(scope="user-top-read")
    assert read(client, "/me/top/tracks")
    assert error_of(client.get("/me/player/recently-played")) == (403, "Insufficient client scope")


def test_a_call_without_a_bearer_token_is_refused(browser: httpx2.Client) -> None:
    assert error_of(browser.get("/v1/me")) == (401, "No token provided")
    assert error_of(browser.get("/v1/me", auth=("a", "b"))) == (
        400,
        "Only valid bearer authentication supported",
    )
    headers = {"Authorization": "Bearer nonsense"}
    assert error_of(browser.get("/v1/me", headers=headers)) == (401, "Invalid access token")


@pytest.mark.parametrize("path", ["/v1/tracks", "/v1/me/top/albums", "/v2/me"])
def test_what_is_not_there_answers_in_spotifys_json(listener_client: SignIn, path: str) -> None:
    client = listener_client()
    assert error_of(client.get(str(client.base_url.copy_with(path=path)))) == (404, "Service not found")


def test_pictures_can_be_fetched(listener_client: SignIn) -> None:
    client = listener_client()
    image = read(client, "/me")["images"][0]["url"]
    assert urlsplit(image).hostname == "127.0.0.1"
    picture = client.get(image)
    assert picture.status_code == 200
    assert picture.headers["content-type"].startswith("image/")
