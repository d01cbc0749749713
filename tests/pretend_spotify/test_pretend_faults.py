"""Every fault as a plain client meets it, and that the next request is served again."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta

import httpx2
import pytest

from pretend_trials import SignIn
from spotify_insights.pretend_spotify.config import PretendSpotifyConfig
from spotify_insights.pretend_spotify.faults import (
    AccessTokenExpired,
    CannedAnswer,
    Delay,
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
from spotify_insights.pretend_spotify.loopback_client import loopback_client
from spotify_insights.pretend_spotify.running import RunningPretendSpotify, running_pretend_spotify


def test_the_short_rate_limit_says_when_to_come_back(
    spotify: RunningPretendSpotify, listener_client: SignIn
) -> None:
    client = listener_client()
    spotify.control.queue(RateLimited(retry_after=7))
    limited = client.get("/me")
    assert (limited.status_code, limited.headers["retry-after"]) == (429, "7")
    assert limited.json() == {"error": {"status": 429, "message": "API rate limit exceeded"}}
    assert client.get("/me").status_code == 200


def test_the_exceeded_quota_names_its_reason_and_takes_hours(
    spotify: RunningPretendSpotify, listener_client: SignIn
) -> None:
    spotify.control.queue(QuotaExceeded())
    limited = listener_client().get("/me")
    assert limited.json() == {
        "error": {"status": 429, "message": "Too many requests", "reason": "QUOTA_EXCEEDED"}
    }
    assert timedelta(seconds=int(limited.headers["retry-after"])) > timedelta(hours=1)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_the_service_can_fail(spotify: RunningPretendSpotify, listener_client: SignIn, status: int) -> None:
    spotify.control.queue(ServerFailure.model_validate({"status": status}))
    failed = listener_client().get("/me")
    assert (failed.status_code, failed.json()["error"]["status"]) == (status, status)


def test_a_failing_token_endpoint_speaks_oauth(
    spotify: RunningPretendSpotify, browser: httpx2.Client
) -> None:
    spotify.control.queue(ServerFailure(path="/api/token"))
    failed = browser.post("/api/token", data={})
    assert (failed.status_code, failed.json()["error"]) == (503, "server_error")


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (UserNotAllowlisted(), "User not registered in the Developer Dashboard"),
        (OwnerNotPremium(), "Active premium subscription required for the owner of the app."),
    ],
)
def test_some_refusals_are_plain_text(
    spotify: RunningPretendSpotify, listener_client: SignIn, fault: Fault, words: str
) -> None:
    spotify.control.queue(fault)
    refused = listener_client().get("/me")
    assert refused.status_code == 403
    assert refused.headers["content-type"].startswith("text/plain")
    assert refused.text.startswith(words)


def test_a_slow_body_is_the_right_one_and_outlasts_a_short_patience(
    spotify: RunningPretendSpotify, listener_client: SignIn
) -> None:
    client = listener_client()
    right = client.get("/me").json()
    spotify.control.queue(SlowBody(seconds=0.3))
    begun = time.monotonic()
    assert client.get("/me").json() == right
    assert time.monotonic() - begun >= 0.3
    spotify.control.queue(SlowBody(seconds=30))
    with pytest.raises(httpx2.ReadTimeout):
        client.get("/me", timeout=0.2)


def test_a_slow_body_drips_rather_than_arriving_at_once(
    spotify: RunningPretendSpotify, listener_client: SignIn
) -> None:
    client = listener_client()
    spotify.control.queue(SlowBody(seconds=0.3))
    with client.stream("GET", "/me") as response:
        assert len(list(response.iter_raw())) >= 5


def test_an_answer_can_be_late(spotify: RunningPretendSpotify, listener_client: SignIn) -> None:
    client = listener_client()
    spotify.control.queue(Delay(seconds=0.3))
    begun = time.monotonic()
    assert client.get("/me").status_code == 200
    assert time.monotonic() - begun >= 0.3


def test_json_can_be_cut_off(spotify: RunningPretendSpotify, listener_client: SignIn) -> None:
    client = listener_client()
    right = client.get("/me").content
    spotify.control.queue(InvalidJson())
    cut = client.get("/me")
    assert cut.status_code == 200
    assert cut.headers["content-type"] == "application/json"
    assert right.startswith(cut.content)
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        cut.json()


def test_the_connection_can_be_reset_in_the_middle_of_a_body(
    spotify: RunningPretendSpotify, listener_client: SignIn
) -> None:
    client = listener_client()
    spotify.control.queue(ResetMidBody())
    received = b""
    with pytest.raises(httpx2.ReadError), client.stream("GET", "/me/top/tracks") as response:  # noqa: PT012  the half body is half of the point
        for part in response.iter_raw():
            received += part
    assert received.startswith(b'{"href"')
    assert client.get("/me").status_code == 200


def test_a_good_token_can_be_called_expired_once(
    spotify: RunningPretendSpotify, listener_client: SignIn
) -> None:
    client = listener_client()
    spotify.control.queue(AccessTokenExpired())
    refused = client.get("/me")
    assert (refused.status_code, refused.json()["error"]["message"]) == (401, "The access token expired")
    assert client.get("/me").status_code == 200


def test_any_other_answer_can_be_given(spotify: RunningPretendSpotify, listener_client: SignIn) -> None:
    spotify.control.queue(
        CannedAnswer(
            status=418, body="<h1>Teapot</h1>", content_type="text/html", headers={"X-Tea": "oolong"}
        )
    )
    answer = listener_client().get("/me")
    assert (answer.status_code, answer.text, answer.headers["x-tea"]) == (418, "<h1>Teapot</h1>", "oolong")


def test_a_fault_hits_only_its_path_and_only_so_many_times(
    spotify: RunningPretendSpotify, listener_client: SignIn
) -> None:
    client = listener_client()
    spotify.control.queue(ServerFailure(path="/v1/me/top/*", times=2))
    paths = ["/me", "/me/top/tracks", "/me", "/me/top/artists", "/me/top/tracks"]
    assert [client.get(path).status_code for path in paths] == [200, 503, 200, 503, 200]


def test_faults_come_in_the_order_they_were_queued(
    spotify: RunningPretendSpotify, listener_client: SignIn
) -> None:
    client = listener_client()
    spotify.control.queue(ServerFailure(status=502), RateLimited(), ServerFailure(status=500))
    assert [client.get("/me").status_code for _ in range(4)] == [502, 429, 500, 200]


def test_cleared_faults_do_not_happen(spotify: RunningPretendSpotify, listener_client: SignIn) -> None:
    spotify.control.queue(ServerFailure(times=5))
    spotify.control.clear_faults()
    assert listener_client().get("/me").status_code == 200


@pytest.mark.parametrize("fault", [SlowBody(seconds=60), Delay(seconds=60)], ids=lambda fault: fault.kind)
def test_a_server_with_an_answer_under_way_still_stops_quickly_and_quietly(
    fault: Fault, capsys: pytest.CaptureFixture[str]
) -> None:
    with ExitStack() as stack, ThreadPoolExecutor() as pool:
        running = stack.enter_context(running_pretend_spotify(PretendSpotifyConfig(control=True)))
        running.control.queue(fault)
        with loopback_client(running.base_url) as client, loopback_client(running.base_url) as onlooker:
            waiting = pool.submit(client.get, "/v1/me", timeout=60)
            deadline = time.monotonic() + 5
            while onlooker.get("/_pretend/faults").json()["faults"]:
                assert time.monotonic() < deadline, "the fault was never met"
                time.sleep(0.01)
            begun = time.monotonic()
            stack.close()
            with pytest.raises(httpx2.TransportError):
                waiting.result(timeout=5)
        assert time.monotonic() - begun < 10
    assert capsys.readouterr() == ("", "")
