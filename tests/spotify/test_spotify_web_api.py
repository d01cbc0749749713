import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr

from spotify_insights.spotify.errors import UpstreamError
from spotify_insights.spotify.http_client import SpotifyHttpClient
from spotify_insights.spotify.scopes import REQUESTED_SCOPES, ApiCall
from spotify_insights.spotify.web_api import SpotifyWebApi

# As development mode sends it: no popularity, no markets, no genres, no followers.
THIN_TRACK = {
    "album": {
        "album_type": "album",
        "artists": [],
        "id": "album-1",
        "images": [{"height": 640, "url": "https://images.example/1", "width": 640}],
        "name": "Tidewater",
        "release_date": "2021-03",
        "release_date_precision": "month",
    },
    "artists": [{"href": "https://api.example/artists/1", "id": "artist-1", "name": "The Lanterns"}],
    "duration_ms": 215_000,
    "explicit": False,
    "external_ids": {"isrc": "XX0002100001"},
    "id": "track-1",
    "is_local": False,
    "name": "Low Water",
    "type": "track",
    "uri": "spotify:track:track-1",
}
LOCAL_TRACK = {"id": None, "is_local": True, "name": "Demo tape", "uri": "spotify:local:::Demo+tape:60"}


def api_with(
    answer: Callable[[httpx2.Request], httpx2.Response],
) -> tuple[SpotifyWebApi, list[httpx2.Request]]:
    """A Web API client, and the list of the requests it will have sent."""
    requests: list[httpx2.Request] = []

    def remember(request: httpx2.Request) -> httpx2.Response:
        requests.append(request)
        return answer(request)

    http = SpotifyHttpClient(api_url="https://api.example", transport=httpx2.MockTransport(remember))
    return SpotifyWebApi(SecretStr("the-token"), http), requests


def api_answering(body: Mapping[str, Any]) -> SpotifyWebApi:
    return api_with(lambda _: httpx2.Response(200, json=body))[0]


def test_a_call_asks_in_spotifys_terms_and_shows_the_token() -> None:
    api, requests = api_with(lambda _: httpx2.Response(200, json={"items": []}))

    api.top_artists("long_term", limit=20)

    (request,) = requests
    assert request.method == "GET"
    assert request.url == "https://api.example/v1/me/top/artists?time_range=long_term&limit=20"
    assert request.headers["Authorization"] == "Bearer the-token"
    assert "spotify-insights" in request.headers["User-Agent"]


def test_a_thin_track_of_development_mode_is_read() -> None:
    (track,) = api_answering({"items": [THIN_TRACK], "next": None, "total": 1}).top_tracks("short_term")

    assert (track.id, track.name, track.isrc) == ("track-1", "Low Water", "XX0002100001")
    assert [artist.name for artist in track.artists] == ["The Lanterns"]
    assert track.album is not None
    assert (track.album.name, track.album.release_date) == ("Tidewater", "2021-03")
    assert track.album.images[0].width == 640


def test_a_track_of_nothing_but_id_and_name_is_read() -> None:
    (track,) = api_answering({"items": [{"id": "t", "name": ""}]}).top_tracks("short_term")

    assert (track.duration_ms, track.isrc, track.album, track.artists) == (None, None, None, ())


@pytest.mark.parametrize(
    "nulls",
    [
        {"artists": None, "album": None, "external_ids": None, "explicit": None, "duration_ms": None},
        {"artists": [{"id": None, "name": "Unknown"}], "album": {"id": None, "name": "", "images": None}},
        {"external_ids": {}},
    ],
)
def test_nulls_in_a_track_are_no_surprise(nulls: Mapping[str, Any]) -> None:
    (track,) = api_answering({"items": [{**THIN_TRACK, **nulls}]}).top_tracks("short_term")

    assert track.id == "track-1"


@pytest.mark.parametrize(
    ("more", "genres"),
    [({}, ()), ({"genres": None}, ()), ({"genres": []}, ()), ({"genres": ["shoegaze"]}, ("shoegaze",))],
)
def test_genres_may_be_absent_null_or_listed(more: Mapping[str, Any], genres: tuple[str, ...]) -> None:
    (artist,) = api_answering({"items": [{"id": "a", "name": "The Lanterns", **more}]}).top_artists(
        "short_term"
    )

    assert artist.genres == genres


def test_local_files_and_withdrawn_tracks_are_left_out() -> None:
    tracks = api_answering({"items": [LOCAL_TRACK, None, THIN_TRACK]}).top_tracks("short_term")
    moment = "2026-11-21T18:03:11.123Z"
    played = [{"track": track, "played_at": moment} for track in (LOCAL_TRACK, None, THIN_TRACK)]
    plays = api_answering({"items": played, "cursors": None}).recently_played()

    assert [track.id for track in tracks] == ["track-1"]
    assert [play.track.id for play in plays.items] == ["track-1"]


