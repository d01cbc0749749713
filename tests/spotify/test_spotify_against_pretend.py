"""Our client and the pretend Spotify must agree: both follow Spotify's documents, not each other."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx2
import pytest
from pydantic import SecretStr

from spotify_insights.pretend_spotify.config import Mode, PretendSpotifyConfig, RefreshTokenAnswer
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
from spotify_insights.pretend_spotify.running import RunningPretendSpotify, running_pretend_spotify
from spotify_insights.spotify.errors import (
    AccessTokenRejectedError,
    EndpointUnavailableError,
    InsufficientScopeError,
    OperatorMisconfiguredError,
    OwnerNotPremiumError,
    QuotaExceededError,
    RateLimitedError,
    ReauthRequiredError,
    RequestRejectedError,
    SpotifyError,
    UpstreamError,
    UserNotAllowlistedError,
)
from spotify_insights.spotify.http_client import SpotifyHttpClient
from spotify_insights.spotify.login import (
    AppCredentials,
    Tokens,
    authorize_url,
    exchange_code,
    new_code_verifier,
    refresh,
)
from spotify_insights.spotify.scopes import REQUESTED_SCOPES
from spotify_insights.spotify.web_api import SpotifyWebApi

CONFIG = PretendSpotifyConfig(control=True, clock=lambda: datetime(2026, 11, 21, 12, tzinfo=UTC))
REDIRECT_URI = "http://127.0.0.1:8000/auth/spotify/callback"
CONFIDENTIAL = AppCredentials("pretend-client", SecretStr("pretend-secret"))
PUBLIC = AppCredentials("pretend-client")


@pytest.fixture(scope="module")
def shared_server() -> Iterator[RunningPretendSpotify]:
    with running_pretend_spotify(CONFIG) as running:
        yield running


@pytest.fixture
def spotify(shared_server: RunningPretendSpotify) -> RunningPretendSpotify:
    shared_server.control.reset()
    return shared_server


@pytest.fixture
def http(spotify: RunningPretendSpotify) -> Iterator[SpotifyHttpClient]:
    with SpotifyHttpClient(
        api_url=spotify.base_url, accounts_url=spotify.accounts_url, total_limit=timedelta(seconds=5)
    ) as client:
        yield client


@pytest.fixture
def tokens(http: SpotifyHttpClient, spotify: RunningPretendSpotify) -> Tokens:
    return sign_in(http, spotify, CONFIDENTIAL)


@pytest.fixture
def api(http: SpotifyHttpClient, tokens: Tokens) -> SpotifyWebApi:
    return SpotifyWebApi(tokens.access_token, http)


def consent(
    spotify: RunningPretendSpotify, code_verifier: SecretStr, scopes: frozenset[str] = REQUESTED_SCOPES
) -> SecretStr:
    """Open the page that `authorize_url` names, agree, and bring back the code."""
    url = authorize_url(
        PUBLIC,
        redirect_uri=REDIRECT_URI,
        state=SecretStr("state-1"),
        code_verifier=code_verifier,
        scopes=scopes,
        accounts_url=spotify.accounts_url,
    )
    with httpx2.Client(trust_env=False) as browser:
        assert browser.get(url).status_code == 200
        fields = dict(parse_qsl(urlsplit(url).query))
        response = browser.post(url.partition("?")[0], data={**fields, "decision": "agree"})
    answer = parse_qs(urlsplit(response.headers["Location"]).query)
    assert answer["state"] == ["state-1"]
    return SecretStr(answer["code"][0])


def sign_in(
    http: SpotifyHttpClient,
    spotify: RunningPretendSpotify,
    app: AppCredentials,
    scopes: frozenset[str] = REQUESTED_SCOPES,
) -> Tokens:
    verifier = new_code_verifier()
    code = consent(spotify, verifier, scopes)
    return exchange_code(http, app, code=code, redirect_uri=REDIRECT_URI, code_verifier=verifier)


def refresh_token_of(tokens: Tokens) -> SecretStr:
    assert tokens.refresh_token is not None
    return tokens.refresh_token


@pytest.mark.parametrize("app", [CONFIDENTIAL, PUBLIC], ids=["with a secret", "without a secret"])
def test_a_listener_signs_in_and_the_access_token_is_renewed(
    app: AppCredentials, http: SpotifyHttpClient, spotify: RunningPretendSpotify
) -> None:
    granted = sign_in(http, spotify, app)
    spotify.control.expire_access_tokens()
    with pytest.raises(AccessTokenRejectedError):
        SpotifyWebApi(granted.access_token, http).me()

    renewed = refresh(http, app, refresh_token=refresh_token_of(granted))

    assert granted.scopes == REQUESTED_SCOPES
    assert renewed.refresh_token is None
    assert renewed.expires_in == timedelta(hours=1)
    assert SpotifyWebApi(renewed.access_token, http).me().account_id


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


def test_consent_that_leaves_a_scope_out_is_noticed(
    http: SpotifyHttpClient, spotify: RunningPretendSpotify
) -> None:
    granted = sign_in(http, spotify, PUBLIC, frozenset({"user-top-read"}))

    with pytest.raises(InsufficientScopeError):
        SpotifyWebApi(granted.access_token, http).recently_played()


def test_a_request_that_makes_no_sense_is_our_own_fault(api: SpotifyWebApi) -> None:
    with pytest.raises(RequestRejectedError):
        api.top_tracks("last_tuesday")


@pytest.mark.parametrize("answer", [RefreshTokenAnswer.ABSENT, RefreshTokenAnswer.EMPTY])
def test_refreshing_leaves_the_refresh_token_in_use(
    answer: RefreshTokenAnswer, http: SpotifyHttpClient, tokens: Tokens, spotify: RunningPretendSpotify
) -> None:
    spotify.control.change(refresh_token_answer=answer)

    renewed = [refresh(http, CONFIDENTIAL, refresh_token=refresh_token_of(tokens)) for _ in range(2)]

    assert [one.refresh_token for one in renewed] == [None, None]


def test_a_rotated_refresh_token_is_handed_on(
    http: SpotifyHttpClient, tokens: Tokens, spotify: RunningPretendSpotify
) -> None:
    spotify.control.change(refresh_token_answer=RefreshTokenAnswer.NEW)

    successor = refresh_token_of(refresh(http, CONFIDENTIAL, refresh_token=refresh_token_of(tokens)))

    assert refresh(http, CONFIDENTIAL, refresh_token=successor).access_token


def test_six_months_after_consent_the_listener_has_to_connect_again(
    http: SpotifyHttpClient, tokens: Tokens, spotify: RunningPretendSpotify
) -> None:
    spotify.control.advance_clock(timedelta(days=185))

    with pytest.raises(ReauthRequiredError) as raised:
        refresh(http, CONFIDENTIAL, refresh_token=refresh_token_of(tokens))

    assert raised.value.reason == "expired"


def test_a_listener_who_removed_the_app_has_to_connect_again(
    http: SpotifyHttpClient, tokens: Tokens, spotify: RunningPretendSpotify
) -> None:
    spotify.control.revoke()

    with pytest.raises(ReauthRequiredError) as raised:
        refresh(http, CONFIDENTIAL, refresh_token=refresh_token_of(tokens))

    assert raised.value.reason == "revoked"


@pytest.mark.parametrize(
    "app", [AppCredentials("somebody-else"), AppCredentials("pretend-client", SecretStr("wrong"))]
)
def test_a_wrong_app_is_the_operators_affair(
    app: AppCredentials, http: SpotifyHttpClient, tokens: Tokens
) -> None:
    with pytest.raises(OperatorMisconfiguredError, match="invalid_client"):
        refresh(http, app, refresh_token=refresh_token_of(tokens))


def test_a_code_works_once_and_for_its_own_redirect_uri_only(
    http: SpotifyHttpClient, spotify: RunningPretendSpotify
) -> None:
    verifier = new_code_verifier()
    code = consent(spotify, verifier)

    with pytest.raises(OperatorMisconfiguredError):
        exchange_code(
            http, PUBLIC, code=code, redirect_uri="http://127.0.0.1:9/elsewhere", code_verifier=verifier
        )
    with pytest.raises(ReauthRequiredError):
        exchange_code(http, PUBLIC, code=code, redirect_uri=REDIRECT_URI, code_verifier=new_code_verifier())
    exchange_code(http, PUBLIC, code=code, redirect_uri=REDIRECT_URI, code_verifier=verifier)
    with pytest.raises(ReauthRequiredError):
        exchange_code(http, PUBLIC, code=code, redirect_uri=REDIRECT_URI, code_verifier=verifier)
