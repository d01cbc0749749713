from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from spotify_insights.pretend_spotify.config import RefreshTokenAnswer
from spotify_insights.pretend_spotify.running import RunningPretendSpotify
from spotify_insights.pretend_spotify.sign_in import TokenAnswer, authorization_code, sign_in

REDIRECT = "http://127.0.0.1:8000/auth/spotify/callback"
# The example of RFC 7636, appendix B.
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def new_code(spotify: RunningPretendSpotify, challenge: str | None = None) -> str:
    return authorization_code(
        spotify.base_url, spotify.config, redirect_uri=REDIRECT, scope="user-top-read", challenge=challenge
    )


def redeemed(
    browser: httpx2.Client, code: str, *, secret: str | None = None, **changes: str
) -> httpx2.Response:
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT, **changes}
    if secret is not None:
        return browser.post("/api/token", data=form, auth=("pretend-client", secret))
    return browser.post("/api/token", data={**form, "client_id": "pretend-client"})


def refreshed(browser: httpx2.Client, refresh_token: str) -> httpx2.Response:
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
    return browser.post("/api/token", data=form, auth=("pretend-client", "pretend-secret"))


def refusal(response: httpx2.Response) -> tuple[int, str, str]:
    body: Mapping[str, Any] = response.json()
    assert set(body) == {"error", "error_description"}
    return response.status_code, body["error"], body["error_description"]


def test_pkce_turns_a_code_into_tokens(spotify: RunningPretendSpotify, browser: httpx2.Client) -> None:
    response = redeemed(browser, new_code(spotify, CHALLENGE), code_verifier=VERIFIER)
    assert response.status_code == 200
    answer = response.json()
    assert set(answer) == {"access_token", "token_type", "scope", "expires_in", "refresh_token"}
    assert (answer["token_type"], answer["expires_in"]) == ("Bearer", 3600)
    assert answer["scope"] == "user-top-read"


def test_a_wrong_verifier_gets_nothing_and_the_right_one_still_does(
    spotify: RunningPretendSpotify, browser: httpx2.Client
) -> None:
    code = new_code(spotify, CHALLENGE)
    incorrect = (400, "invalid_grant", "code_verifier was incorrect")
    assert refusal(redeemed(browser, code, code_verifier="x" * 43)) == incorrect
    assert refusal(redeemed(browser, code)) == incorrect
    # Not even the app's secret replaces the verifier of a code that was asked for with PKCE.
    assert refusal(redeemed(browser, code, secret="pretend-secret")) == incorrect
    assert redeemed(browser, code, code_verifier=VERIFIER).status_code == 200


def test_the_apps_secret_turns_a_code_into_tokens(
    spotify: RunningPretendSpotify, browser: httpx2.Client
) -> None:
    code = new_code(spotify)
    assert refusal(redeemed(browser, code, secret="wrong")) == (
        400,
        "invalid_client",
        "Invalid client secret",
    )
    assert refusal(redeemed(browser, code))[1] == "invalid_client"
    assert redeemed(browser, code, secret="pretend-secret").status_code == 200


def test_an_unknown_app_is_refused(browser: httpx2.Client) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": "any", "client_id": "someone-else"}
    assert refusal(browser.post("/api/token", data=form)) == (400, "invalid_client", "Invalid client")
    garbled = browser.post("/api/token", data=form, headers={"Authorization": "Basic %%%"})
    assert refusal(garbled)[1] == "invalid_client"


def test_a_code_is_good_once(spotify: RunningPretendSpotify, browser: httpx2.Client) -> None:
    code = new_code(spotify, CHALLENGE)
    assert redeemed(browser, code, code_verifier=VERIFIER).status_code == 200
    replayed = redeemed(browser, code, code_verifier=VERIFIER)
    assert refusal(replayed) == (400, "invalid_grant", "Invalid authorization code")


def test_a_code_is_good_for_ten_minutes(spotify: RunningPretendSpotify, browser: httpx2.Client) -> None:
    code = new_code(spotify, CHALLENGE)
    spotify.control.advance_clock(timedelta(minutes=10))
    expired = redeemed(browser, code, code_verifier=VERIFIER)
    assert refusal(expired) == (400, "invalid_grant", "Authorization code expired")


def test_a_code_is_good_for_the_address_it_was_sent_to(
    spotify: RunningPretendSpotify, browser: httpx2.Client
) -> None:
    code = new_code(spotify, CHALLENGE)
    elsewhere = redeemed(browser, code, code_verifier=VERIFIER, redirect_uri=REDIRECT.replace("8000", "8001"))
    assert refusal(elsewhere) == (400, "invalid_grant", "Invalid redirect URI")


@pytest.mark.parametrize(
    ("form", "error", "description"),
    [
        ({}, "unsupported_grant_type", "grant_type parameter is missing"),
        ({"grant_type": "password"}, "unsupported_grant_type", "grant_type must be"),
        ({"grant_type": "refresh_token"}, "invalid_request", "refresh_token must be supplied"),
        ({"grant_type": "authorization_code"}, "invalid_request", "code must be supplied"),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, "invalid_grant", "Invalid refresh token"),
    ],
)
def test_a_token_request_that_lacks_something_is_told_what(
    browser: httpx2.Client, form: dict[str, str], error: str, description: str
) -> None:
    response = browser.post("/api/token", data=form, auth=("pretend-client", "pretend-secret"))
    status, found_error, found_description = refusal(response)
    assert (status, found_error) == (400, error)
    assert description in found_description


