from datetime import timedelta

import httpx2
import pytest

from pretend_trials import NOW, SignIn
from spotify_insights.pretend_spotify.config import Mode, PretendSpotifyConfig
from spotify_insights.pretend_spotify.faults import RateLimited
from spotify_insights.pretend_spotify.running import RunningPretendSpotify, running_pretend_spotify
from spotify_insights.pretend_spotify.sign_in import sign_in


def test_without_the_flag_there_is_no_control_surface() -> None:
    with running_pretend_spotify(PretendSpotifyConfig()) as server:
        for name in ("faults", "clock", "requests", "reset"):
            answer = httpx2.get(f"{server.base_url}/_pretend/{name}", trust_env=False)
            assert answer.status_code == 404


def test_the_log_tells_what_was_asked_and_answered(
    spotify: RunningPretendSpotify, listener_client: SignIn
) -> None:
    client = listener_client()
    client.get("/me/top/tracks", params={"limit": 3})
    client.get("/me/top/tracks", params={"limit": 0})
    seen = [(one.method, one.path, dict(one.query), one.status) for one in spotify.control.requests()]
    assert seen[-2:] == [
        ("GET", "/v1/me/top/tracks", {"limit": "3"}, 200),
        ("GET", "/v1/me/top/tracks", {"limit": "0"}, 400),
    ]
    assert {one.at for one in spotify.control.requests()} == {NOW}


def test_counters_tell_token_requests_apart_by_grant(
    spotify: RunningPretendSpotify, browser: httpx2.Client
) -> None:
    tokens = sign_in(spotify.base_url, spotify.config)
    form = {"grant_type": "refresh_token", "refresh_token": tokens.refresh_token}
    for _ in range(2):
        browser.post("/api/token", data=form, auth=("pretend-client", "pretend-secret"))
    counters = spotify.control.counters()
    assert counters.by_route == {
        "POST /authorize": 1,
        "POST /api/token authorization_code": 1,
        "POST /api/token refresh_token": 2,
    }
    assert counters.by_status == {303: 1, 200: 3}
    assert counters.total == 4


def test_faults_are_counted_as_what_the_client_saw(
    spotify: RunningPretendSpotify, listener_client: SignIn
) -> None:
    client = listener_client()
    spotify.control.queue(RateLimited())
    client.get("/me")
    assert spotify.control.counters().by_status[429] == 1


def test_no_token_ever_reaches_the_log(spotify: RunningPretendSpotify, browser: httpx2.Client) -> None:
    tokens = sign_in(spotify.base_url, spotify.config)
    secrets = [tokens.access_token, tokens.refresh_token, "pretend-secret"]
    browser.get("/v1/me", headers={"Authorization": f"Bearer {tokens.access_token}"})
    browser.get("/v1/me", params={"access_token": tokens.access_token})
    browser.get("/v1/me", params={"refresh_token": tokens.refresh_token, "client_secret": "pretend-secret"})
    form = {"grant_type": "refresh_token", "refresh_token": tokens.refresh_token}
    browser.post("/api/token", data=form, auth=("pretend-client", "pretend-secret"))
    for name in ("requests", "counters"):
        text = browser.get(f"/_pretend/{name}").text
        assert "/v1/me" in text
        assert not any(secret in text for secret in secrets)


def test_the_clock_moves_forward_and_reset_takes_it_back(spotify: RunningPretendSpotify) -> None:
    assert spotify.control.advance_clock(timedelta(days=3)) == NOW + timedelta(days=3)
    assert spotify.control.advance_clock(timedelta(hours=1)) == NOW + timedelta(days=3, hours=1)
    spotify.control.reset()
    assert spotify.control.advance_clock(timedelta()) == NOW


def test_reset_forgets_tokens_settings_faults_and_log(
    spotify: RunningPretendSpotify, listener_client: SignIn, browser: httpx2.Client
) -> None:
    client = listener_client()
    spotify.control.queue(RateLimited(times=9))
    spotify.control.change(mode=Mode.DEVELOPMENT)
    spotify.control.reset()
    assert spotify.control.counters().total == 0
    assert browser.get("/_pretend/faults").json() == {"faults": []}
    assert client.get("/me").json()["error"]["message"] == "Invalid access token"
    assert "followers" in listener_client().get("/me").json()


def test_pending_faults_can_be_read(
    spotify: RunningPretendSpotify, listener_client: SignIn, browser: httpx2.Client
) -> None:
    client = listener_client()
    spotify.control.queue(RateLimited(times=3, retry_after=4))
    client.get("/me")
    assert browser.get("/_pretend/faults").json() == {
        "faults": [{"kind": "rate_limited", "path": "/v1/*", "times": 2, "retry_after": 4}]
    }


@pytest.mark.parametrize(
    ("method", "name", "body"),
    [
        ("POST", "faults", '{"kind": "earthquake"}'),
        ("POST", "faults", '{"kind": "rate_limited", "times": 0}'),
        ("POST", "faults", '{"kind": "rate_limited", "retry_afterwards": 3}'),
        ("POST", "faults", "not json"),
        ("POST", "clock", '{"advance_seconds": -5}'),
        ("PATCH", "settings", '{"mode": "premium"}'),
        ("PATCH", "settings", '{"feature_coverage": 1.5}'),
    ],
)
def test_an_order_that_makes_no_sense_is_refused(
    spotify: RunningPretendSpotify, browser: httpx2.Client, method: str, name: str, body: str
) -> None:
    refused = browser.request(method, f"/_pretend/{name}", content=body)
    assert refused.status_code == 422
    assert refused.text
    assert spotify.control.counters().total == 0
