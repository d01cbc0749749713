"""Our client and the pretend Spotify must agree: both follow Spotify's documents, not each other."""

from datetime import timedelta

import pytest

from pretend_sign_in import CONFIDENTIAL, CONFIG, refresh_token_of
from spotify_insights.pretend_spotify.config import Mode
from spotify_insights.pretend_spotify.faults import (
    AccessTokenExpired,
    CannedAnswer,
    Fault,
    InvalidJson,
    OwnerNotPremium,
    QuotaExceeded,
    RateLimited,
    ResetMidBody,
    ServerFailure,
    SlowBody,
    UserNotAllowlisted,
)
from spotify_insights.pretend_spotify.running import RunningPretendSpotify
from spotify_insights.spotify.errors import (
    AccessTokenRejectedError,
    EndpointUnavailableError,
    OwnerNotPremiumError,
    QuotaExceededError,
    RateLimitedError,
    RequestRejectedError,
    SpotifyError,
    UpstreamError,
    UserNotAllowlistedError,
)
from spotify_insights.spotify.http_client import SpotifyHttpClient
from spotify_insights.spotify.login import (
    Tokens,
    refresh,
)
from spotify_insights.spotify.web_api import SpotifyWebApi


@pytest.mark.parametrize("mode", list(Mode))
def test_both_modes_are_read_by_the_same_client(
    mode: Mode, api: SpotifyWebApi, spotify: RunningPretendSpotify
) -> None:
    spotify.control.change(mode=mode)

    profile = api.me()
    tracks = api.top_tracks("short_term")
    artists = api.top_artists("long_term", limit=10)
    plays = api.recently_played().items

    assert profile.id == spotify.control.user_id_of(CONFIG.demo_persona)
    assert len(tracks) == len({track.id for track in tracks}) == 50
    assert all(track.artists and track.album and track.duration_ms and track.isrc for track in tracks)
    assert len(artists) == 10
    assert any(artist.genres for artist in artists) == (mode is Mode.EXTENDED)
    assert len(plays) == 50
    ends = [play.played_at for play in plays]
    assert ends == sorted(ends, reverse=True)
    assert ends[0] <= CONFIG.clock()


def test_plays_after_the_last_one_known_are_only_the_newer_ones(
    http: SpotifyHttpClient, tokens: Tokens, spotify: RunningPretendSpotify
) -> None:
    api = SpotifyWebApi(tokens.access_token, http)
    before = api.recently_played().items
    assert api.recently_played(after=before[0].played_at).items == ()

    spotify.control.advance_clock(timedelta(hours=12))
    renewed = refresh(http, CONFIDENTIAL, refresh_token=refresh_token_of(tokens))
    newer = SpotifyWebApi(renewed.access_token, http).recently_played(after=before[0].played_at).items

    assert newer
    assert all(play.played_at > before[0].played_at for play in newer)


def test_audio_features_exist_in_extended_mode_only(
    api: SpotifyWebApi, spotify: RunningPretendSpotify
) -> None:
    ids = [track.id for track in api.top_tracks("medium_term")]
    with pytest.raises(EndpointUnavailableError):
        api.audio_features(ids)

    spotify.control.change(mode=Mode.EXTENDED, tracks_without_features=ids[:3])
    features = api.audio_features([*ids, "0" * 22])

    assert {one.id for one in features} == set(ids[3:])
    assert all(one.valence is not None and 0 <= one.valence <= 1 for one in features)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (RateLimited(retry_after=7), RateLimitedError),
        (QuotaExceeded(retry_after=20), QuotaExceededError),
        (ServerFailure(status=503), UpstreamError),
        (UserNotAllowlisted(), UserNotAllowlistedError),
        (OwnerNotPremium(), OwnerNotPremiumError),
        (AccessTokenExpired(), AccessTokenRejectedError),
        (InvalidJson(), UpstreamError),
        (ResetMidBody(), UpstreamError),
        (
            CannedAnswer(status=403, body='{"error":{"status":403,"message":"Forbidden"}}'),
            EndpointUnavailableError,
        ),
        (CannedAnswer(status=200, body="[]"), UpstreamError),
    ],
    ids=lambda value: getattr(value, "kind", None),
)
def test_each_fault_is_a_typed_error_and_the_next_call_succeeds(
    fault: Fault, expected: type[SpotifyError], api: SpotifyWebApi, spotify: RunningPretendSpotify
) -> None:
    spotify.control.queue(fault)

    with pytest.raises(SpotifyError) as raised:
        api.top_tracks("short_term")

    assert type(raised.value) is expected
    assert api.top_tracks("short_term")
    assert spotify.control.counters().by_route["GET /v1/me/top/tracks"] == 2


def test_the_waits_of_both_limits_arrive(api: SpotifyWebApi, spotify: RunningPretendSpotify) -> None:
    spotify.control.queue(RateLimited(retry_after=7), QuotaExceeded())

    with pytest.raises(RateLimitedError) as limited:
        api.me()
    with pytest.raises(QuotaExceededError) as exhausted:
        api.me()

    assert limited.value.wait == timedelta(seconds=7)
    assert exhausted.value.wait == timedelta(seconds=52_531)


def test_a_slow_body_is_given_up(tokens: Tokens, spotify: RunningPretendSpotify) -> None:
    spotify.control.queue(SlowBody(seconds=3))

    with (
        SpotifyHttpClient(api_url=spotify.base_url, total_limit=timedelta(seconds=0.5)) as http,
        pytest.raises(UpstreamError, match="time limit"),
    ):
        SpotifyWebApi(tokens.access_token, http).me()


def test_a_request_that_makes_no_sense_is_our_own_fault(api: SpotifyWebApi) -> None:
    with pytest.raises(RequestRejectedError):
        api.top_tracks("last_tuesday")