def test_a_json_body_is_no_form(browser: httpx2.Client) -> None:
    body = {"grant_type": "refresh_token", "refresh_token": "x"}
    response = browser.post("/api/token", json=body, auth=("pretend-client", "pretend-secret"))
    assert refusal(response)[1] == "unsupported_grant_type"


@pytest.fixture
def tokens(spotify: RunningPretendSpotify) -> TokenAnswer:
    return sign_in(spotify.base_url, spotify.config)


def access(browser: httpx2.Client, access_token: str) -> tuple[int, str | None]:
    """Status and error message of a call to the Web API."""
    response = browser.get("/v1/me", headers={"Authorization": f"Bearer {access_token}"})
    return response.status_code, response.json().get("error", {}).get("message")


def test_a_refresh_gives_a_working_access_token_and_no_refresh_token(
    browser: httpx2.Client, tokens: TokenAnswer
) -> None:
    answer = refreshed(browser, tokens.refresh_token).json()
    assert set(answer) == {"access_token", "token_type", "scope", "expires_in"}
    assert answer["access_token"] != tokens.access_token
    assert answer["scope"] == tokens.scope
    assert access(browser, answer["access_token"]) == (200, None)


def test_a_refresh_can_answer_an_empty_refresh_token(
    spotify: RunningPretendSpotify, browser: httpx2.Client, tokens: TokenAnswer
) -> None:
    spotify.control.change(refresh_token_answer=RefreshTokenAnswer.EMPTY)
    assert refreshed(browser, tokens.refresh_token).json()["refresh_token"] == ""
    assert refreshed(browser, tokens.refresh_token).status_code == 200


def test_a_new_refresh_token_retires_the_old_one(
    spotify: RunningPretendSpotify, browser: httpx2.Client, tokens: TokenAnswer
) -> None:
    spotify.control.change(refresh_token_answer=RefreshTokenAnswer.NEW)
    successor = refreshed(browser, tokens.refresh_token).json()["refresh_token"]
    assert refusal(refreshed(browser, tokens.refresh_token)) == (
        400,
        "invalid_grant",
        "Refresh token revoked",
    )
    assert refreshed(browser, successor).status_code == 200


@pytest.mark.parametrize("answer", list(RefreshTokenAnswer))
def test_refresh_tokens_end_six_months_after_the_user_agreed_however_often_they_are_used(
    spotify: RunningPretendSpotify, browser: httpx2.Client, tokens: TokenAnswer, answer: RefreshTokenAnswer
) -> None:
    spotify.control.change(refresh_token_answer=answer)
    refresh_token = tokens.refresh_token
    # The clock stands at 22 November 2026: 181 days lie between that and 22 May 2027.
    spotify.control.advance_clock(timedelta(days=181) - timedelta(seconds=1))
    last = refreshed(browser, refresh_token)
    assert last.status_code == 200
    spotify.control.advance_clock(timedelta(seconds=1))
    expired = refreshed(browser, last.json().get("refresh_token") or refresh_token)
    assert refusal(expired) == (400, "invalid_grant", "Refresh token expired")


def test_agreeing_again_starts_another_six_months(
    spotify: RunningPretendSpotify, browser: httpx2.Client
) -> None:
    spotify.control.advance_clock(timedelta(days=200))
    assert refreshed(browser, sign_in(spotify.base_url, spotify.config).refresh_token).status_code == 200


def test_a_revoked_user_stays_out_until_they_agree_again(
    spotify: RunningPretendSpotify, browser: httpx2.Client, tokens: TokenAnswer
) -> None:
    bystander = sign_in(spotify.base_url, spotify.config, persona="night-owl")
    spotify.control.revoke(spotify.control.user_id_of("omnivore"))
    assert refusal(refreshed(browser, tokens.refresh_token)) == (
        400,
        "invalid_grant",
        "Refresh token revoked",
    )
    assert refreshed(browser, bystander.refresh_token).status_code == 200
    again = sign_in(spotify.base_url, spotify.config)
    assert refreshed(browser, again.refresh_token).status_code == 200


def test_an_access_token_lasts_an_hour(
    spotify: RunningPretendSpotify, browser: httpx2.Client, tokens: TokenAnswer
) -> None:
    spotify.control.advance_clock(timedelta(seconds=3599))
    assert access(browser, tokens.access_token) == (200, None)
    spotify.control.advance_clock(timedelta(seconds=1))
    assert access(browser, tokens.access_token) == (401, "The access token expired")


def test_access_tokens_of_one_user_can_be_expired_at_once(
    spotify: RunningPretendSpotify, browser: httpx2.Client, tokens: TokenAnswer
) -> None:
    bystander = sign_in(spotify.base_url, spotify.config, persona="night-owl")
    spotify.control.expire_access_tokens(spotify.control.user_id_of("omnivore"))
    assert access(browser, tokens.access_token) == (401, "The access token expired")
    assert access(browser, bystander.access_token) == (200, None)


def test_a_token_that_nobody_issued_is_invalid(browser: httpx2.Client) -> None:
    assert access(browser, "BQD...") == (401, "Invalid access token")