def test_a_play_ends_at_an_aware_moment() -> None:
    body = {
        "items": [{"track": THIN_TRACK, "played_at": "2026-11-21T18:03:11.123Z", "context": None}],
        "cursors": {"after": "1795284191123", "before": "1795284191123"},
    }

    plays = api_answering(body).recently_played()

    (play,) = plays.items
    assert play.played_at == datetime(2026, 11, 21, 18, 3, 11, 123_000, tzinfo=UTC)
    assert play.played_at.tzinfo is not None
    assert plays.cursors is not None
    assert plays.cursors.after == "1795284191123"


def test_a_play_at_a_time_without_zone_is_refused() -> None:
    api = api_answering({"items": [{"track": THIN_TRACK, "played_at": "2026-11-21T18:03:11"}]})

    with pytest.raises(UpstreamError):
        api.recently_played()


@pytest.mark.parametrize("cursors", [None, {}, {"after": None, "before": None}])
def test_no_newer_plays_is_an_empty_page(cursors: Mapping[str, Any] | None) -> None:
    plays = api_answering({"items": [], "cursors": cursors}).recently_played()

    assert plays.items == ()
    assert plays.cursors is None or plays.cursors.after is None


@pytest.mark.parametrize(
    ("after", "milliseconds"),
    [
        (datetime(1970, 1, 1, 0, 0, 1, 999_999, tzinfo=UTC), 1999),
        (datetime(1970, 1, 2, 1, tzinfo=timezone(timedelta(hours=1))), 86_400_000),
    ],
)
def test_after_is_sent_as_unix_milliseconds(after: datetime, milliseconds: int) -> None:
    api, requests = api_with(lambda _: httpx2.Response(200, json={"items": []}))

    api.recently_played(after=after)

    assert requests[0].url.params["after"] == str(milliseconds)


def test_a_naive_after_is_a_fault_of_the_caller() -> None:
    api, requests = api_with(lambda _: httpx2.Response(200, json={"items": []}))

    with pytest.raises(TypeError):
        api.recently_played(after=datetime(2026, 11, 21))  # noqa: DTZ001  # the fault under test
    assert requests == []


@pytest.mark.parametrize(
    ("profile", "stable_id"),
    [
        ({"id": "lea", "account_id": "a1b2"}, "a1b2"),
        ({"id": "lea", "display_name": None}, "lea"),
        ({"id": "lea", "account_id": None, "email": None}, "lea"),
    ],
)
def test_a_listener_is_recognised_by_account_id_where_there_is_one(
    profile: Mapping[str, Any], stable_id: str
) -> None:
    assert api_answering(profile).me().stable_id == stable_id


def features_for_every_id_but(unknown: str) -> Callable[[httpx2.Request], httpx2.Response]:
    def answer(request: httpx2.Request) -> httpx2.Response:
        ids = request.url.params["ids"].split(",")
        known = [None if one == unknown else {"id": one, "energy": 0.5, "key": 3} for one in ids]
        return httpx2.Response(200, json={"audio_features": known})

    return answer


def test_audio_features_are_fetched_a_hundred_at_a_time_without_the_unknown() -> None:
    api, requests = api_with(features_for_every_id_but("id-7"))
    ids = [f"id-{number}" for number in range(201)]

    features = api.audio_features(ids)

    assert [len(request.url.params["ids"].split(",")) for request in requests] == [100, 100, 1]
    assert [one.id for one in features] == [one for one in ids if one != "id-7"]
    assert features[0].energy == 0.5
    assert features[0].valence is None


def test_no_ids_need_no_call() -> None:
    api, requests = api_with(features_for_every_id_but(""))

    assert api.audio_features([]) == ()
    assert requests == []


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999"])
def test_a_feature_that_is_no_number_is_refused(number: str) -> None:
    body = json.dumps({"audio_features": [{"id": "a"}]}).replace('"a"', f'"a", "energy": {number}')
    api, _ = api_with(lambda _: httpx2.Response(200, content=body.encode()))

    with pytest.raises(UpstreamError):
        api.audio_features(["a"])


def test_the_sign_in_asks_for_exactly_what_the_calls_need() -> None:
    calls = {name for name in vars(SpotifyWebApi) if not name.startswith("_")}

    assert calls == {call.name.lower() for call in ApiCall}
    assert {"user-top-read", "user-read-recently-played"} == REQUESTED_SCOPES
