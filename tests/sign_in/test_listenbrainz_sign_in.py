"""Sign-in with ListenBrainz: whoever holds a user token is that user; the token is kept sealed."""

from datetime import timedelta

import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from sign_in_journeys import Visitor, events, rows
from spotify_insights.accounts.connect_listenbrainz import listenbrainz_place
from spotify_insights.listenbrainz.client import ListenBrainzClient
from spotify_insights.listenbrainz.errors import (
    ListenBrainzRateLimitedError,
    ListenBrainzUpstreamError,
    TokenRejectedError,
)
from spotify_insights.pretend_spotify.faults import CannedAnswer, Delay, Fault, ServerFailure
from spotify_insights.pretend_spotify.listenbrainz import user_token_of
from spotify_insights.pretend_spotify.running import RunningPretendSpotify
from spotify_insights.runtime import Runtime
from spotify_insights.security.sealing import SealedText

PAGE, CHECK = "/auth/listenbrainz", "/listenbrainz/1/validate-token"
TOKEN, OTHER_TOKEN = user_token_of("omnivore"), user_token_of("night-owl")


def test_a_token_signs_in_and_is_kept_sealed(visitor: Visitor, runtime: Runtime) -> None:
    form = visitor.get(f"{PAGE}?next=/account?tab=keys")
    assert (form.status_code, 'name="token"' in form.text) == (200, True)
    answer = visitor.post(PAGE, {"token": f" {TOKEN}\n", "next": "/account?tab=keys"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/account?tab=keys")
    assert visitor.get("/account").status_code == 200
    [kept] = rows(runtime.database, "listenbrainz_tokens")
    assert (kept["user_name"], kept["status"]) == ("omnivore", "connected")
    assert TOKEN not in str(kept)
    place = listenbrainz_place(token_id=kept["id"], user_id=kept["user_id"])  # type: ignore[arg-type]
    opened = runtime.sealer.open(SealedText(str(kept["sealed_user_token"])), place)
    assert opened.get_secret_value() == TOKEN
    assert events(runtime.database) == [
        ("account_created", {"method": "listenbrainz"}),
        ("connected", {"provider": "listenbrainz"}),
        ("sign_in", {"method": "listenbrainz"}),
    ]


def test_the_same_token_is_the_same_person_and_another_one_is_not(
    client: TestClient, runtime: Runtime
) -> None:
    for token in (TOKEN, TOKEN, OTHER_TOKEN):
        Visitor(client).post(PAGE, {"token": token})
    assert len(rows(runtime.database, "users")) == 2
    assert len(rows(runtime.database, "sessions")) == 3


def test_who_is_signed_in_connects_it_as_a_second_identity(visitor: Visitor, runtime: Runtime) -> None:
    visitor.sign_in()
    assert visitor.post(PAGE, {"token": TOKEN}).status_code == 303
    [user] = rows(runtime.database, "users")
    identities = rows(runtime.database, "user_identities")
    assert {identity["provider"] for identity in identities} == {"spotify", "listenbrainz"}
    assert {identity["user_id"] for identity in identities} == {user["id"]}
    shown = visitor.get(f"/api/users/{user['id']}/connections").json()
    assert [connection["provider"] for connection in shown] == ["spotify", "listenbrainz"]
    assert (shown[1]["status"], shown[1]["reauthorize_before"]) == ("connected", None)
    elsewhere = Visitor(visitor.client)
    elsewhere.post(PAGE, {"token": TOKEN})
    assert len(rows(runtime.database, "users")) == 1, "either of them lets the person in"


def test_somebody_elses_token_is_not_connected(visitor: Visitor, client: TestClient) -> None:
    Visitor(client).post(PAGE, {"token": TOKEN})
    visitor.sign_in()
    page = visitor.post(PAGE, {"token": TOKEN})
    assert (page.status_code, "belongs to somebody else here" in page.text) == (403, True)


def test_a_token_that_is_nobodys_is_told_beside_the_field(visitor: Visitor, runtime: Runtime) -> None:
    for token in ("", "nobody's", "cafef00d-4a4e-4152-9a4e-c0dec0dec0de", "ü" * 40, "a\r\nX: y"):
        page = visitor.post(PAGE, {"token": token, "next": "/account"})
        assert page.status_code == 422, token
        assert "ListenBrainz does not know this token" in page.text
        assert not token or token not in page.text
    assert rows(runtime.database, "users") == []
    assert visitor.session is None


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (CannedAnswer(path=CHECK, status=429, headers={"Retry-After": "600"}), "in about 10 minutes"),
        (ServerFailure(path=CHECK), "ListenBrainz is not answering"),
        (CannedAnswer(path=CHECK, status=200, body="<html>"), "ListenBrainz is not answering"),
    ],
)
def test_a_listenbrainz_that_does_not_answer_is_a_page(
    visitor: Visitor, pretend_spotify: RunningPretendSpotify, fault: Fault, says: str
) -> None:
    pretend_spotify.control.queue(fault)
    page = visitor.post(PAGE, {"token": TOKEN})
    assert (page.status_code, says in page.text, TOKEN in page.text) == (503, True, False)
    assert int(page.headers["retry-after"]) > 0


def test_a_form_of_a_foreign_page_connects_nobody(visitor: Visitor, runtime: Runtime) -> None:
    visitor.sign_in()
    answer = visitor.client.post(
        PAGE,
        data={"token": TOKEN},
        headers={"Sec-Fetch-Site": "cross-site", "Cookie": f"si_session={visitor.session}"},
    )
    assert answer.status_code == 403
    assert rows(runtime.database, "listenbrainz_tokens") == []


def test_the_client_knows_whose_a_token_is(pretend_spotify: RunningPretendSpotify) -> None:
    listenbrainz = ListenBrainzClient(api_url=pretend_spotify.listenbrainz_url)
    assert listenbrainz.user_name_of(SecretStr(TOKEN)) == "omnivore"
    with pytest.raises(TokenRejectedError):
        listenbrainz.user_name_of(SecretStr("unknown"))
    [seen, _] = pretend_spotify.control.requests()
    assert (seen.path, seen.query) == (CHECK, {})
    listenbrainz.close()


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (CannedAnswer(path=CHECK, status=401), TokenRejectedError),
        (CannedAnswer(path=CHECK, status=429), ListenBrainzRateLimitedError),
        (CannedAnswer(path=CHECK, status=302, headers={"Location": "/elsewhere"}), ListenBrainzUpstreamError),
        (CannedAnswer(path=CHECK, status=200, body='{"valid": true}'), ListenBrainzUpstreamError),
        (CannedAnswer(path=CHECK, status=200, body="x" * 100_000), ListenBrainzUpstreamError),
        (Delay(path=CHECK, seconds=5), ListenBrainzUpstreamError),
    ],
)
def test_every_other_answer_is_one_typed_error_that_shows_no_token(
    pretend_spotify: RunningPretendSpotify, fault: Fault, error: type[Exception]
) -> None:
    listenbrainz = ListenBrainzClient(
        api_url=pretend_spotify.listenbrainz_url, total_limit=timedelta(seconds=0.3)
    )
    pretend_spotify.control.queue(fault)
    with pytest.raises(error) as raised:
        listenbrainz.user_name_of(SecretStr(TOKEN))
    assert raised.value.__cause__ is None
    assert raised.value.__context__ is None
    assert TOKEN not in str(raised.value)
    listenbrainz.close()
